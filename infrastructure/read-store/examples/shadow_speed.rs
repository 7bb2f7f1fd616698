//! How fast shadows of read models are folded into SQLite and into PostgreSQL, by one thread, from events that are decoded
//! already; and how much memory that takes.
//!
//! `cargo run --release -p read-store --example shadow_speed -- [EVENTS]`
//! folds a made-up history of so many events; 200,000 without it. The server is one of its own.

mod process;

use anyhow::Result;
use application::{
    ports::{read_store::ReadStore, shadow_store::ShadowStore},
    testing::{RecordedLog, story::Story},
};
use process::{cpu_seconds, peak_mib};
use projections::{Projection, rebuild::Rebuild};
use read_store::{PostgresReadStore, SqliteReadStore};
use scratch_postgres::ScratchPostgres;
use std::{sync::Arc, time::Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let wanted = std::env::args().nth(1).map_or(Ok(200_000), |events| events.parse::<usize>())?;
    let log = Arc::new(RecordedLog::new(Story::history(wanted)));
    let folder = tempfile::tempdir()?;
    let sqlite = Arc::new(SqliteReadStore::open(&folder.path().join("read.db")).await?);
    rebuild("SQLite", &log, sqlite.clone(), sqlite).await?;
    let server = ScratchPostgres::start(&[])?;
    let postgres = Arc::new(PostgresReadStore::connect(&server.database("read")?).await?);
    rebuild("PostgreSQL", &log, postgres.clone(), postgres).await
}

async fn rebuild(
    what: &str,
    log: &Arc<RecordedLog>,
    store: Arc<dyn ReadStore>,
    shadows: Arc<dyn ShadowStore>,
) -> Result<()> {
    let rebuild = Rebuild::new(log.clone(), store, shadows);
    for projection in projections::all() {
        report(&format!("{what}, {}", projection.name()), &rebuild, &[projection]).await?;
    }
    report(&format!("{what}, all at once"), &rebuild, &projections::all()).await
}

async fn report(what: &str, rebuild: &Rebuild, models: &[Arc<dyn Projection>]) -> Result<()> {
    let (cpu, begun) = (cpu_seconds()?, Instant::now());
    let events = rebuild.shadow(models, &|_| {}).await?;
    let (seconds, busy) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let per_second = |seconds: f64| events as f64 / seconds.max(0.001);
    println!(
        "{what:>28}: {events} events, {:.0}/s, {:.0}/s per core of this process; {} MiB at most",
        per_second(seconds),
        per_second(busy),
        peak_mib()?
    );
    Ok(())
}
