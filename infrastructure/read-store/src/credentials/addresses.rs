//! Where accounts signed in from, and where keys were used from: by keyed digests, of which few are remembered.

use crate::sql::{Cells as _, Sql, ask};
use application::ports::credentials::{ADDRESSES_MAX, USE_STEP_MS, Used};
use domain::value::{AccountId, Sha256, Timestamp};
use uuid::Uuid;

/// Addresses forgotten with one that is new at most: more than are too many, unless very many came at once.
const FORGOTTEN_MAX: i64 = 64;

/// Whether a use of a key says nothing that is not known well enough.
pub(super) async fn is_old_news<S: Sql>(connection: &mut S, used: &Used) -> Result<bool, sqlx::Error> {
    if !knows(connection, used.key.0, used.address_digest).await? {
        return Ok(false);
    }
    let key = ask("SELECT last_used_ms FROM api_keys WHERE id = $1").id(used.key.0).first(connection).await?;
    let last = key.map(|row| row.time_or_none("last_used_ms")).transpose()?.flatten();
    Ok(last.is_some_and(|last| used.now.since_ms(last) < USE_STEP_MS))
}

/// Notes a use of a key; whether its address is new. Of a key that does not exist nothing is noted.
pub(super) async fn note_use<S: Sql>(connection: &mut S, used: &Used) -> Result<bool, sqlx::Error> {
    let moved = ask("UPDATE api_keys SET last_used_ms = \
         CASE WHEN coalesce(last_used_ms, 0) > $2 THEN last_used_ms ELSE $2 END WHERE id = $1");
    if moved.id(used.key.0).time(used.now).run(connection).await? == 0 {
        return Ok(false);
    }
    note(connection, used.key.0, used.address_digest, used.now).await
}

/// Notes a sign-in; whether its address is new.
pub(super) async fn note_sign_in<S: Sql>(
    connection: &mut S,
    account: AccountId,
    address: Sha256,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    note(connection, account.0, address, now).await
}

/// Whether an address is remembered.
pub(super) async fn knows<S: Sql>(connection: &mut S, owner: Uuid, address: Sha256) -> Result<bool, sqlx::Error> {
    let known = ask("SELECT 1 AS known FROM addresses WHERE owner = $1 AND digest = $2");
    Ok(known.id(owner).digest(&address).first(connection).await?.is_some())
}

async fn note<S: Sql>(connection: &mut S, owner: Uuid, address: Sha256, now: Timestamp) -> Result<bool, sqlx::Error> {
    let kept = ask("INSERT INTO addresses (owner, digest, seen_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    if kept.id(owner).digest(&address).time(now).run(connection).await? == 0 {
        let seen = ask("UPDATE addresses SET seen_ms = $3 WHERE owner = $1 AND digest = $2 AND seen_ms < $3");
        seen.id(owner).digest(&address).time(now).run(connection).await?;
        return Ok(false);
    }
    // The new one stays whatever the clock says.
    let gone = ask("DELETE FROM addresses WHERE owner = $1 AND digest IN \
         (SELECT digest FROM addresses WHERE owner = $1 AND digest <> $2 \
         ORDER BY seen_ms DESC, digest LIMIT $4 OFFSET $3)");
    let others_max = (ADDRESSES_MAX as u64).saturating_sub(1);
    gone.id(owner).digest(&address).count(others_max).number(FORGOTTEN_MAX).run(connection).await?;
    Ok(true)
}
