//! How fast events are folded into read models on disk: all at once, one by one, and each model alone.
//!
//! `cargo run --release -p read-store --example fold_speed -- [EVENTS]`
//! folds a made-up history of so many events; 100,000 without it.

use anyhow::Result;
use application::{
    ports::{event_log::Recorded, read_store::ReadStore},
    testing::{RecordedLog, story::Story},
};
use projections::Runner;
use read_store::SqliteReadStore;
use std::{path::Path, sync::Arc, time::Instant};

/// Events folded one by one.
const ONE_BY_ONE: usize = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    let wanted = std::env::args().nth(1).map_or(Ok(100_000), |events| events.parse::<usize>())?;
    let events = Story::history(wanted);
    let folder = tempfile::tempdir()?;
    report("all read models", events.len(), fold(&folder.path().join("all.db"), &events, None).await?);
    for projection in projections::all() {
        let file = folder.path().join(format!("{}.db", projection.name()));
        report(projection.name(), events.len(), fold(&file, &events, Some(projection)).await?);
    }
    let (first, last) = events.split_at(events.len().saturating_sub(ONE_BY_ONE));
    report("one by one", last.len(), one_by_one(&folder.path().join("one.db"), first, last).await?);
    let begun = Instant::now();
    let store = SqliteReadStore::open(&folder.path().join("all.db")).await?;
    store.checkpoint("jobs").await?;
    println!("opening again: {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    Ok(())
}

async fn fold(file: &Path, events: &[Recorded], only: Option<Arc<dyn projections::Projection>>) -> Result<f64> {
    let store: Arc<dyn ReadStore> = Arc::new(SqliteReadStore::open(file).await?);
    let runner = Runner::new(Arc::new(RecordedLog::new(events.to_vec())), store);
    let runner = only.into_iter().fold(runner, |runner, projection| runner.with(vec![projection]));
    let begun = Instant::now();
    runner.catch_up().await?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn one_by_one(file: &Path, first: &[Recorded], last: &[Recorded]) -> Result<f64> {
    let store: Arc<dyn ReadStore> = Arc::new(SqliteReadStore::open(file).await?);
    let log = Arc::new(RecordedLog::new(first.to_vec()));
    let runner = Runner::new(log.clone(), store);
    runner.catch_up().await?;
    let mut applied = runner.applied();
    let running = tokio::spawn(async move { runner.run().await });
    let begun = Instant::now();
    for event in last {
        log.push([event.clone()]);
        applied.wait_for(|applied| *applied >= event.position).await?;
    }
    let took = begun.elapsed().as_secs_f64();
    running.abort();
    Ok(took)
}

fn report(what: &str, events: usize, seconds: f64) {
    let each = seconds * 1e6 / events.max(1) as f64;
    println!("{what:>16}: {events} events in {seconds:.2} s, {each:.0} µs each, {:.0}/s", events as f64 / seconds);
}
