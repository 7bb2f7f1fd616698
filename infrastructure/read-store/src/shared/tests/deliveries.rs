//! Deliveries by several nodes.

use super::{SERVER, SHORT, SharedDatabase, database, joined, name, node};
use crate::{PostgresDeliveryStore, deliveries::DUE_IN_DATABASE};
use application::{
    ports::{
        delivery_store::{
            Attempt, AttemptEnding, DeliveryBatch, DeliveryState, DeliveryStore, DeliveryStoreError, NewDelivery, Next,
            Source,
        },
        event_log::Tenant,
    },
    testing::delivery_store_kit,
};
use domain::value::{Timestamp, WebhookId};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);

async fn store(url: &str) -> Arc<PostgresDeliveryStore> {
    Arc::new(PostgresDeliveryStore::new(joined(url).await))
}

/// So many deliveries after a position: to three webhooks in turn, a few to a line.
pub(crate) fn batch(from: u64, count: u64) -> DeliveryBatch {
    let new = |position: u64| NewDelivery {
        id: Uuid::from_u128(u128::from(position)),
        webhook: WebhookId(Uuid::from_u128(u128::from(position % 3))),
        tenant: Tenant::default(),
        event: Uuid::from_u128(u128::from(position)),
        kind: "dubbing.queued".to_owned(),
        position,
        subject: Uuid::from_u128(u128::from(position % 7)),
        body: "{}".to_owned(),
    };
    let to = from + count;
    DeliveryBatch { source: Source::Log, from, to, deliveries: (from + 1..=to).map(new).collect(), now: NOW }
}

pub(crate) fn attempt(ending: AttemptEnding) -> Attempt {
    Attempt { at: NOW, took_ms: 1, status: Some(200), ending }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let url = database();
    let store = store(&url).await;
    delivery_store_kit::run(|| async {
        let all = "TRUNCATE dragoman_shared.deliveries, dragoman_shared.replays, dragoman_shared.lanes; \
             UPDATE dragoman_shared.delivery_checkpoint SET position = 0";
        SERVER.sql(name(&url), all).unwrap();
        (Arc::clone(&store) as Arc<dyn DeliveryStore>, ())
    })
    .await;
}

/// Three nodes take in the same pages of the log, and send what is due: each page is kept once, each delivery is sent by
/// one, once, and those of a line in their order.
#[tokio::test(flavor = "multi_thread")]
async fn each_delivery_is_made_and_sent_by_one_node() {
    const ALL: u64 = 400;
    let url = database();
    let sent: Arc<Mutex<Vec<u64>>> = Arc::default();
    let mut nodes = JoinSet::new();
    for _ in 0..3 {
        let store = store(&url).await;
        let taking_in = Arc::clone(&store);
        nodes.spawn(async move {
            while let from @ 0..ALL = taking_in.checkpoint().await.unwrap() {
                match taking_in.enqueue(batch(from, 20)).await {
                    Ok(()) | Err(DeliveryStoreError::Moved) => {}
                    Err(error) => unreachable!("{error:?}"),
                }
            }
        });
        let sent = Arc::clone(&sent);
        nodes.spawn(async move {
            while sent.lock().unwrap().len() < ALL as usize {
                for due in store.due(NOW, 4, 8).await.unwrap() {
                    if store.claim(due.what.id, NOW).await.unwrap().is_some() {
                        sent.lock().unwrap().push(due.what.position);
                        let ending = attempt(AttemptEnding::Delivered);
                        store.outcome(due.what.id, &ending, Next::Delivered).await.unwrap();
                    }
                }
            }
        });
    }
    while let Some(node) = nodes.join_next().await {
        node.unwrap();
    }
    let left = "SELECT count(*) FROM dragoman_shared.deliveries WHERE state <> 'delivered' OR is_head \
         OR claimed_by IS NOT NULL";
    assert_eq!(SERVER.sql(name(&url), left).unwrap(), "0");
    let sent = sent.lock().unwrap();
    let (mut once, mut last) = (HashSet::new(), HashMap::new());
    for position in sent.iter() {
        assert!(once.insert(position), "{position} was sent twice");
        let before = last.insert((position % 3, position % 7), position);
        assert!(before.is_none_or(|before| before < position), "{position} after {before:?}");
    }
    assert_eq!(once.len(), ALL as usize);
}

