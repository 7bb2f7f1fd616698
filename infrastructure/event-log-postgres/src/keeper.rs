//! Puts old events away: the live table stays small, and its indexes in memory.

use crate::{error::LogError, table::bound};
use sqlx::PgPool;
use std::time::Duration;

/// How many new events are many: about a gigabyte of them, with their indexes.
const MANY: u64 = 1_000_000;
/// How often it is looked whether there are so many.
const EVERY: Duration = Duration::from_secs(60);
/// How long readers and writers may be held up meanwhile.
const PATIENCE: &str = "2 seconds";

/// Puts events away whenever there are many.
pub(crate) async fn put_away(pool: PgPool) {
    loop {
        tokio::time::sleep(EVERY).await;
        match put_away_once(&pool, MANY).await {
            Ok(Some(part)) => tracing::info!(part, "old events were put away"),
            Ok(None) => {}
            // Whoever reads for long is in the way, a dump for instance: there is a next time.
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "old events were not put away");
            }
        }
    }
}

/// Makes the newest events the next part of the archive, if they are at least so many; gives its number.
pub(crate) async fn put_away_once(pool: &PgPool, events_min: u64) -> Result<Option<u32>, LogError> {
    let asked = sqlx::query_scalar("SELECT dragoman_log.put_away($1, $2::interval)");
    let part: Option<i32> = asked.bind(bound(events_min)).bind(PATIENCE).fetch_one(pool).await?;
    Ok(part.and_then(|part| part.try_into().ok()))
}
