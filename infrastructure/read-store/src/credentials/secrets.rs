//! Secrets that must be read back: sealed here, rows of sealed bytes below.

use crate::sql::{Cells as _, Sql, ask};
use application::ports::{
    credentials::{CredentialError, Secret},
    key_vault::Key,
};
use event_codec::{open_bytes, seal_bytes};
use uuid::Uuid;

/// Seals a secret, bound to owner and name.
pub(super) fn sealed(seal: &Key, owner: Uuid, name: &str, plain: &[u8]) -> Result<Vec<u8>, CredentialError> {
    seal_bytes(seal, &context(owner, name), plain).map_err(|error| CredentialError::Unavailable(Box::new(error)))
}

/// Opens a secret. That it does not open is a failure: it is there, and somebody relies on it.
pub(super) fn opened(seal: &Key, owner: Uuid, name: &str, sealed: &[u8]) -> Result<Secret, CredentialError> {
    let plain = open_bytes(seal, &context(owner, name), sealed);
    plain.map(Secret::new).map_err(|error| CredentialError::Unavailable(Box::new(error)))
}

/// Keeps a sealed secret.
pub(super) async fn put<S: Sql>(connection: &mut S, owner: Uuid, name: &str, sealed: &[u8]) -> Result<(), sqlx::Error> {
    let kept = ask("INSERT INTO secrets (owner, name, sealed) VALUES ($1, $2, $3) \
         ON CONFLICT (owner, name) DO UPDATE SET sealed = excluded.sealed");
    kept.id(owner).text(name).bytes(sealed.to_vec()).run(connection).await.map(drop)
}

/// A sealed secret.
pub(super) async fn find<S: Sql>(connection: &mut S, owner: Uuid, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let found = ask("SELECT sealed FROM secrets WHERE owner = $1 AND name = $2").id(owner).text(name);
    found.first(connection).await?.map(|row| row.bytes("sealed")).transpose()
}

/// Names and sealed secrets of an owner.
pub(super) async fn of_owner<S: Sql>(connection: &mut S, owner: Uuid) -> Result<Vec<(String, Vec<u8>)>, sqlx::Error> {
    let rows = ask("SELECT name, sealed FROM secrets WHERE owner = $1 ORDER BY name").id(owner).all(connection).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.bytes("sealed")?))).collect()
}

/// Removes a secret; whether there was one.
pub(super) async fn remove<S: Sql>(connection: &mut S, owner: Uuid, name: &str) -> Result<bool, sqlx::Error> {
    let gone = ask("DELETE FROM secrets WHERE owner = $1 AND name = $2").id(owner).text(name);
    Ok(gone.run(connection).await? > 0)
}

/// Removes all secrets of an owner.
pub(super) async fn remove_all<S: Sql>(connection: &mut S, owner: Uuid) -> Result<(), sqlx::Error> {
    ask("DELETE FROM secrets WHERE owner = $1").id(owner).run(connection).await.map(drop)
}

/// What a sealed secret is bound to. The owner has a fixed length, so that no two contexts are alike.
fn context(owner: Uuid, name: &str) -> Vec<u8> {
    [b"credential".as_slice(), owner.as_bytes(), name.as_bytes()].concat()
}
