//! How fast shadows of read models are folded into SQLite and into PostgreSQL, by one thread, from events that are decoded
//! already; and how much memory that takes.
//!
//! `cargo run --release -p read-store --example shadow_speed -- [EVENTS]`
//! folds a made-up history of so many events; 200,000 without it. The server is one of its own.

use anyhow::Result;
use application::{
    ports::{read_store::ReadStore, shadow_store::ShadowStore},
    testing::{RecordedLog, story::Story},
};
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

/// Processor time of this process, all its threads.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // utime and stime, in hundredths of a second: proc(5), counted from the field after the name.
    let ticks = fields.iter().skip(11).take(2).map(|field| field.parse::<f64>()).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// The most memory that this process had so far.
fn peak_mib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    Ok(peak.split_whitespace().next().unwrap_or("0").parse::<u64>()? / 1_024)
}
