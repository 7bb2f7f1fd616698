//! Secrets that must be read back: sealed here, rows of sealed bytes below.

use super::rows::id;
use application::ports::{
    credentials::{CredentialError, Secret},
    key_vault::Key,
};
use event_codec::{open_bytes, seal_bytes};
use sqlx::{Row as _, SqliteConnection};
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
pub(super) async fn put(
    connection: &mut SqliteConnection,
    owner: Uuid,
    name: &str,
    sealed: &[u8],
) -> Result<(), sqlx::Error> {
    let kept = sqlx::query("INSERT OR REPLACE INTO secrets (owner, name, sealed) VALUES (?1, ?2, ?3)")
        .bind(id(owner))
        .bind(name.to_owned())
        .bind(sealed.to_vec());
    kept.execute(connection).await.map(drop)
}

/// A sealed secret.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    owner: Uuid,
    name: &str,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar("SELECT sealed FROM secrets WHERE owner = ?1 AND name = ?2")
        .bind(id(owner))
        .bind(name.to_owned())
        .fetch_optional(connection)
        .await
}

/// Names and sealed secrets of an owner.
pub(super) async fn of_owner(
    connection: &mut SqliteConnection,
    owner: Uuid,
) -> Result<Vec<(String, Vec<u8>)>, sqlx::Error> {
    let found = sqlx::query("SELECT name, sealed FROM secrets WHERE owner = ?1 ORDER BY name").bind(id(owner));
    let rows = found.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("sealed")?))).collect()
}

/// Removes a secret; whether there was one.
pub(super) async fn remove(connection: &mut SqliteConnection, owner: Uuid, name: &str) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query("DELETE FROM secrets WHERE owner = ?1 AND name = ?2").bind(id(owner)).bind(name.to_owned());
    Ok(gone.execute(connection).await?.rows_affected() > 0)
}

/// Removes all secrets of an owner.
pub(super) async fn remove_all(connection: &mut SqliteConnection, owner: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM secrets WHERE owner = ?1").bind(id(owner)).execute(connection).await.map(drop)
}

/// What a sealed secret is bound to. The owner has a fixed length, so that no two contexts are alike.
fn context(owner: Uuid, name: &str) -> Vec<u8> {
    [b"credential".as_slice(), owner.as_bytes(), name.as_bytes()].concat()
}
