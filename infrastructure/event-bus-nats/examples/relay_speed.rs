//! How fast the relay is, with bare JetStream publishes of the same messages to the same server beside it.
//!
//!     cargo run -p event-bus-nats --example relay_speed [EVENTS]

#[path = "../tests/common/mod.rs"]
mod common;

use anyhow::{Context, Result};
use application::{public_events::public, relay::Relay, stop::Stopper, testing::RecordedLog, webhooks::payload::body};
use common::{at, history, settings};
use event_bus_nats::NatsEventBus;
use futures::{StreamExt, TryStreamExt, stream};
use scratch_nats::ScratchNats;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Bare publishes that are under way at a time.
const AT_A_TIME: [usize; 2] = [64, 512];
/// Samples of how long a notice takes.
const SAMPLES: usize = 500;

#[tokio::main]
async fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(50_000), |count| count.parse()).context("how many")?;
    let server = ScratchNats::start()?;
    let events = history(count + SAMPLES);
    let (past, later) = events.split_at(count);
    let bodies: Vec<String> = past.iter().filter_map(public).map(|event| body(&event)).collect();
    let (public, bytes) = (bodies.len(), bodies.iter().map(String::len).sum::<usize>());
    println!("{count} events, {public} of them public, {} bytes each", bytes / public.max(1));
    for at_a_time in AT_A_TIME {
        bare(&server, &bodies, at_a_time).await?;
    }

    let log = Arc::new(RecordedLog::new(past.to_vec()));
    let bus = Arc::new(NatsEventBus::connect(&at(&server.url()), &settings()).await?);
    let heard = bus.notices().await?;
    let relay = Relay::new(Arc::clone(&log) as Arc<_>, bus);
    let (mut relayed, stopper) = (relay.relayed(), Stopper::new());
    let (signal, began) = (stopper.signal(), Instant::now());
    let running = tokio::spawn(async move { relay.run(&signal).await });
    relayed.wait_for(|position| *position == count as u64).await?;
    rate("the relay, events of the log", count, began);
    rate("the relay, public events", public, began);

    let mut waits = Vec::new();
    let mut positions = heard.positions();
    for event in later {
        let began = Instant::now();
        log.push([event.clone()]);
        positions.wait_for(|position| *position == event.position).await?;
        waits.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    waits.sort_unstable();
    let of = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!("{:<44} p50 {:.2?}, p99 {:.2?}", "from the append to a listener's notice", of(50), of(99));
    running.abort();
    Ok(())
}

/// The same bodies into a stream that keeps no order.
async fn bare(server: &ScratchNats, bodies: &[String], at_a_time: usize) -> Result<()> {
    let client = &async_nats::connect(server.url()).await?;
    let stream = format!("bare{at_a_time}");
    let config =
        format!("{{\"name\":\"{stream}\",\"subjects\":[\"{stream}.>\"],\"storage\":\"file\",\"num_replicas\":1}}");
    client.request(format!("$JS.API.STREAM.CREATE.{stream}"), config.into()).await?;
    let began = Instant::now();
    let publish = |body: &String| {
        let (subject, body) = (format!("{stream}.track.StageStarted"), body.clone());
        client.request(subject, body.into())
    };
    stream::iter(bodies.iter().map(publish)).buffer_unordered(at_a_time).try_collect::<Vec<_>>().await?;
    rate(&format!("bare publishes, {at_a_time} at a time"), bodies.len(), began);
    Ok(())
}

fn rate(what: &str, count: usize, began: Instant) {
    println!("{what:<44} {:.0}/s", count as f64 / began.elapsed().as_secs_f64());
}
