//! How fast the queue is, with bare JetStream publishes to the same server beside it.
//!
//!     cargo run -p work-queue-nats --example queue_speed [WORKS]

#[path = "../tests/common/mod.rs"]
mod common;

use anyhow::{Context, Result, anyhow};
use application::ports::work_queue::WorkQueue;
use common::{at, settings, work};
use domain::flow::Stage;
use futures::{TryStreamExt, stream};
use scratch_nats::ScratchNats;
use std::time::{Duration, Instant};
use work_queue_nats::{NatsWorkQueue, bare_publishes};

const LEASE: Duration = Duration::from_secs(30);
/// Publishes, or workers, at a time.
const AT_A_TIME: usize = 64;
/// Samples of how long a worker waits.
const SAMPLES: u32 = 500;

#[tokio::main]
async fn main() -> Result<()> {
    let works = std::env::args().nth(1).map_or(Ok(10_000), |works| works.parse()).context("how many")?;
    let server = ScratchNats::start()?;
    println!("{works} works, {AT_A_TIME} at a time, on one server of version 2.9 or newer with one copy in files");
    let bare =
        bare_publishes(&server.url(), AT_A_TIME, Duration::from_secs(2)).await.map_err(|error| anyhow!(error))?;
    println!("{:<40} {bare:.0}/s", "bare JetStream publishes");
    let publisher = NatsWorkQueue::connect(&at(&server.url()), settings("dragoman", LEASE)).await?;
    let worker = NatsWorkQueue::connect(&at(&server.url()), settings("dragoman", LEASE)).await?;
    let began = Instant::now();
    stream::iter((1..=works).map(Ok::<u32, anyhow::Error>))
        .try_for_each_concurrent(AT_A_TIME, |number| {
            let publisher = &publisher;
            async move { Ok(publisher.publish(work(Stage::Ingest, number)).await?) }
        })
        .await?;
    rate("published", works, began);
    let began = Instant::now();
    stream::iter((1..=works).map(Ok::<u32, anyhow::Error>))
        .try_for_each_concurrent(AT_A_TIME, |_| async {
            let delivery = worker.pull(LEASE).await?;
            Ok(worker.complete(delivery.receipt).await?)
        })
        .await?;
    rate("pulled and completed", works, began);
    let mut waits = Vec::new();
    for number in works + 1..=works + SAMPLES {
        let pulled = async {
            let delivery = worker.pull(LEASE).await?;
            anyhow::Ok((Instant::now(), delivery))
        };
        let published = async {
            let began = Instant::now();
            publisher.publish(work(Stage::Ingest, number)).await?;
            anyhow::Ok(began)
        };
        let ((at, delivery), began) = tokio::try_join!(pulled, published)?;
        waits.push(at - began);
        worker.complete(delivery.receipt).await?;
    }
    waits.sort_unstable();
    let of = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!("{:<40} p50 {:.2?}, p99 {:.2?}", "from the publish to a waiting worker", of(50), of(99));
    Ok(())
}

fn rate(what: &str, works: u32, began: Instant) {
    println!("{what:<40} {:.0}/s", f64::from(works) / began.elapsed().as_secs_f64());
}
