//! The log in a file keeps the promises of the port, and those that only a file can show.

mod opening;
mod room;
mod tampering;

use super::*;
use application::testing::{
    ManualClock, MemoryKeyVault,
    event_log_kit::{self, Subject},
};
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with a log's file in it, and the keys of the log.
struct Place {
    folder: TempDir,
    vault: Arc<MemoryKeyVault>,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), vault: Arc::new(MemoryKeyVault::new(1)) }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    fn codec(&self) -> EventCodec {
        EventCodec::new("main", self.vault.clone())
    }

    async fn open(&self) -> SqliteEventLog {
        SqliteEventLog::open(self.file(), self.codec(), Arc::new(ManualClock::default())).await.expect("the log opens")
    }

    /// The file without the log, for those who mean it harm.
    async fn raw(&self) -> SqliteConnection {
        SqliteConnection::connect_with(&options(&self.file())).await.expect("the file opens")
    }
}

/// A codec without a key to anything.
fn codec(name: &str) -> EventCodec {
    EventCodec::new(name, Arc::new(MemoryKeyVault::new(1)))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_every_promise() {
    event_log_kit::run(|| async {
        let place = Place::new();
        let (clock, vault) = (Arc::new(ManualClock::default()), place.vault.clone());
        let log = SqliteEventLog::open(place.file(), place.codec(), clock.clone()).await.expect("the log opens");
        Subject { log: Arc::new(log), clock, vault, keep: Box::new(place) }
    })
    .await;
}
