//! Tickets: kept, looked at, used up.

use super::{
    accounts::set_password,
    rows::{digest, id, misshapen, ms, read_id},
    sessions::end_all,
};
use application::ports::{
    credentials::{Redeemed, TicketPurpose},
    passwords::PasswordHash,
};
use domain::value::{AccountId, Sha256, Timestamp};
use sqlx::{Row as _, SqliteConnection};

/// Keeps a ticket, in place of others of the account for the same purpose.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    hash: Sha256,
    account: AccountId,
    purpose: TicketPurpose,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let kept =
        sqlx::query("INSERT OR REPLACE INTO tickets (hash, account, purpose, expires_ms) VALUES (?1, ?2, ?3, ?4)")
            .bind(digest(&hash))
            .bind(id(account.0))
            .bind(purpose.name())
            .bind(ms(expires_at));
    kept.execute(connection).await.map(drop)
}

/// Looks at a ticket that is still good.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    hash: Sha256,
    now: Timestamp,
) -> Result<Option<(AccountId, TicketPurpose)>, sqlx::Error> {
    let found = sqlx::query("SELECT account, purpose FROM tickets WHERE hash = ?1 AND expires_ms > ?2")
        .bind(digest(&hash))
        .bind(ms(now))
        .fetch_optional(connection)
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let purpose: String = row.try_get("purpose")?;
    let purpose = purpose.parse().map_err(|error| misshapen("purpose", error))?;
    Ok(Some((AccountId(read_id(&row, "account")?), purpose)))
}

/// Uses a ticket up: with the password set, nothing that was good before it is good any more.
pub(super) async fn redeem(
    connection: &mut SqliteConnection,
    hash: Sha256,
    password: &PasswordHash,
    now: Timestamp,
) -> Result<Option<Redeemed>, sqlx::Error> {
    let Some((account, purpose)) = find(connection, hash, now).await? else {
        return Ok(None);
    };
    sqlx::query("DELETE FROM tickets WHERE account = ?1").bind(id(account.0)).execute(&mut *connection).await?;
    set_password(connection, account, password).await?;
    let ended = end_all(connection, account, None).await?;
    Ok(Some(Redeemed { account, purpose, ended }))
}
