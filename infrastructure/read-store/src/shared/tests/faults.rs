//! A server that stops, crashes or cuts connections: what was acknowledged is there, and nothing is done twice.

use super::{
    SEAL, SharedDatabase,
    deliveries::{NOW, attempt, batch},
    node,
};
use crate::{PostgresCredentialStore, PostgresDeliveryStore, PostgresRequestStore};
use application::{
    aggregates::sha256,
    ports::{
        clock::{Clock, Ids},
        credentials::{CredentialStore, NewSession, Rotation},
        delivery_store::{AttemptEnding, DeliveryStore, DeliveryStoreError, Next},
        event_log::Tenant,
        key_vault::Key,
        request_store::{Answer, Begun, RequestStore},
    },
    testing::{CountedIds, ManualClock},
};
use domain::value::{AccountId, SessionId, Sha256, Timestamp};
use scratch_postgres::{ScratchPostgres, Stop};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

const ANN: AccountId = AccountId(Uuid::from_u128(1));

/// A server whose commits wait for what the machine was given: it is killed here, and never the machine.
fn server() -> Arc<ScratchPostgres> {
    let server = ScratchPostgres::start(&[("fsync", "off")]).unwrap();
    server.database("shared").unwrap();
    Arc::new(server)
}

async fn joined(server: &ScratchPostgres) -> SharedDatabase {
    SharedDatabase::connect(&server.url("shared"), node()).await.unwrap()
}

/// Breaks connections, or the server, until it is told to stop; how often.
fn torment(server: &Arc<ScratchPostgres>, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<u32> {
    let (server, stop) = (Arc::clone(server), Arc::clone(stop));
    tokio::task::spawn_blocking(move || {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = 'shared' AND pid <> pg_backend_pid()";
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..10 {
                server.sql("postgres", cut).unwrap();
                std::thread::sleep(Duration::from_millis(7));
            }
            server.stop(if rounds % 2 == 0 { Stop::Immediate } else { Stop::Fast }).unwrap();
            server.start_again().unwrap();
            rounds += 1;
        }
        rounds
    })
}

fn token(session: u128, number: u64) -> Sha256 {
    sha256(format!("{session} {number}").as_bytes())
}

