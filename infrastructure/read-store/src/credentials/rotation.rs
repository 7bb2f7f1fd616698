//! Refresh tokens: exchanged for their successors, and told apart from stolen ones.

use super::sessions::{self, End};
use crate::sql::{Cells as _, Sql, ask, ask_made};
use application::ports::credentials::Rotation;
use domain::value::{AccountId, SessionId, Sha256, Timestamp};

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
    idle_ms: u64,
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
pub(super) async fn exchange<S: Sql>(connection: &mut S, asked: &Exchange) -> Result<Rotation, sqlx::Error> {
    sessions::tidy(connection, asked.now).await?;
    hold(connection, asked).await?;
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

/// Holds the token's session until the end, where others may change it meanwhile. In a statement of its own: the next one
/// sees what they did before.
async fn hold<S: Sql>(connection: &mut S, asked: &Exchange) -> Result<(), sqlx::Error> {
    let holding = S::holding("sessions");
    if holding.is_empty() {
        return Ok(());
    }
    let held =
        format!("SELECT id FROM sessions WHERE id = (SELECT session FROM refresh_tokens WHERE hash = $1){holding}");
    ask_made(held).digest(&asked.token).first(connection).await.map(drop)
}

async fn find<S: Sql>(connection: &mut S, asked: &Exchange) -> Result<Option<Known>, sqlx::Error> {
    let found = ask("SELECT sessions.*, token.successor, token.rotated_ms, \
         next.hash IS NULL OR next.successor IS NOT NULL AS is_used \
         FROM refresh_tokens AS token JOIN sessions ON sessions.id = token.session \
         LEFT JOIN refresh_tokens AS next ON next.hash = token.successor WHERE token.hash = $1");
    let Some(row) = found.digest(&asked.token).first(connection).await? else {
        return Ok(None);
    };
    let (ended, is_used) = (row.number("ended")?, row.flag("is_used")?);
    let exchanged = row.digest_or_none("successor")?.zip(row.time_or_none("rotated_ms")?);
    Ok(Some(Known {
        session: SessionId(row.id("id")?),
        account: AccountId(row.id("account")?),
        idle_ms: row.count("idle_ms")?,
        is_ended: ended != 0,
        is_reused: ended == End::Reused as i64,
        is_in_time: sessions::is_in_time(&row, asked.now)?,
        exchanged: exchanged.map(|(successor, at)| (successor, at, is_used)),
    }))
}

/// Makes the successor current. The old token goes first: there is never more than one.
async fn advance<S: Sql>(connection: &mut S, known: &Known, asked: &Exchange) -> Result<(), sqlx::Error> {
    let session = known.session.0;
    let exchanged = ask("UPDATE refresh_tokens SET successor = $2, rotated_ms = $3 WHERE hash = $1");
    exchanged.digest(&asked.token).digest(&asked.successor).time(asked.now).run(connection).await?;
    let current = ask("INSERT INTO refresh_tokens (hash, session) VALUES ($1, $2)");
    current.digest(&asked.successor).id(session).run(connection).await?;
    let used = ask("UPDATE sessions SET last_used_ms = $2 WHERE id = $1 AND last_used_ms < $2");
    used.id(session).time(asked.now).run(connection).await?;
    // Whoever still has a token so old would have let the session expire. A limit by number instead would let a thief
    // make the owner's token unknown by exchanging quickly.
    let gone = ask("DELETE FROM refresh_tokens WHERE hash IN \
         (SELECT hash FROM refresh_tokens WHERE session = $1 AND rotated_ms < $2 ORDER BY rotated_ms LIMIT $3)");
    let unused_since = asked.now.unix_ms().saturating_sub(known.idle_ms);
    gone.id(session).count(unused_since).number(TIDIED_MAX).run(connection).await.map(drop)
}
