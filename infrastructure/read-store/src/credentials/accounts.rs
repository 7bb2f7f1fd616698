//! Addresses of mail, passwords, steps of the second factor, and the end of all of it.

use super::rows::{count, digest, id, read_id};
use application::ports::{credentials::Claim, passwords::PasswordHash};
use domain::value::{AccountId, Sha256};
use sqlx::SqliteConnection;

/// Claims an address.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    email: Sha256,
    account: AccountId,
) -> Result<Claim, sqlx::Error> {
    sqlx::query("INSERT INTO emails (digest, account) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .bind(digest(&email))
        .bind(id(account.0))
        .execute(&mut *connection)
        .await?;
    let owner = owner(connection, email).await?;
    Ok(owner.filter(|owner| *owner != account).map_or(Claim::Yours, Claim::TakenBy))
}

/// Gives an address to another account.
pub(super) async fn take_over(
    connection: &mut SqliteConnection,
    email: Sha256,
    from: AccountId,
    to: AccountId,
) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query("UPDATE emails SET account = ?3 WHERE digest = ?1 AND account = ?2")
        .bind(digest(&email))
        .bind(id(from.0))
        .bind(id(to.0))
        .execute(connection)
        .await?;
    Ok(changed.rows_affected() > 0)
}

/// Whose an address is.
pub(super) async fn owner(connection: &mut SqliteConnection, email: Sha256) -> Result<Option<AccountId>, sqlx::Error> {
    let row = sqlx::query("SELECT account FROM emails WHERE digest = ?1")
        .bind(digest(&email))
        .fetch_optional(connection)
        .await?;
    row.map(|row| read_id(&row, "account").map(AccountId)).transpose()
}

/// Lets go of an account's addresses.
pub(super) async fn release(connection: &mut SqliteConnection, account: AccountId) -> Result<(), sqlx::Error> {
    let gone = sqlx::query("DELETE FROM emails WHERE account = ?1").bind(id(account.0));
    gone.execute(connection).await.map(drop)
}

/// The account's password.
pub(super) async fn password(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<Option<PasswordHash>, sqlx::Error> {
    let found = sqlx::query_scalar("SELECT phc FROM passwords WHERE account = ?1").bind(id(account.0));
    Ok(found.fetch_optional(connection).await?.map(PasswordHash::new))
}

/// Sets it.
pub(super) async fn set_password(
    connection: &mut SqliteConnection,
    account: AccountId,
    hash: &PasswordHash,
) -> Result<(), sqlx::Error> {
    let set = sqlx::query("INSERT OR REPLACE INTO passwords (account, phc) VALUES (?1, ?2)")
        .bind(id(account.0))
        .bind(hash.expose().to_owned());
    set.execute(connection).await.map(drop)
}

/// Removes it.
pub(super) async fn remove_password(connection: &mut SqliteConnection, account: AccountId) -> Result<(), sqlx::Error> {
    let gone = sqlx::query("DELETE FROM passwords WHERE account = ?1").bind(id(account.0));
    gone.execute(connection).await.map(drop)
}

/// Uses up a step of the second factor, and all before it.
pub(super) async fn use_step(
    connection: &mut SqliteConnection,
    account: AccountId,
    step: u64,
) -> Result<bool, sqlx::Error> {
    let used = sqlx::query(
        "INSERT INTO used_steps (account, step) VALUES (?1, ?2) \
         ON CONFLICT (account) DO UPDATE SET step = excluded.step WHERE excluded.step > used_steps.step",
    )
    .bind(id(account.0))
    .bind(count(step))
    .execute(connection)
    .await?;
    Ok(used.rows_affected() > 0)
}

/// Removes everything about an account. Tokens go with their sessions.
pub(super) async fn forget(connection: &mut SqliteConnection, account: AccountId) -> Result<(), sqlx::Error> {
    const ALL: [&str; 9] = [
        "DELETE FROM addresses WHERE owner IN (SELECT id FROM api_keys WHERE account = ?1)",
        "DELETE FROM addresses WHERE owner = ?1",
        "DELETE FROM api_keys WHERE account = ?1",
        "DELETE FROM sessions WHERE account = ?1",
        "DELETE FROM tickets WHERE account = ?1",
        "DELETE FROM passwords WHERE account = ?1",
        "DELETE FROM used_steps WHERE account = ?1",
        "DELETE FROM secrets WHERE owner = ?1",
        "DELETE FROM emails WHERE account = ?1",
    ];
    for removal in ALL {
        sqlx::query(removal).bind(id(account.0)).execute(&mut *connection).await?;
    }
    Ok(())
}