/// Exchanges that are acknowledged have happened, once: without any grace, one that was done and not heard of would end
/// the session.
#[tokio::test(flavor = "multi_thread")]
async fn exchanges_happen_once_whatever_the_server_does() {
    let server = server();
    let nodes = [joined(&server).await, joined(&server).await];
    let stores: Vec<_> =
        nodes.iter().map(|node| Arc::new(PostgresCredentialStore::new(node.clone(), Key::new(SEAL)))).collect();
    let now = Timestamp::from_unix_ms(1_769_846_400_000);
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    for session in 0..6 {
        let new = NewSession {
            id: SessionId(Uuid::from_u128(session)),
            account: ANN,
            refresh_hash: token(session, 0),
            now,
            expires_at: now.plus_ms(1_000_000_000),
            idle_ms: 1_000_000_000,
        };
        stores[0].start_session(new).await.unwrap();
    }
    let tormenting = torment(&server, &stop);
    let mut clients = JoinSet::new();
    for session in 0..6_u128 {
        let (store, stop, done) = (Arc::clone(&stores[(session % 2) as usize]), Arc::clone(&stop), Arc::clone(&done));
        clients.spawn(async move {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                let (token, successor) = (token(session, number), token(session, number + 1));
                // Time passes: a repetition is never within the grace.
                let told = store.rotate(&token, &successor, now.plus_ms(number), 0).await.unwrap();
                assert!(matches!(told, Rotation::Rotated { .. }), "{session} {number}: {told:?}");
                number += 1;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    sleep(Duration::from_secs(6)).await;
    stop.store(true, Ordering::Relaxed);
    let rounds = tormenting.await.unwrap();
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert!(rounds >= 3 && done.load(Ordering::Relaxed) > 100, "{rounds} restarts, {done:?} exchanges");
    let current = server.sql("shared", "SELECT count(*) FROM dragoman_shared.refresh_tokens WHERE successor IS NULL");
    assert_eq!(current.unwrap(), "6");
}

/// Each key is carried out once, with ids of its own, and its answer is there.
#[tokio::test(flavor = "multi_thread")]
async fn requests_run_once_whatever_the_server_does() {
    let server = server();
    let (clock, ids) = (Arc::new(ManualClock::default()), Arc::new(CountedIds::default()));
    let store = |database| {
        let (clock, ids) = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&ids) as Arc<dyn Ids>);
        Arc::new(PostgresRequestStore::new(database, clock, ids, Key::new(SEAL)))
    };
    let stores = [store(joined(&server).await), store(joined(&server).await)];
    let stop = Arc::new(AtomicBool::new(false));
    let tormenting = torment(&server, &stop);
    let mut clients = JoinSet::new();
    for client in 0..6_usize {
        let (stores, stop) = (stores.clone(), Arc::clone(&stop));
        clients.spawn(async move {
            let (tenant, asked, mut commands) = (Tenant::default(), Sha256::new([1; 32]), Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let key = format!("{client} {}", commands.len());
                let (one, other) =
                    tokio::join!(stores[0].begin(&tenant, &key, &asked), stores[1].begin(&tenant, &key, &asked));
                let told = [one.unwrap(), other.unwrap()];
                let new: Vec<_> = told.iter().enumerate().filter(|(_, told)| matches!(told, Begun::New(_))).collect();
                let [(node, Begun::New(ids))] = new[..] else { unreachable!("{key}: {told:?}") };
                let answer = Answer { status: 200, headers: vec![], body: key.clone().into_bytes() };
                stores[node].finish(&tenant, &key, &answer).await.unwrap();
                assert_eq!(stores[1 - node].begin(&tenant, &key, &asked).await.unwrap(), Begun::Answered(answer));
                commands.push(ids.command);
            }
            commands
        });
    }
    sleep(Duration::from_secs(6)).await;
    stop.store(true, Ordering::Relaxed);
    let rounds = tormenting.await.unwrap();
    let mut seen = HashSet::new();
    while let Some(client) = clients.join_next().await {
        assert!(client.unwrap().into_iter().all(|command| seen.insert(command)), "each has ids of its own");
    }
    assert!(rounds >= 3 && seen.len() > 60, "{rounds} restarts, {} requests", seen.len());
}

/// Deliveries are made and sent by two nodes, whatever the server does: none is missed, and each line has its first.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_go_on_whatever_the_server_does() {
    let server = server();
    let stop = Arc::new(AtomicBool::new(false));
    let mut nodes = JoinSet::new();
    for _ in 0..2 {
        let store = Arc::new(PostgresDeliveryStore::new(joined(&server).await));
        let (taking_in, stopping) = (Arc::clone(&store), Arc::clone(&stop));
        nodes.spawn(async move {
            while !stopping.load(Ordering::Relaxed) {
                let from = taking_in.checkpoint().await.unwrap();
                match taking_in.enqueue(batch(from, 5)).await {
                    Ok(()) | Err(DeliveryStoreError::Moved) => {}
                    Err(error) => unreachable!("{error:?}"),
                }
                sleep(Duration::from_millis(5)).await;
            }
        });
        let stopping = Arc::clone(&stop);
        nodes.spawn(async move {
            loop {
                let is_over = stopping.load(Ordering::Relaxed);
                let due = store.due(NOW, 4, 8).await.unwrap();
                if is_over && due.is_empty() {
                    return;
                }
                for due in due {
                    if store.claim(due.what.id, NOW).await.unwrap().is_some() {
                        let ending = attempt(AttemptEnding::Delivered);
                        store.outcome(due.what.id, &ending, Next::Delivered).await.unwrap();
                    }
                }
            }
        });
    }
    let tormenting = torment(&server, &stop);
    sleep(Duration::from_secs(6)).await;
    stop.store(true, Ordering::Relaxed);
    assert!(tormenting.await.unwrap() >= 3);
    while let Some(node) = nodes.join_next().await {
        node.unwrap();
    }
    // One node may have stopped while the other one still had something in hand, or was taking in: the rest goes now.
    let store = PostgresDeliveryStore::new(joined(&server).await);
    let made = store.checkpoint().await.unwrap();
    let of =
        |what: &str| server.sql("shared", &format!("SELECT count(*) FROM dragoman_shared.deliveries WHERE {what}"));
    assert_eq!(of("true").unwrap(), made.to_string(), "each event has its delivery");
    let lines = "SELECT count(DISTINCT (webhook, subject)) FROM dragoman_shared.deliveries WHERE state = 'waiting'";
    assert_eq!(of("is_head").unwrap(), server.sql("shared", lines).unwrap(), "each line that waits has its first");
    assert!(made > 100, "{made} made");
}
