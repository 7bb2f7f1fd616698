//! Addresses of mail, passwords, steps of the second factor, and the end of all of it.

use crate::sql::{Cells as _, Sql, ask};
use application::ports::{credentials::Claim, passwords::PasswordHash};
use domain::value::{AccountId, Sha256};

/// Claims an address. Whoever has it already is told by the same statement: another one might find it let go of.
pub(super) async fn claim<S: Sql>(connection: &mut S, email: Sha256, account: AccountId) -> Result<Claim, sqlx::Error> {
    let claimed = ask("INSERT INTO emails (digest, account) VALUES ($1, $2) \
         ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING account")
    .digest(&email)
    .id(account.0);
    let row = claimed.first(connection).await?;
    let owner = row.map(|row| row.id("account").map(AccountId)).transpose()?;
    Ok(owner.filter(|owner| *owner != account).map_or(Claim::Yours, Claim::TakenBy))
}

/// Gives an address to another account.
pub(super) async fn take_over<S: Sql>(
    connection: &mut S,
    email: Sha256,
    from: AccountId,
    to: AccountId,
) -> Result<bool, sqlx::Error> {
    let given = ask("UPDATE emails SET account = $3 WHERE digest = $1 AND account = $2");
    Ok(given.digest(&email).id(from.0).id(to.0).run(connection).await? > 0)
}

/// Whose an address is.
pub(super) async fn owner<S: Sql>(connection: &mut S, email: Sha256) -> Result<Option<AccountId>, sqlx::Error> {
    let row = ask("SELECT account FROM emails WHERE digest = $1").digest(&email).first(connection).await?;
    row.map(|row| row.id("account").map(AccountId)).transpose()
}

/// Lets go of an account's addresses.
pub(super) async fn release<S: Sql>(connection: &mut S, account: AccountId) -> Result<(), sqlx::Error> {
    ask("DELETE FROM emails WHERE account = $1").id(account.0).run(connection).await.map(drop)
}

/// The account's password.
pub(super) async fn password<S: Sql>(
    connection: &mut S,
    account: AccountId,
) -> Result<Option<PasswordHash>, sqlx::Error> {
    let row = ask("SELECT phc FROM passwords WHERE account = $1").id(account.0).first(connection).await?;
    row.map(|row| row.text("phc").map(PasswordHash::new)).transpose()
}

/// Sets it.
pub(super) async fn set_password<S: Sql>(
    connection: &mut S,
    account: AccountId,
    hash: &PasswordHash,
) -> Result<(), sqlx::Error> {
    let set = ask("INSERT INTO passwords (account, phc) VALUES ($1, $2) \
         ON CONFLICT (account) DO UPDATE SET phc = excluded.phc");
    set.id(account.0).text(hash.expose()).run(connection).await.map(drop)
}

/// Removes it.
pub(super) async fn remove_password<S: Sql>(connection: &mut S, account: AccountId) -> Result<(), sqlx::Error> {
    ask("DELETE FROM passwords WHERE account = $1").id(account.0).run(connection).await.map(drop)
}

/// Uses up a step of the second factor, and all before it.
pub(super) async fn use_step<S: Sql>(connection: &mut S, account: AccountId, step: u64) -> Result<bool, sqlx::Error> {
    let used = ask("INSERT INTO used_steps (account, step) VALUES ($1, $2) \
         ON CONFLICT (account) DO UPDATE SET step = excluded.step WHERE excluded.step > used_steps.step");
    Ok(used.id(account.0).count(step).run(connection).await? > 0)
}

/// Removes everything about an account. Tokens go with their sessions; keys go before what is noted of them, so that
/// nothing more is.
pub(super) async fn forget<S: Sql>(connection: &mut S, account: AccountId) -> Result<(), sqlx::Error> {
    const ALL: [&str; 7] = [
        "DELETE FROM addresses WHERE owner = $1",
        "DELETE FROM sessions WHERE account = $1",
        "DELETE FROM tickets WHERE account = $1",
        "DELETE FROM passwords WHERE account = $1",
        "DELETE FROM used_steps WHERE account = $1",
        "DELETE FROM secrets WHERE owner = $1",
        "DELETE FROM emails WHERE account = $1",
    ];
    let keys = ask("DELETE FROM api_keys WHERE account = $1 RETURNING id").id(account.0).all(connection).await?;
    for key in keys {
        ask("DELETE FROM addresses WHERE owner = $1").id(key.id("id")?).run(connection).await?;
    }
    for removal in ALL {
        ask(removal).id(account.0).run(connection).await?;
    }
    Ok(())
}
