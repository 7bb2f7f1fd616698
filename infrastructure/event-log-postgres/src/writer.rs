//! The writer of this process: sends a group of appends to the server's function, and reads its answer.
//!
//! One statement is one transaction, so that no lock of ours is ever held while a message is on its way, and a process
//! that stalls holds nobody up. Whatever happens to the connection, the group is sent again: what was written the first
//! time is then known by its command.

use crate::{
    Patience,
    append::{answers_of, send},
    error::LogError,
};
use application::ports::{
    clock::Clock,
    event_log::{Appended, wake},
};
use event_codec::Prepared;
use event_log_groups::{Answers, GroupWriter};
use postgres_schema::{Kind, Servers};
use sqlx::{Connection, PgConnection};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// The first pause between two tries; each further one is twice as long, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The writer.
pub(crate) struct Writer {
    /// Where to write.
    pub servers: Arc<Servers>,
    /// The connection in use; none after a failure.
    pub connection: Option<PgConnection>,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// Told the last position after each commit.
    pub wakeups: watch::Sender<u64>,
    /// Told whenever another server is written to.
    pub moved: watch::Sender<()>,
    /// Since when nothing could be written.
    pub down_since: Option<Instant>,
    /// How long it waits for what.
    pub patience: Patience,
}

impl GroupWriter for Writer {
    type Error = LogError;

    async fn write(&mut self, appends: &[Prepared]) -> Result<Answers, LogError> {
        let mut pause = PAUSE_MIN;
        loop {
            let error = match self.try_once(appends).await {
                Ok(answers) => {
                    self.down_since = None;
                    return Ok(answers);
                }
                Err(error) => error,
            };
            if error.kind() != Kind::Passing {
                return Err(error);
            }
            // Once nothing could be written for that long, those who come later need not wait as long again.
            let down_since = *self.down_since.get_or_insert_with(Instant::now);
            if down_since.elapsed() >= self.patience.write_for {
                return Err(error);
            }
            tracing::warn!(error = &error as &dyn std::error::Error, "the event log waits for its database");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn is_of_one(error: &LogError) -> bool {
        matches!(error.kind(), Kind::Full | Kind::Unfit)
    }

    fn is_out_of_room(error: &LogError) -> bool {
        error.kind() == Kind::Full
    }

    async fn close(self) {
        if let Some(connection) = self.connection {
            // The server notices by itself otherwise.
            let _closed = tokio::time::timeout(PAUSE_MAX, connection.close()).await;
        }
    }
}

impl Writer {
    async fn try_once(&mut self, appends: &[Prepared]) -> Result<Answers, LogError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = self.servers.primary().await?;
                self.moved.send_replace(());
                connection
            }
        };
        let sent = tokio::time::timeout(self.patience.try_for, send(&mut connection, appends, self.clock.now())).await;
        // What an error has left of the connection is anyone's guess: it is thrown away.
        let answer = sent.map_err(|_elapsed| LogError::Silent)??;
        self.connection = Some(connection);
        let answers = answers_of(&answer, appends)?;
        let written = answers.iter().filter_map(|answer| match answer {
            Ok(Appended { position, replayed: false, .. }) => Some(*position),
            Ok(_) | Err(_) => None,
        });
        if let Some(head) = written.max() {
            wake(&self.wakeups, head);
        }
        Ok(answers)
    }
}
