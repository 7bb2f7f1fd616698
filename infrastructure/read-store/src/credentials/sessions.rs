//! Sessions: begun, looked at, ended, tidied away.

use crate::sql::{Cells, Sql, ask, ask_made};
use application::ports::credentials::{NewSession, SessionState};
use domain::value::{AccountId, SessionId, Sha256, Timestamp};

/// Why a session ended; 0 stands for one that did not.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// Somebody wished so.
    Wished = 1,
    /// An exchanged token was used again.
    Reused = 2,
}

/// How long a session that expired is still told as such, in milliseconds: a day.
pub(super) const KEPT_MS: u64 = 24 * 60 * 60 * 1_000;

/// Token hashes removed with one write at most: many more than one write makes, and few enough that nobody waits.
const TOKENS_TIDIED_MAX: i64 = 256;
/// Sessions removed with one write at most.
const SESSIONS_TIDIED_MAX: i64 = 64;

/// Begins a session.
pub(super) async fn start<S: Sql>(connection: &mut S, session: &NewSession) -> Result<(), sqlx::Error> {
    tidy(connection, session.now).await?;
    ask("INSERT INTO sessions (id, account, started_ms, last_used_ms, expires_ms, idle_ms) \
         VALUES ($1, $2, $3, $3, $4, $5)")
    .id(session.id.0)
    .id(session.account.0)
    .time(session.now)
    .time(session.expires_at)
    .count(session.idle_ms)
    .run(connection)
    .await?;
    let first = ask("INSERT INTO refresh_tokens (hash, session) VALUES ($1, $2)");
    first.digest(&session.refresh_hash).id(session.id.0).run(connection).await.map(drop)
}

/// A session.
pub(super) async fn find<S: Sql>(
    connection: &mut S,
    session: SessionId,
    now: Timestamp,
) -> Result<Option<SessionState>, sqlx::Error> {
    let found = ask("SELECT * FROM sessions WHERE id = $1").id(session.0).first(connection).await?;
    found.map(|row| read(&row, now)).transpose()
}

/// The live sessions of an account, newest first.
pub(super) async fn live<S: Sql>(
    connection: &mut S,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<SessionState>, sqlx::Error> {
    let found = ask("SELECT * FROM sessions WHERE account = $1 AND ended = 0 AND expires_ms > $2 \
         ORDER BY started_ms DESC, id DESC");
    let rows = found.id(account.0).time(now).all(connection).await?;
    let mut sessions = rows.iter().map(|row| read(row, now)).collect::<Result<Vec<_>, _>>()?;
    sessions.retain(|session| session.is_live);
    Ok(sessions)
}

/// Ends a session; whether it was not ended before.
pub(super) async fn end<S: Sql>(connection: &mut S, session: SessionId, why: End) -> Result<bool, sqlx::Error> {
    let ended = ask("UPDATE sessions SET ended = $2 WHERE id = $1 AND ended = 0");
    Ok(ended.id(session.0).number(why as i64).run(connection).await? > 0)
}

/// Ends the sessions of an account but one; those that were not ended before.
pub(super) async fn end_all<S: Sql>(
    connection: &mut S,
    account: AccountId,
    except: Option<SessionId>,
) -> Result<Vec<SessionId>, sqlx::Error> {
    let ended = ask("UPDATE sessions SET ended = $2 \
         WHERE account = $1 AND ended = 0 AND id IS DISTINCT FROM $3 RETURNING id");
    let ended = ended.id(account.0).number(End::Wished as i64).id_or_none(except.map(|session| session.0));
    ended.all(connection).await?.iter().map(|row| row.id("id").map(SessionId)).collect()
}

/// Ends the session of a token, exchanged or not.
pub(super) async fn end_by_token<S: Sql>(
    connection: &mut S,
    token: Sha256,
) -> Result<Option<(SessionId, AccountId)>, sqlx::Error> {
    let ended = ask("UPDATE sessions SET ended = $2 WHERE ended = 0 \
         AND id = (SELECT session FROM refresh_tokens WHERE hash = $1) RETURNING id, account");
    let ended = ended.digest(&token).number(End::Wished as i64).first(connection).await?;
    ended.map(|row| Ok((SessionId(row.id("id")?), AccountId(row.id("account")?)))).transpose()
}

/// Removes some of what expired long ago: first the hashes of tokens, then sessions that have none left. What others are
/// at work on is left to them.
pub(super) async fn tidy<S: Sql>(connection: &mut S, now: Timestamp) -> Result<(), sqlx::Error> {
    let long_ago = Timestamp::from_unix_ms(now.unix_ms().saturating_sub(KEPT_MS));
    let tokens = ask_made(format!(
        "DELETE FROM refresh_tokens WHERE hash IN (SELECT refresh_tokens.hash FROM sessions \
         JOIN refresh_tokens ON refresh_tokens.session = sessions.id WHERE sessions.expires_ms < $1 LIMIT $2{})",
        S::skipping_held("refresh_tokens")
    ));
    tokens.time(long_ago).number(TOKENS_TIDIED_MAX).run(connection).await?;
    let sessions = ask_made(format!(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_ms < $1 \
         AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE session = sessions.id) LIMIT $2{})",
        S::skipping_held("sessions")
    ));
    sessions.time(long_ago).number(SESSIONS_TIDIED_MAX).run(connection).await.map(drop)
}

/// Whether a session that was not ended has not expired either. A clock that was set back ends nothing.
pub(super) fn is_in_time(row: &impl Cells, now: Timestamp) -> Result<bool, sqlx::Error> {
    let unused_ms = now.since_ms(row.time("last_used_ms")?);
    Ok(now < row.time("expires_ms")? && unused_ms < row.count("idle_ms")?)
}

fn read(row: &impl Cells, now: Timestamp) -> Result<SessionState, sqlx::Error> {
    Ok(SessionState {
        id: SessionId(row.id("id")?),
        account: AccountId(row.id("account")?),
        is_live: row.number("ended")? == 0 && is_in_time(row, now)?,
        started_at: row.time("started_ms")?,
        last_used_at: row.time("last_used_ms")?,
        expires_at: row.time("expires_ms")?,
    })
}