/// Of two nodes that would send the same, one does; when it dies, the other one takes it up, and while it lives, never.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_had_in_hand_is_sent_by_another() {
    let url = database();
    let other = store(&url).await;
    let mortal = SharedDatabase::connect_with(&url, node(), SHORT).await.unwrap();
    let first = PostgresDeliveryStore::new(mortal.clone());
    first.enqueue(batch(0, 1)).await.unwrap();
    let id = Uuid::from_u128(1);
    for _ in 0..2 {
        let (one, two) = (first.claim(id, NOW).await.unwrap(), other.claim(id, NOW).await.unwrap());
        assert_eq!((one.is_some(), two), (true, None));
        assert!(other.due(NOW, 9, 9).await.unwrap().is_empty(), "it is in good hands");
        assert_eq!(first.due(NOW, 9, 9).await.unwrap().len(), 1);
        sleep(SHORT.held).await;
    }
    drop((first, mortal));
    let mut claimed = None;
    for _ in 0..100 {
        claimed = other.claim(id, NOW).await.unwrap();
        if claimed.is_some() {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let claimed = claimed.unwrap();
    assert_eq!((claimed.state, claimed.what), (DeliveryState::Waiting, batch(0, 1).deliveries.remove(0)));
    other.outcome(id, &attempt(AttemptEnding::Refused), Next::RetryAt(NOW.plus_ms(1))).await.unwrap();
    let third = store(&url).await;
    assert!(third.claim(id, NOW.plus_ms(1)).await.unwrap().is_some(), "with its outcome it is out of hand");
}

/// However long the history is, what is asked for often is found by an index.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_looked_for_among_everything() {
    let url = database();
    let _store = store(&url).await;
    SERVER
        .sql(
            name(&url),
            "INSERT INTO dragoman_shared.deliveries (id, webhook, tenant, event, kind, position, subject, body, state, \
             is_head, failures, since_ms, next_ms, ended_ms, attempts) \
             SELECT gen_random_uuid(), md5((n % 50)::text)::uuid, 't', gen_random_uuid(), 'k', n, md5((n % 997)::text)::uuid, \
             '{}', CASE WHEN n % 100 = 0 THEN 'waiting' WHEN n % 10 = 1 THEN 'dead' ELSE 'delivered' END, n % 1000 = 0, 0, n, n, \
             CASE WHEN n % 100 = 0 THEN NULL ELSE n END, '[]' FROM generate_series(1, 30000) AS n; \
             ANALYZE dragoman_shared.deliveries",
        )
        .unwrap();
    let due = DUE_IN_DATABASE.replace("$1", "500").replace("$2", "4").replace("$3", "8");
    let due = due.replace("$4", "'00000000-0000-0000-0000-000000000000'");
    let webhook = "md5('1')::uuid";
    let queries = [
        (due, "deliveries_due"),
        (
            format!(
                "SELECT min(position) FROM deliveries WHERE webhook = {webhook} AND subject = {webhook} AND state = 'waiting'"
            ),
            "deliveries_in_line",
        ),
        (
            format!(
                "SELECT * FROM deliveries WHERE webhook = {webhook} AND position < 25000 ORDER BY position DESC LIMIT 20"
            ),
            "deliveries_by_position",
        ),
        (
            format!(
                "SELECT * FROM deliveries WHERE webhook = {webhook} AND position < 25000 AND state = 'dead' \
                 ORDER BY position DESC LIMIT 20"
            ),
            "deliveries_by_state",
        ),
        (
            "SELECT id FROM deliveries WHERE state = 'dead' AND ended_ms IS NOT NULL AND ended_ms <= 5 \
             ORDER BY ended_ms LIMIT 5 FOR UPDATE SKIP LOCKED"
                .to_owned(),
            "deliveries_by_end",
        ),
    ];
    for (query, index) in queries {
        let explained = format!("SET search_path = dragoman_shared; EXPLAIN {query}");
        let plan = SERVER.sql(name(&url), &explained).unwrap();
        assert!(plan.contains(index) && !plan.contains("Seq Scan on deliveries"), "{index}: {plan}");
    }
}
