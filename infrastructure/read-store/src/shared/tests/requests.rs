//! Requests by several nodes.

use super::{SEAL, SERVER, SHORT, SharedDatabase, database, joined, name, node};
use crate::PostgresRequestStore;
use application::{
    ports::{
        clock::{Clock, Ids},
        event_log::Tenant,
        key_vault::Key,
        request_store::{Answer, Begun, KEY_LIFETIME_MS, RequestIds, RequestStore},
    },
    testing::{CountedIds, ManualClock, request_store_kit},
};
use domain::value::Sha256;
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::sleep};

const ASKED: Sha256 = Sha256::new([1; 32]);

fn over(database: SharedDatabase, clock: &Arc<ManualClock>) -> Arc<PostgresRequestStore> {
    let (clock, ids) = (Arc::clone(clock) as Arc<dyn Clock>, Arc::new(CountedIds::default()) as Arc<dyn Ids>);
    Arc::new(PostgresRequestStore::new(database, clock, ids, Key::new(SEAL)))
}

async fn begin(store: &PostgresRequestStore, key: &str) -> Begun {
    store.begin(&Tenant::default(), key, &ASKED).await.unwrap()
}

async fn begin_new(store: &PostgresRequestStore, key: &str) -> RequestIds {
    match begin(store, key).await {
        Begun::New(ids) => ids,
        other => unreachable!("{key} is not new: {other:?}"),
    }
}

fn answer(body: &str) -> Answer {
    Answer { status: 200, headers: vec![("etag".to_owned(), "1".to_owned())], body: body.as_bytes().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let make = |clock, ids| async {
        let store = PostgresRequestStore::new(joined(&database()).await, clock, ids, Key::new(SEAL));
        (Arc::new(store) as Arc<dyn RequestStore>, ())
    };
    request_store_kit::run(make).await;
}

/// However many begin it on both nodes, one carries it out; all hear its answer afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_on_two_nodes_at_once_runs_once() {
    let url = database();
    let clock = Arc::new(ManualClock::default());
    let nodes = [over(joined(&url).await, &clock), over(joined(&url).await, &clock)];
    for round in 0..30 {
        let key = format!("key {round}");
        let mut tries = JoinSet::new();
        for number in 0..12 {
            let (store, key) = (Arc::clone(&nodes[number % 2]), key.clone());
            tries.spawn(async move { (number % 2, begin(&store, &key).await) });
        }
        let mut new = Vec::new();
        for (node, begun) in tries.join_all().await {
            match begun {
                Begun::New(ids) => new.push((node, ids)),
                other => assert_eq!(other, Begun::Running),
            }
        }
        let [(node, ids)] = new[..] else { unreachable!("{} carry it out", new.len()) };
        let (own, other) = (&nodes[node], &nodes[1 - node]);
        // Only who carries it out can end it.
        other.abandon(&Tenant::default(), &key).await.unwrap();
        other.finish(&Tenant::default(), &key, &answer("somebody else's")).await.unwrap();
        assert_eq!(begin(other, &key).await, Begun::Running);
        if round % 2 == 0 {
            own.abandon(&Tenant::default(), &key).await.unwrap();
            assert_eq!(begin_new(other, &key).await, ids, "on another node, with its ids");
            own.finish(&Tenant::default(), &key, &answer("late")).await.unwrap();
            other.finish(&Tenant::default(), &key, &answer("first")).await.unwrap();
        } else {
            own.finish(&Tenant::default(), &key, &answer("first")).await.unwrap();
        }
        for store in &nodes {
            assert_eq!(begin(store, &key).await, Begun::Answered(answer("first")));
        }
    }
}

/// What a node left running begins again elsewhere: at once when it ended orderly, after its lease when it was killed, and
/// never while it lives, however long that is.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_left_running_begins_again_with_its_ids() {
    let url = database();
    let clock = Arc::new(ManualClock::default());
    let other = over(joined(&url).await, &clock);
    let first = SharedDatabase::connect_with(&url, node(), SHORT).await.unwrap();
    let ids = begin_new(&over(first.clone(), &clock), "orderly").await;
    sleep(2 * SHORT.held).await;
    assert_eq!(begin(&other, "orderly").await, Begun::Running, "it lives");
    first.close().await;
    assert_eq!(begin_new(&other, "orderly").await, ids);

    let killed = SharedDatabase::connect_with(&url, node(), SHORT).await.unwrap();
    let ids = begin_new(&over(killed.clone(), &clock), "killed").await;
    drop(killed);
    assert_eq!(begin(&other, "killed").await, Begun::Running, "nobody knows yet");
    let mut begun = Begun::Running;
    for _ in 0..100 {
        begun = begin(&other, "killed").await;
        if begun != Begun::Running {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(begun, Begun::New(ids));
}

/// An asker that goes leaves nothing running.
#[tokio::test(flavor = "multi_thread")]
async fn what_begins_for_nobody_is_abandoned() {
    let url = database();
    let clock = Arc::new(ManualClock::default());
    let store = over(joined(&url).await, &clock);
    for round in 0..40 {
        let (asking, key) = (Arc::clone(&store), format!("key {round}"));
        let gone = tokio::spawn(async move { begin(&asking, &key).await });
        for _ in 0..round % 8 {
            tokio::task::yield_now().await;
        }
        gone.abort();
        if gone.await.is_ok() {
            continue;
        }
        let mut begun = Begun::Running;
        for _ in 0..200 {
            begun = begin(&store, &format!("key {round}")).await;
            if begun != Begun::Running {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        assert!(matches!(begun, Begun::New(_)), "round {round}: {begun:?}");
    }
}

/// Much that expired goes bit by bit with what is new.
#[tokio::test(flavor = "multi_thread")]
async fn expired_keys_are_forgotten_by_and_by() {
    let url = database();
    let clock = Arc::new(ManualClock::default());
    let nodes = [over(joined(&url).await, &clock), over(joined(&url).await, &clock)];
    for number in 0..40 {
        begin_new(&nodes[number % 2], &format!("old {number}")).await;
    }
    clock.set(clock.now().plus_ms(KEY_LIFETIME_MS));
    for number in 0..5 {
        begin_new(&nodes[number % 2], &format!("new {number}")).await;
        begin(&nodes[(number + 1) % 2], &format!("new {number}")).await;
    }
    assert_eq!(SERVER.sql(name(&url), "SELECT count(*) FROM dragoman_shared.requests").unwrap(), "5");
}

/// Answers are sealed, and without their key there is none.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_sealed() {
    let url = database();
    let clock = Arc::new(ManualClock::default());
    let database = joined(&url).await;
    let store = over(database.clone(), &clock);
    let ids = begin_new(&store, "first").await;
    store.finish(&Tenant::default(), "first", &answer("Ada Lovelace")).await.unwrap();
    let kept = SERVER.sql(name(&url), "SELECT encode(body, 'escape') FROM dragoman_shared.requests").unwrap();
    assert!(!kept.is_empty() && !kept.contains("Ada"), "what is kept names nobody");
    let (times, others) = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(CountedIds::default()) as Arc<dyn Ids>);
    let other = PostgresRequestStore::new(database, times, others, Key::new([6; 32]));
    assert_eq!(begin_new(&other, "first").await, ids, "it begins again as what it was");
}
