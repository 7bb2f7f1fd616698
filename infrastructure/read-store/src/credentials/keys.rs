//! Keys for programs.

use super::rows::{digest, id, misshapen, ms, read_digest, read_id, read_time, read_time_or_none};
use application::ports::{
    credentials::{KeyState, NewKey},
    event_log::Tenant,
};
use domain::value::{AccountId, KeyId, Scope};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

/// Keeps a key; whether there was none with its id.
pub(super) async fn put(connection: &mut SqliteConnection, key: &NewKey) -> Result<bool, sqlx::Error> {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
    let kept = sqlx::query(
        "INSERT INTO api_keys (id, account, tenant, secret_hash, scopes, made_ms, expires_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    )
    .bind(id(key.id.0))
    .bind(id(key.account.0))
    .bind(key.tenant.0.clone())
    .bind(digest(&key.secret_hash))
    .bind(scopes.join(" "))
    .bind(ms(key.now))
    .bind(key.expires_at.map(ms))
    .execute(connection)
    .await?;
    Ok(kept.rows_affected() > 0)
}

/// A key.
pub(super) async fn find(connection: &mut SqliteConnection, key: KeyId) -> Result<Option<KeyState>, sqlx::Error> {
    let found = sqlx::query("SELECT * FROM api_keys WHERE id = ?1").bind(id(key.0));
    found.fetch_optional(connection).await?.map(|row| read(&row)).transpose()
}

/// The keys of an account, newest first.
pub(super) async fn of_account(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<Vec<KeyState>, sqlx::Error> {
    let found = sqlx::query("SELECT * FROM api_keys WHERE account = ?1 ORDER BY made_ms DESC, id DESC");
    found.bind(id(account.0)).fetch_all(connection).await?.iter().map(read).collect()
}

/// Revokes a key; whether it was not revoked before.
pub(super) async fn revoke(connection: &mut SqliteConnection, key: KeyId) -> Result<bool, sqlx::Error> {
    let revoked = sqlx::query("UPDATE api_keys SET revoked = 1 WHERE id = ?1 AND revoked = 0").bind(id(key.0));
    Ok(revoked.execute(connection).await?.rows_affected() > 0)
}

/// Revokes the keys of an account; those that were not revoked before.
pub(super) async fn revoke_all(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<Vec<KeyId>, sqlx::Error> {
    let revoked = sqlx::query("UPDATE api_keys SET revoked = 1 WHERE account = ?1 AND revoked = 0 RETURNING id");
    let revoked = revoked.bind(id(account.0)).fetch_all(connection).await?;
    revoked.iter().map(|row| read_id(row, "id").map(KeyId)).collect()
}

fn read(row: &SqliteRow) -> Result<KeyState, sqlx::Error> {
    let scopes: String = row.try_get("scopes")?;
    let scopes = scopes.split_whitespace().map(str::parse).collect::<Result<Vec<Scope>, _>>();
    Ok(KeyState {
        id: KeyId(read_id(row, "id")?),
        account: AccountId(read_id(row, "account")?),
        tenant: Tenant(row.try_get("tenant")?),
        secret_hash: read_digest(row, "secret_hash")?,
        scopes: scopes.map_err(|error| misshapen("scopes", error))?,
        made_at: read_time(row, "made_ms")?,
        expires_at: read_time_or_none(row, "expires_ms")?,
        is_revoked: row.try_get::<i64, _>("revoked")? != 0,
        last_used_at: read_time_or_none(row, "last_used_ms")?,
    })
}
