//! Sessions: begun, looked at, ended, tidied away.

use super::rows::{count, digest, id, ms, read_count, read_id, read_time};
use application::ports::credentials::{NewSession, SessionState};
use domain::value::{AccountId, SessionId, Sha256, Timestamp};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

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
pub(super) async fn start(connection: &mut SqliteConnection, session: &NewSession) -> Result<(), sqlx::Error> {
    tidy(connection, session.now).await?;
    sqlx::query(
        "INSERT INTO sessions (id, account, started_ms, last_used_ms, expires_ms, idle_ms) \
         VALUES (?1, ?2, ?3, ?3, ?4, ?5)",
    )
    .bind(id(session.id.0))
    .bind(id(session.account.0))
    .bind(ms(session.now))
    .bind(ms(session.expires_at))
    .bind(count(session.idle_ms))
    .execute(&mut *connection)
    .await?;
    let first = sqlx::query("INSERT INTO refresh_tokens (hash, session) VALUES (?1, ?2)")
        .bind(digest(&session.refresh_hash))
        .bind(id(session.id.0));
    first.execute(connection).await.map(drop)
}

/// A session.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    session: SessionId,
    now: Timestamp,
) -> Result<Option<SessionState>, sqlx::Error> {
    let found = sqlx::query("SELECT * FROM sessions WHERE id = ?1").bind(id(session.0));
    found.fetch_optional(connection).await?.map(|row| read(&row, now)).transpose()
}

/// The live sessions of an account, newest first.
pub(super) async fn live(
    connection: &mut SqliteConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<SessionState>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM sessions WHERE account = ?1 AND ended = 0 AND expires_ms > ?2 \
         ORDER BY started_ms DESC, id DESC",
    )
    .bind(id(account.0))
    .bind(ms(now))
    .fetch_all(connection)
    .await?;
    let mut sessions = rows.iter().map(|row| read(row, now)).collect::<Result<Vec<_>, _>>()?;
    sessions.retain(|session| session.is_live);
    Ok(sessions)
}

/// Ends a session; whether it was not ended before.
pub(super) async fn end(connection: &mut SqliteConnection, session: SessionId, why: End) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query("UPDATE sessions SET ended = ?2 WHERE id = ?1 AND ended = 0")
        .bind(id(session.0))
        .bind(why as i64)
        .execute(connection)
        .await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends the sessions of an account but one; those that were not ended before.
pub(super) async fn end_all(
    connection: &mut SqliteConnection,
    account: AccountId,
    except: Option<SessionId>,
) -> Result<Vec<SessionId>, sqlx::Error> {
    let ended =
        sqlx::query("UPDATE sessions SET ended = ?2 WHERE account = ?1 AND ended = 0 AND id IS NOT ?3 RETURNING id")
            .bind(id(account.0))
            .bind(End::Wished as i64)
            .bind(except.map(|session| id(session.0)))
            .fetch_all(connection)
            .await?;
    ended.iter().map(|row| read_id(row, "id").map(SessionId)).collect()
}

/// Ends the session of a token, exchanged or not.
pub(super) async fn end_by_token(
    connection: &mut SqliteConnection,
    token: Sha256,
) -> Result<Option<(SessionId, AccountId)>, sqlx::Error> {
    let ended = sqlx::query(
        "UPDATE sessions SET ended = ?2 WHERE ended = 0 \
         AND id = (SELECT session FROM refresh_tokens WHERE hash = ?1) RETURNING id, account",
    )
    .bind(digest(&token))
    .bind(End::Wished as i64)
    .fetch_optional(connection)
    .await?;
    ended.map(|row| Ok((SessionId(read_id(&row, "id")?), AccountId(read_id(&row, "account")?)))).transpose()
}

/// Removes some of what expired long ago: first the hashes of tokens, then sessions that have none left.
pub(super) async fn tidy(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    let long_ago = ms(Timestamp::from_unix_ms(now.unix_ms().saturating_sub(KEPT_MS)));
    sqlx::query(
        "DELETE FROM refresh_tokens WHERE hash IN (SELECT refresh_tokens.hash FROM sessions \
         JOIN refresh_tokens ON refresh_tokens.session = sessions.id WHERE sessions.expires_ms < ?1 LIMIT ?2)",
    )
    .bind(long_ago)
    .bind(TOKENS_TIDIED_MAX)
    .execute(&mut *connection)
    .await?;
    let gone = sqlx::query(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_ms < ?1 \
         AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE session = sessions.id) LIMIT ?2)",
    )
    .bind(long_ago)
    .bind(SESSIONS_TIDIED_MAX);
    gone.execute(connection).await.map(drop)
}

/// Whether a session that was not ended has not expired either. A clock that was set back ends nothing.
pub(super) fn is_in_time(row: &SqliteRow, now: Timestamp) -> Result<bool, sqlx::Error> {
    let unused_ms = now.since_ms(read_time(row, "last_used_ms")?);
    Ok(now < read_time(row, "expires_ms")? && unused_ms < read_count(row, "idle_ms")?)
}

fn read(row: &SqliteRow, now: Timestamp) -> Result<SessionState, sqlx::Error> {
    Ok(SessionState {
        id: SessionId(read_id(row, "id")?),
        account: AccountId(read_id(row, "account")?),
        is_live: row.try_get::<i64, _>("ended")? == 0 && is_in_time(row, now)?,
        started_at: read_time(row, "started_ms")?,
        last_used_at: read_time(row, "last_used_ms")?,
        expires_at: read_time(row, "expires_ms")?,
    })
}
