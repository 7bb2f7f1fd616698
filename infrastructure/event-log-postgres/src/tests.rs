//! The log on PostgreSQL keeps the promises of the port, and those that only a server can show.

mod archive;
mod copying;
mod faults;
mod opening;
mod rights;
mod tampering;

use super::*;
use application::testing::{
    ManualClock, MemoryKeyVault, cluster_kit,
    event_log_kit::{self, Subject, append, plain, stream},
};
use scratch_postgres::ScratchPostgres;
use std::sync::atomic::{AtomicU64, Ordering};

/// A server and databases in it.
struct Place {
    server: ScratchPostgres,
    made: AtomicU64,
}

impl Place {
    fn new() -> Self {
        Self::with(&[])
    }

    /// Servers are killed here, and never the machine: what the system was given is kept without a sync.
    fn with(settings: &[(&str, &str)]) -> Self {
        let settings: Vec<_> = [("fsync", "off")].iter().chain(settings).copied().collect();
        Self { server: ScratchPostgres::start(&settings).expect("a server"), made: AtomicU64::new(0) }
    }

    /// The name of a fresh database.
    fn database(&self) -> String {
        let name = format!("log_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.server.database(&name).expect("a database");
        name
    }

    /// A log in a fresh database, and the database's name.
    async fn log(&self) -> (PostgresEventLog, String) {
        let database = self.database();
        (open(&self.server.url(&database)).await, database)
    }
}

fn codec() -> EventCodec {
    EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)))
}

async fn open(url: &str) -> PostgresEventLog {
    PostgresEventLog::connect(url, None, None, codec(), Arc::new(ManualClock::default())).await.expect("the log opens")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_every_promise_of_a_cluster() {
    let place = Place::new();
    cluster_kit::run(async || {
        let log = Arc::new(place.log().await.0);
        cluster_kit::Subject { cluster: log.clone(), log, keep: Box::new(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_every_promise() {
    let place = Place::new();
    event_log_kit::run(async || {
        let (clock, vault) = (Arc::new(ManualClock::default()), Arc::new(MemoryKeyVault::new(1)));
        let url = place.server.url(&place.database());
        let codec = EventCodec::new("main", vault.clone());
        let log = PostgresEventLog::connect(&url, None, None, codec, clock.clone()).await.expect("the log opens");
        Subject { log: Arc::new(log), clock, vault, keep: Box::new(()) }
    })
    .await;
}
