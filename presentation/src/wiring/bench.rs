//! Logs that are measured, and the plain inserts that they are measured against.

use super::{
    LOG,
    stores::{codec_without_keys, postgres_log_failure},
};
use crate::{
    cli::bench::Backend,
    exit::{Exit, Failure},
};
use application::ports::event_log::{Append, EventLog};
use domain::value::Timestamp;
use event_codec::{EventCodec, Row, Tail};
use event_log_memory::MemoryEventLog;
use event_log_postgres::PostgresEventLog;
use event_log_sqlite::{IntoTable, SqliteEventLog};
use host::SystemClock;
use scratch_postgres::ScratchPostgres;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Settings of a server that is measured: its own defaults, with room for what is written meanwhile.
const SERVER: [(&str, &str); 2] = [("shared_buffers", "256MB"), ("max_wal_size", "4GB")];

/// A log to be measured.
pub enum MeasuredLog {
    /// In a database.
    Postgres {
        /// Its address.
        url: String,
        /// Its server, if it is our own: it ends with this.
        _server: Option<ScratchPostgres>,
    },
    /// In this folder.
    Sqlite(PathBuf),
    /// In memory.
    Memory,
}

impl MeasuredLog {
    /// A place for one, in this folder or at this address.
    pub fn make(backend: Backend, folder: &Path, url: Option<&str>) -> Result<Self, Failure> {
        Ok(match (backend, url) {
            (Backend::Memory, _) => Self::Memory,
            (Backend::Sqlite, _) => Self::Sqlite(folder.to_owned()),
            (Backend::Postgres, Some(url)) => Self::Postgres { url: url.to_owned(), _server: None },
            (Backend::Postgres, None) => {
                let server = ScratchPostgres::start(&SERVER).map_err(|error| {
                    let said = format!("{error}; or name a database with --url postgres://…");
                    Failure::new(Exit::Internal, said)
                })?;
                let url = server.database("bench").map_err(|error| Failure::internal(&error))?;
                Self::Postgres { url, _server: Some(server) }
            }
        })
    }

    /// Opens it for events with nothing personal in them.
    pub async fn open(&self) -> Result<Arc<dyn EventLog>, Failure> {
        self.open_with(codec_without_keys()).await
    }

    /// Opens it for whatever this codec can write.
    pub async fn open_with(&self, codec: EventCodec) -> Result<Arc<dyn EventLog>, Failure> {
        let clock = Arc::new(SystemClock);
        Ok(match self {
            Self::Memory => Arc::new(MemoryEventLog::new(codec, clock)),
            Self::Sqlite(folder) => {
                let log = SqliteEventLog::open(folder.join("log.db"), codec, clock).await;
                Arc::new(log.map_err(|error| Failure::internal(&error))?)
            }
            Self::Postgres { url, .. } => {
                let log = PostgresEventLog::connect(url, None, None, codec, clock).await;
                Arc::new(log.map_err(|error| postgres_log_failure(&error))?)
            }
        })
    }

    /// What it is measured against: the rows of this append; none in memory.
    pub fn yardstick(&self, append: Append) -> Result<Option<Yardstick<'_>>, Failure> {
        if let Self::Memory = self {
            return Ok(None);
        }
        let prepared = codec_without_keys().prepare(append).map_err(|error| Failure::internal(&error))?;
        let (_, rows) = prepared.chain(&Tail::EMPTY, 0, Timestamp::from_unix_ms(0));
        let row = rows.into_iter().next();
        let row = row.ok_or_else(|| Failure::new(Exit::Internal, "an append without events measures nothing"))?;
        Ok(Some(Yardstick { log: self, row }))
    }

    /// Fails unless the log holds so many events, and is whole.
    pub async fn check(&self, log: &Arc<dyn EventLog>, events: u64) -> Result<(), Failure> {
        let found = log.verify().await?;
        match found.faults.first() {
            Some(fault) => Err(Failure::new(Exit::Internal, format!("the log {LOG} is damaged: {fault}"))),
            None if found.events < events => {
                Err(Failure::new(Exit::Internal, format!("{} events of {events} are in the log", found.events)))
            }
            None => Ok(()),
        }
    }
}

/// Plain inserts.
pub struct Yardstick<'a> {
    log: &'a MeasuredLog,
    row: Row,
}

impl Yardstick<'_> {
    /// Rows a second, by inserts of so many rows, one transaction each, into a table with a primary key only.
    pub async fn plain_inserts(&self, rows_each: usize, time: Duration) -> Result<f64, Failure> {
        match self.log {
            MeasuredLog::Postgres { url, .. } => {
                let rate = event_log_postgres::plain_inserts(url, &self.row, rows_each, time).await;
                rate.map_err(|error| postgres_log_failure(&error))
            }
            MeasuredLog::Sqlite(folder) => self.sqlite(folder, IntoTable::Plain, rows_each, time).await,
            MeasuredLog::Memory => Ok(0.0),
        }
    }

    /// The same into the log's own table, with its indexes and guards; `None` where that is not to be had without the
    /// log.
    pub async fn own_inserts(&self, rows_each: usize, time: Duration) -> Result<Option<f64>, Failure> {
        match self.log {
            MeasuredLog::Sqlite(folder) => self.sqlite(folder, IntoTable::Own, rows_each, time).await.map(Some),
            MeasuredLog::Postgres { .. } | MeasuredLog::Memory => Ok(None),
        }
    }

    async fn sqlite(&self, folder: &Path, table: IntoTable, rows: usize, time: Duration) -> Result<f64, Failure> {
        let file = folder.join(format!("{table:?}-{rows}.db"));
        let rate = event_log_sqlite::inserts(&file, table, &self.row, rows, time).await;
        rate.map_err(|error| Failure::internal(&error))
    }
}
