//! How fast shadows of read models are folded, on one core, from events that are decoded already into a store in memory:
//! what folds and runner take, without log and database.
//!
//! `cargo run --release -p projections --example rebuild_speed -- [EVENTS]`
//! folds a made-up history of so many events; 100,000 without it.

use application::testing::{MemoryReadStore, RecordedLog, story::Story};
use projections::{Projection, rebuild::Rebuild};
use std::{error::Error, sync::Arc, time::Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args().nth(1).map_or(Ok(100_000), |events| events.parse::<usize>())?;
    let log = Arc::new(RecordedLog::new(Story::history(wanted)));
    for projection in projections::all() {
        report(projection.name(), &log, &[projection]).await?;
    }
    report("all at once", &log, &projections::all()).await
}

async fn report(what: &str, log: &Arc<RecordedLog>, models: &[Arc<dyn Projection>]) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryReadStore::new());
    let begun = Instant::now();
    let events = Rebuild::new(log.clone(), store.clone(), store).shadow(models, &|_| {}).await?;
    let each = begun.elapsed().as_secs_f64() * 1e6 / events as f64;
    println!("{what:>16}: {events} events, {each:.2} µs each, {:.0}/s", 1e6 / each);
    Ok(())
}
