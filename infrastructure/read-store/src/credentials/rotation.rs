//! Refresh tokens: exchanged for their successors, and told apart from stolen ones.

use super::{
    rows::{count, digest, id, ms, read_digest_or_none, read_id, read_time_or_none},
    sessions::{self, End},
};
use application::ports::credentials::Rotation;
use domain::value::{AccountId, SessionId, Sha256, Timestamp};
use sqlx::{Row as _, SqliteConnection};

/// Exchanged tokens of a session removed with one exchange at most: more than one makes.
const TIDIED_MAX: i64 = 16;

/// A token that is handed in.
#[derive(Clone, Copy)]
pub(super) struct Exchange {
    /// Its digest.
    pub token: Sha256,
    /// Digest of what it is to be exchanged for.
    pub successor: Sha256,
    /// When.
    pub now: Timestamp,
    /// How long after its exchange it may be handed in again.
    pub grace_ms: u64,
}

/// A token as it is known.
struct Known {
    session: SessionId,
    account: AccountId,
    idle_ms: i64,
    /// Whether its session was ended.
    is_ended: bool,
    /// Whether that was because a token was used again.
    is_reused: bool,
    /// Whether its session has not expired.
    is_in_time: bool,
    /// What it was exchanged for, when, and whether that was used in turn.
    exchanged: Option<(Sha256, Timestamp, bool)>,
}

/// Exchanges a token, or ends its session if it may be stolen.
pub(super) async fn exchange(connection: &mut SqliteConnection, asked: &Exchange) -> Result<Rotation, sqlx::Error> {
    sessions::tidy(connection, asked.now).await?;
    let Some(known) = find(connection, asked).await? else {
        return Ok(Rotation::Unknown);
    };
    let rotation = judge(&known, asked);
    match rotation {
        Rotation::Rotated { .. } => advance(connection, &known, asked).await?,
        Rotation::Reused { first: true, session, .. } => {
            sessions::end(connection, session, End::Reused).await?;
        }
        Rotation::Reused { first: false, .. }
        | Rotation::Repeated { .. }
        | Rotation::Ended
        | Rotation::Expired
        | Rotation::Unknown => {}
    }
    Ok(rotation)
}

/// What the exchange comes to.
fn judge(known: &Known, asked: &Exchange) -> Rotation {
    let (session, account) = (known.session, known.account);
    if known.is_ended {
        let again = known.is_reused && known.exchanged.is_some();
        return if again { Rotation::Reused { session, account, first: false } } else { Rotation::Ended };
    }
    if !known.is_in_time {
        return Rotation::Expired;
    }
    match known.exchanged {
        None => Rotation::Rotated { session, account },
        Some((successor, at, is_used))
            if successor == asked.successor && !is_used && asked.now.since_ms(at) <= asked.grace_ms =>
        {
            Rotation::Repeated { session, account }
        }
        Some(_) => Rotation::Reused { session, account, first: true },
    }
}

async fn find(connection: &mut SqliteConnection, asked: &Exchange) -> Result<Option<Known>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT sessions.*, token.successor, token.rotated_ms, \
         next.hash IS NULL OR next.successor IS NOT NULL AS is_used \
         FROM refresh_tokens AS token JOIN sessions ON sessions.id = token.session \
         LEFT JOIN refresh_tokens AS next ON next.hash = token.successor WHERE token.hash = ?1",
    )
    .bind(digest(&asked.token))
    .fetch_optional(connection)
    .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let ended: i64 = row.try_get("ended")?;
    let is_used: bool = row.try_get("is_used")?;
    let exchanged = read_digest_or_none(&row, "successor")?.zip(read_time_or_none(&row, "rotated_ms")?);
    Ok(Some(Known {
        session: SessionId(read_id(&row, "id")?),
        account: AccountId(read_id(&row, "account")?),
        idle_ms: row.try_get("idle_ms")?,
        is_ended: ended != 0,
        is_reused: ended == End::Reused as i64,
        is_in_time: sessions::is_in_time(&row, asked.now)?,
        exchanged: exchanged.map(|(successor, at)| (successor, at, is_used)),
    }))
}

/// Makes the successor current. The old token goes first: there is never more than one.
async fn advance(connection: &mut SqliteConnection, known: &Known, asked: &Exchange) -> Result<(), sqlx::Error> {
    let session = id(known.session.0);
    sqlx::query("UPDATE refresh_tokens SET successor = ?2, rotated_ms = ?3 WHERE hash = ?1")
        .bind(digest(&asked.token))
        .bind(digest(&asked.successor))
        .bind(ms(asked.now))
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO refresh_tokens (hash, session) VALUES (?1, ?2)")
        .bind(digest(&asked.successor))
        .bind(session.clone())
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE sessions SET last_used_ms = max(last_used_ms, ?2) WHERE id = ?1")
        .bind(session.clone())
        .bind(ms(asked.now))
        .execute(&mut *connection)
        .await?;
    // Whoever still has a token so old would have let the session expire. A limit by number instead would let a thief
    // make the owner's token unknown by exchanging quickly.
    let gone = sqlx::query(
        "DELETE FROM refresh_tokens WHERE hash IN \
         (SELECT hash FROM refresh_tokens WHERE session = ?1 AND rotated_ms < ?2 ORDER BY rotated_ms LIMIT ?3)",
    )
    .bind(session)
    .bind(count(asked.now.unix_ms()).saturating_sub(known.idle_ms))
    .bind(TIDIED_MAX);
    gone.execute(connection).await.map(drop)
}
