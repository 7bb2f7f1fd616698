//! Where accounts signed in from, and where keys were used from: by keyed digests, of which few are remembered.

use super::rows::{count, digest, id, ms, read_time_or_none};
use application::ports::credentials::{ADDRESSES_MAX, USE_STEP_MS, Used};
use domain::value::{AccountId, Sha256, Timestamp};
use sqlx::SqliteConnection;
use uuid::Uuid;

/// Whether a use of a key says nothing that is not known well enough.
pub(super) async fn is_old_news(connection: &mut SqliteConnection, used: &Used) -> Result<bool, sqlx::Error> {
    if !knows(connection, used.key.0, used.address_digest).await? {
        return Ok(false);
    }
    let key = sqlx::query("SELECT last_used_ms FROM api_keys WHERE id = ?1").bind(id(used.key.0));
    let Some(row) = key.fetch_optional(connection).await? else {
        return Ok(false);
    };
    let last = read_time_or_none(&row, "last_used_ms")?;
    Ok(last.is_some_and(|last| used.now.since_ms(last) < USE_STEP_MS))
}

/// Notes a use of a key; whether its address is new. Of a key that does not exist nothing is noted.
pub(super) async fn note_use(connection: &mut SqliteConnection, used: &Used) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query("UPDATE api_keys SET last_used_ms = max(coalesce(last_used_ms, 0), ?2) WHERE id = ?1")
        .bind(id(used.key.0))
        .bind(ms(used.now))
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    note(connection, used.key.0, used.address_digest, used.now).await
}

/// Notes a sign-in; whether its address is new.
pub(super) async fn note_sign_in(
    connection: &mut SqliteConnection,
    account: AccountId,
    address: Sha256,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    note(connection, account.0, address, now).await
}

/// Whether an address is remembered.
pub(super) async fn knows(
    connection: &mut SqliteConnection,
    owner: Uuid,
    address: Sha256,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM addresses WHERE owner = ?1 AND digest = ?2)")
        .bind(id(owner))
        .bind(digest(&address))
        .fetch_one(connection)
        .await
}

async fn note(
    connection: &mut SqliteConnection,
    owner: Uuid,
    address: Sha256,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let seen = sqlx::query("UPDATE addresses SET seen_ms = max(seen_ms, ?3) WHERE owner = ?1 AND digest = ?2")
        .bind(id(owner))
        .bind(digest(&address))
        .bind(ms(now))
        .execute(&mut *connection)
        .await?;
    if seen.rows_affected() > 0 {
        return Ok(false);
    }
    // Room is made first, so that the new one stays whatever the clock says.
    sqlx::query(
        "DELETE FROM addresses WHERE owner = ?1 AND digest IN \
         (SELECT digest FROM addresses WHERE owner = ?1 ORDER BY seen_ms DESC, digest LIMIT -1 OFFSET ?2)",
    )
    .bind(id(owner))
    .bind(count(ADDRESSES_MAX as u64) - 1)
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO addresses (owner, digest, seen_ms) VALUES (?1, ?2, ?3)")
        .bind(id(owner))
        .bind(digest(&address))
        .bind(ms(now))
        .execute(connection)
        .await?;
    Ok(true)
}
