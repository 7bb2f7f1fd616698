//! Read models on PostgreSQL that follow an event log there: how fast they are folded anew, decoding and all, and how soon
//! an event is in them after its append was acknowledged.
//!
//! `cargo run --release -p read-store --example follow_postgres -- [EVENTS]`
//! folds a made-up history of so many events, 200,000 without it, and then appends some more, of which whoever follows
//! hears by LISTEN only: log and follower have connections of their own. The server is one of its own.

mod process;

use anyhow::{Context, Result};
use application::{
    ports::{
        event_log::{Append, EventLog, Recorded},
        read_store::ReadStore,
    },
    testing::{ManualClock, MemoryKeyVault, story::Story},
};
use domain::value::Sha256;
use event_codec::EventCodec;
use event_log_postgres::PostgresEventLog;
use process::{cpu_seconds, peak_mib};
use projections::{Projection, Runner, rebuild::Rebuild};
use read_store::PostgresReadStore;
use scratch_postgres::ScratchPostgres;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Events that are timed on their way into the read models.
const TIMED: usize = 2_000;
/// The pause between two of them: 100 a second.
const EVERY: Duration = Duration::from_millis(10);
/// Streams that are written at the same time.
const WRITERS: usize = 64;

#[tokio::main]
async fn main() -> Result<()> {
    let wanted = std::env::args().nth(1).map_or(Ok(200_000), |events| events.parse::<usize>())?;
    let server = ScratchPostgres::start(&[("shared_buffers", "256MB"), ("max_wal_size", "4GB")])?;
    let url = server.database("films")?;
    let vault = Arc::new(MemoryKeyVault::new(7));
    let open = async |codec| PostgresEventLog::connect(&url, None, None, codec, Arc::new(ManualClock::default())).await;
    let writing = Arc::new(open(EventCodec::new("films", vault)).await?);
    // As `dragoman projection rebuild` reads it: folds must not know what is personal.
    let following = Arc::new(open(EventCodec::without_keys("films")).await?);
    let store = Arc::new(PostgresReadStore::connect(&url).await?);

    let mut history = appends(Story::history(wanted + TIMED));
    let timed = history.split_off(wanted);
    fill(&writing, history).await?;
    let rebuild = Rebuild::new(following.clone(), store.clone(), store.clone());
    for projection in projections::all() {
        report(projection.name(), &rebuild, std::slice::from_ref(&projection)).await?;
    }
    report("all of them at once", &rebuild, &projections::all()).await?;
    follow(&writing, following, store, timed).await
}

async fn report(what: &str, rebuild: &Rebuild, models: &[Arc<dyn Projection>]) -> Result<()> {
    let (cpu, begun) = (cpu_seconds()?, Instant::now());
    let events = rebuild.shadow(models, &|_| {}).await?;
    let (wall, busy) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    println!(
        "folded anew, {what}: {events} events, {:.0}/s, {:.0}/s per core of this process, {} MiB at most",
        events as f64 / wall,
        events as f64 / busy.max(0.01),
        peak_mib()?
    );
    Ok(())
}

/// Appends a history, each stream in its order.
async fn fill(log: &Arc<PostgresEventLog>, history: Vec<Append>) -> Result<()> {
    let begun = Instant::now();
    let count = history.len();
    let mut streams: BTreeMap<String, Vec<Append>> = BTreeMap::new();
    for append in history {
        streams.entry(append.stream.to_string()).or_default().push(append);
    }
    let mut writing = JoinSet::new();
    for appends in streams.into_values() {
        if writing.len() >= WRITERS {
            writing.join_next().await.context("one of them")???;
        }
        let log = Arc::clone(log);
        writing.spawn(async move {
            for append in appends {
                log.append(append).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = writing.join_next().await {
        ended??;
    }
    println!("appended one by one: {count} events, {:.0}/s", count as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}

/// Times each event from its acknowledgement until all read models have it.
async fn follow(
    writing: &Arc<PostgresEventLog>,
    following: Arc<PostgresEventLog>,
    store: Arc<dyn ReadStore>,
    timed: Vec<Append>,
) -> Result<()> {
    let runner = Runner::new(following, store);
    runner.catch_up().await?;
    let mut applied = runner.applied();
    let running = runner.clone();
    let running = tokio::spawn(async move { running.run().await });
    let mut took = Vec::with_capacity(timed.len());
    for append in timed {
        let position = writing.append(append).await?.position;
        let acknowledged = Instant::now();
        applied.wait_for(|reached| *reached >= position).await?;
        took.push(acknowledged.elapsed().as_secs_f64() * 1_000.0);
        tokio::time::sleep(EVERY).await;
    }
    running.abort();
    took.sort_by(f64::total_cmp);
    let percentile = |part: usize| took.get((took.len() * part).div_ceil(100).saturating_sub(1)).copied();
    let (Some(p50), Some(p99)) = (percentile(50), percentile(99)) else { return Ok(()) };
    println!(
        "from an acknowledged append to all read models: p50 {p50:.1} ms, p99 {p99:.1} ms ({} events)",
        took.len()
    );
    Ok(())
}

/// An append for each event. Stories may tell of the same stream one after the other.
fn appends(history: Vec<Recorded>) -> Vec<Append> {
    let mut revisions: BTreeMap<String, u64> = BTreeMap::new();
    let one = |event: Recorded| {
        let revision = revisions.entry(event.stream.to_string()).or_default();
        let mut fingerprint = [0; 32];
        fingerprint[..16].copy_from_slice(event.event_id.as_bytes());
        let append = Append {
            tenant: event.tenant,
            actor: event.actor,
            command_id: Uuid::from_u128(u128::from(event.position)),
            fingerprint: Sha256::new(fingerprint),
            causation_id: None,
            traceparent: None,
            stream: event.stream,
            expected_revision: *revision,
            under: None,
            events: vec![event.event],
        };
        *revision += 1;
        append
    };
    history.into_iter().map(one).collect()
}
