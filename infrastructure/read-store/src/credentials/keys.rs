//! Keys for programs.

use crate::sql::{Cells, Sql, ask, misshapen};
use application::ports::{
    credentials::{KeyState, NewKey},
    event_log::Tenant,
};
use domain::value::{AccountId, KeyId, Scope};

/// Keeps a key; whether there was none with its id.
pub(super) async fn put<S: Sql>(connection: &mut S, key: &NewKey) -> Result<bool, sqlx::Error> {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
    let kept = ask("INSERT INTO api_keys (id, account, tenant, secret_hash, scopes, made_ms, expires_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING")
    .id(key.id.0)
    .id(key.account.0)
    .text(key.tenant.0.clone())
    .digest(&key.secret_hash)
    .text(scopes.join(" "))
    .time(key.now)
    .time_or_none(key.expires_at);
    Ok(kept.run(connection).await? > 0)
}

/// A key.
pub(super) async fn find<S: Sql>(connection: &mut S, key: KeyId) -> Result<Option<KeyState>, sqlx::Error> {
    let found = ask("SELECT * FROM api_keys WHERE id = $1").id(key.0).first(connection).await?;
    found.map(|row| read(&row)).transpose()
}

/// The keys of an account, newest first.
pub(super) async fn of_account<S: Sql>(connection: &mut S, account: AccountId) -> Result<Vec<KeyState>, sqlx::Error> {
    let found = ask("SELECT * FROM api_keys WHERE account = $1 ORDER BY made_ms DESC, id DESC");
    found.id(account.0).all(connection).await?.iter().map(read).collect()
}

/// Revokes a key; whether it was not revoked before.
pub(super) async fn revoke<S: Sql>(connection: &mut S, key: KeyId) -> Result<bool, sqlx::Error> {
    let revoked = ask("UPDATE api_keys SET revoked = 1 WHERE id = $1 AND revoked = 0").id(key.0);
    Ok(revoked.run(connection).await? > 0)
}

/// Revokes the keys of an account; those that were not revoked before.
pub(super) async fn revoke_all<S: Sql>(connection: &mut S, account: AccountId) -> Result<Vec<KeyId>, sqlx::Error> {
    let revoked = ask("UPDATE api_keys SET revoked = 1 WHERE account = $1 AND revoked = 0 RETURNING id");
    revoked.id(account.0).all(connection).await?.iter().map(|row| row.id("id").map(KeyId)).collect()
}

fn read(row: &impl Cells) -> Result<KeyState, sqlx::Error> {
    let scopes = row.text("scopes")?;
    let scopes = scopes.split_whitespace().map(str::parse).collect::<Result<Vec<Scope>, _>>();
    Ok(KeyState {
        id: KeyId(row.id("id")?),
        account: AccountId(row.id("account")?),
        tenant: Tenant(row.text("tenant")?),
        secret_hash: row.digest("secret_hash")?,
        scopes: scopes.map_err(|error| misshapen("scopes", error))?,
        made_at: row.time("made_ms")?,
        expires_at: row.time_or_none("expires_ms")?,
        is_revoked: row.number("revoked")? != 0,
        last_used_at: row.time_or_none("last_used_ms")?,
    })
}
