//! What nodes share, on PostgreSQL: how many requests are begun and finished, refresh tokens exchanged and deliveries sent a
//! second, by one node and by two.
//!
//! `cargo run --release -p read-store --example shared_speed`
//! The server is one of its own, in the system's temporary folder; its commits wait for the disk.

use anyhow::{Result, ensure};
use application::{
    aggregates::sha256,
    ports::{
        clock::Ids,
        credentials::{CredentialStore, NewSession, Rotation},
        delivery_store::{Attempt, AttemptEnding, DeliveryBatch, DeliveryStore, NewDelivery, Next, Source},
        event_log::Tenant,
        key_vault::Key,
        request_store::{Answer, Begun, RequestStore},
    },
    testing::{CountedIds, ManualClock},
};
use domain::value::{AccountId, SessionId, Sha256, Timestamp, WebhookId};
use read_store::{PostgresCredentialStore, PostgresDeliveryStore, PostgresRequestStore, SharedDatabase};
use scratch_postgres::ScratchPostgres;
use std::{sync::Arc, time::Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Callers at a time, on all nodes together.
const CALLERS: usize = 32;
/// What each of them does.
const EACH: usize = 100;
const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);

#[tokio::main]
async fn main() -> Result<()> {
    let server = ScratchPostgres::start(&[("shared_buffers", "256MB")])?;
    let ids = Arc::new(CountedIds::default());
    for count in 1..=2_usize {
        let url = server.database(&format!("nodes_{count}"))?;
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(SharedDatabase::connect(&url, ids.next()).await?);
        }
        report(count, "requests", requests(&nodes, &ids).await?);
        report(count, "exchanges", exchanges(&nodes).await?);
        report(count, "deliveries", deliveries(&nodes).await?);
        for node in nodes {
            node.close().await;
        }
    }
    Ok(())
}

fn report(nodes: usize, what: &str, rate: f64) {
    println!("{nodes} node(s): {rate:>6.0} {what}/s");
}

/// Waits for all; how many a second they were.
async fn timed(mut tasks: JoinSet<Result<usize>>) -> Result<f64> {
    let (begun, mut done) = (Instant::now(), 0);
    while let Some(ended) = tasks.join_next().await {
        done += ended??;
    }
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}

async fn requests(nodes: &[SharedDatabase], ids: &Arc<CountedIds>) -> Result<f64> {
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (clock, ids) = (Arc::new(ManualClock::default()), Arc::clone(ids) as Arc<dyn Ids>);
        let store = PostgresRequestStore::new(nodes[caller % nodes.len()].clone(), clock, ids, Key::new([5; 32]));
        tasks.spawn(async move {
            let (tenant, asked) = (Tenant::default(), Sha256::new([7; 32]));
            let answer = Answer { status: 202, headers: vec![], body: vec![b'x'; 500] };
            for number in 0..EACH {
                let key = format!("{caller}-{number}");
                ensure!(matches!(store.begin(&tenant, &key, &asked).await?, Begun::New(_)), "it is new");
                store.finish(&tenant, &key, &answer).await?;
            }
            Ok(EACH)
        });
    }
    timed(tasks).await
}

async fn exchanges(nodes: &[SharedDatabase]) -> Result<f64> {
    let stores: Vec<_> =
        nodes.iter().map(|node| Arc::new(PostgresCredentialStore::new(node.clone(), Key::new([5; 32])))).collect();
    let token = |caller: usize, number: usize| sha256(format!("{caller} {number}").as_bytes());
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let store = Arc::clone(&stores[caller % stores.len()]);
        let (id, refresh_hash) = (SessionId(Uuid::from_u128(caller as u128)), token(caller, 0));
        let (account, expires_at) = (AccountId(Uuid::from_u128(1)), NOW.plus_ms(1_000_000));
        store.start_session(NewSession { id, account, refresh_hash, now: NOW, expires_at, idle_ms: 1_000_000 }).await?;
        tasks.spawn(async move {
            for number in 0..EACH {
                let told = store.rotate(&token(caller, number), &token(caller, number + 1), NOW, 0).await?;
                ensure!(matches!(told, Rotation::Rotated { .. }), "it is current");
            }
            Ok(EACH)
        });
    }
    timed(tasks).await
}

/// Deliveries to as many webhooks as there are callers, each of which sends its own.
async fn deliveries(nodes: &[SharedDatabase]) -> Result<f64> {
    let id = |position: u64| Uuid::from_u128(u128::from(position));
    let all = (CALLERS * EACH) as u64;
    let new = |position: u64| NewDelivery {
        id: id(position),
        webhook: WebhookId(id(position % CALLERS as u64)),
        tenant: Tenant::default(),
        event: id(position),
        kind: "dubbing.queued".to_owned(),
        position,
        subject: id(position),
        body: "x".repeat(500),
    };
    let stores: Vec<_> = nodes.iter().map(|node| Arc::new(PostgresDeliveryStore::new(node.clone()))).collect();
    for from in (0..all).step_by(200) {
        let to = (from + 200).min(all);
        let deliveries = (from + 1..=to).map(new).collect();
        stores[0].enqueue(DeliveryBatch { source: Source::Log, from, to, deliveries, now: NOW }).await?;
    }
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let store = Arc::clone(&stores[caller % stores.len()]);
        tasks.spawn(async move {
            let attempt = Attempt { at: NOW, took_ms: 9, status: Some(204), ending: AttemptEnding::Delivered };
            let own: Vec<u64> = (1..=all).filter(|position| position % CALLERS as u64 == caller as u64).collect();
            for position in &own {
                ensure!(store.claim(id(*position), NOW).await?.is_some(), "it is due");
                store.outcome(id(*position), &attempt, Next::Delivered).await?;
            }
            Ok(own.len())
        });
    }
    timed(tasks).await
}
