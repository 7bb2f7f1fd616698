//! Hears of what other processes append. A hint: readers also look by themselves.

use crate::{error::LogError, table::HEAD};
use application::ports::event_log::wake;
use postgres_schema::{CONNECT_MAX, Servers};
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// The channel that the function `append` notifies.
const CHANNEL: &str = "dragoman_log";
/// How often the connection is tried when nothing is heard: the other end may be gone without a word.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long the server may take to answer then.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The first pause before it is listened anew; each further one is twice as long, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Listens until nobody wants to hear any more.
pub(crate) async fn listen(servers: Arc<Servers>, wakeups: watch::Sender<u64>, mut moved: watch::Receiver<()>) {
    let mut pause = PAUSE_MIN;
    loop {
        tokio::select! {
            heard = hear(&servers, &wakeups, &mut pause) => {
                if let Err(error) = heard {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the event log listens anew");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            // Another server is written to: that one is to be listened to.
            changed = moved.changed() => match changed {
                Ok(()) => pause = PAUSE_MIN,
                // The log was closed.
                Err(_closed) => return,
            },
        }
    }
}

/// Listens to the server that takes writes until it is lost.
async fn hear(servers: &Servers, wakeups: &watch::Sender<u64>, pause: &mut Duration) -> Result<(), LogError> {
    let Some(options) = servers.current() else { return Ok(()) };
    // A listener wants a pool, of which it keeps the one connection.
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT_MAX).connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    let head: i64 = sqlx::query_scalar(HEAD).fetch_one(&mut listener).await?;
    wake(wakeups, head.try_into().unwrap_or(0));
    *pause = PAUSE_MIN;
    loop {
        match tokio::time::timeout(SILENCE_MAX, listener.try_recv()).await {
            Ok(Ok(Some(notice))) => wake(wakeups, notice.payload().parse().unwrap_or(0)),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error.into()),
            Err(_silence) => {
                let asked = sqlx::query_scalar(HEAD).fetch_one(&mut listener);
                let head: i64 =
                    tokio::time::timeout(ANSWER_MAX, asked).await.map_err(|_elapsed| LogError::Silent)??;
                wake(wakeups, head.try_into().unwrap_or(0));
            }
        }
    }
}
