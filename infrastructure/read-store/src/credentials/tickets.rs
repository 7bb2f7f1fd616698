//! Tickets: kept, looked at, used up.

use super::{accounts::set_password, sessions::end_all};
use crate::sql::{Cells, Sql, ask, misshapen};
use application::ports::{
    credentials::{Redeemed, TicketPurpose},
    passwords::PasswordHash,
};
use domain::value::{AccountId, Sha256, Timestamp};

/// Keeps a ticket, in place of another of the account for the same purpose.
pub(super) async fn put<S: Sql>(
    connection: &mut S,
    hash: Sha256,
    account: AccountId,
    purpose: TicketPurpose,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let kept = ask("INSERT INTO tickets (hash, account, purpose, expires_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, purpose) DO UPDATE SET hash = excluded.hash, expires_ms = excluded.expires_ms");
    kept.digest(&hash).id(account.0).text(purpose.name()).time(expires_at).run(connection).await.map(drop)
}

/// Looks at a ticket that is still good.
pub(super) async fn find<S: Sql>(
    connection: &mut S,
    hash: Sha256,
    now: Timestamp,
) -> Result<Option<(AccountId, TicketPurpose)>, sqlx::Error> {
    let found = ask("SELECT account, purpose FROM tickets WHERE hash = $1 AND expires_ms > $2");
    found.digest(&hash).time(now).first(connection).await?.map(|row| read(&row)).transpose()
}

/// Uses a ticket up: with the password set, nothing that was good before it is good any more. It is taken by the first
/// statement, so that of many one has it.
pub(super) async fn redeem<S: Sql>(
    connection: &mut S,
    hash: Sha256,
    password: &PasswordHash,
    now: Timestamp,
) -> Result<Option<Redeemed>, sqlx::Error> {
    let taken = ask("DELETE FROM tickets WHERE hash = $1 AND expires_ms > $2 RETURNING account, purpose");
    let Some(row) = taken.digest(&hash).time(now).first(connection).await? else {
        return Ok(None);
    };
    let (account, purpose) = read(&row)?;
    ask("DELETE FROM tickets WHERE account = $1").id(account.0).run(connection).await?;
    set_password(connection, account, password).await?;
    let ended = end_all(connection, account, None).await?;
    Ok(Some(Redeemed { account, purpose, ended }))
}

fn read(row: &impl Cells) -> Result<(AccountId, TicketPurpose), sqlx::Error> {
    let purpose = row.text("purpose")?.parse().map_err(|error| misshapen("purpose", error))?;
    Ok((AccountId(row.id("account")?), purpose))
}
