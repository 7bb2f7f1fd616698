//! The deliveries on a real disk: what the kit cannot know.

use super::{DUE, SqliteDeliveryStore};
use crate::{SqliteMemoStore, StoreError};
use application::{
    ports::{
        delivery_store::{
            Attempt, AttemptEnding, DeliveryBatch, DeliveryState, DeliveryStore, DeliveryStoreError, NewDelivery, Next,
            Source,
        },
        event_log::Tenant,
    },
    testing::{MemoryKeyVault, delivery_store_kit},
};
use domain::value::{Timestamp, WebhookId};
use sqlx::Row as _;
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);
const WEBHOOK: WebhookId = WebhookId(Uuid::from_u128(1));

async fn open(folder: &Path) -> SqliteDeliveryStore {
    SqliteDeliveryStore::open(&folder.join("webhooks.db")).await.unwrap()
}

/// So many deliveries, two to a line.
fn batch(from: u64, count: u64) -> DeliveryBatch {
    let new = |position: u64| NewDelivery {
        id: Uuid::from_u128(u128::from(position)),
        webhook: WEBHOOK,
        tenant: Tenant::default(),
        event: Uuid::from_u128(u128::from(position)),
        kind: "dubbing.queued".to_owned(),
        position,
        subject: Uuid::from_u128(u128::from(position / 2)),
        body: "{}".to_owned(),
    };
    let to = from + count;
    DeliveryBatch { source: Source::Log, from, to, deliveries: (from + 1..=to).map(new).collect(), now: NOW }
}

#[tokio::test]
async fn keeps_the_promises_of_the_port() {
    delivery_store_kit::run(|| async {
        let folder = TempDir::new().unwrap();
        (Arc::new(open(folder.path()).await) as Arc<dyn DeliveryStore>, folder)
    })
    .await;
}

#[tokio::test]
async fn what_was_kept_is_there_when_the_file_is_opened_again() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    store.enqueue(batch(0, 10)).await.unwrap();
    store.replay(&Tenant::default(), WEBHOOK, 4, u64::MAX).await.unwrap();
    let attempt = Attempt { at: NOW, took_ms: 3, status: None, ending: AttemptEnding::Unreachable };
    store.outcome(Uuid::from_u128(2), &attempt, Next::RetryAt(NOW.plus_ms(5))).await.unwrap();
    let (due, replays) = (store.due(NOW, 9, 9).await.unwrap(), store.replays().await.unwrap());
    let kept = store.delivery(WEBHOOK, Uuid::from_u128(2)).await.unwrap();
    store.close().await;

    let store = open(folder.path()).await;
    assert_eq!((store.checkpoint().await.unwrap(), replays.len()), (10, 1));
    assert_eq!((store.due(NOW, 9, 9).await.unwrap(), store.replays().await.unwrap()), (due, replays));
    assert_eq!(store.delivery(WEBHOOK, Uuid::from_u128(2)).await.unwrap(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_move_on_at_once_one_does() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open(folder.path()).await);
    for round in 0..10 {
        let from = round * 3;
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.enqueue(batch(from, 3)).await })
            })
            .collect();
        let mut moved = 0;
        for one in tries {
            match one.await.unwrap() {
                Ok(()) => moved += 1,
                Err(error) => assert!(matches!(error, DeliveryStoreError::Moved), "{error:?}"),
            }
        }
        assert_eq!((moved, store.checkpoint().await.unwrap()), (1, from + 3));
    }
    let readers = store.file_for_tests().readers();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM deliveries").fetch_one(readers).await.unwrap();
    let heads: i64 =
        sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE is_head = 1").fetch_one(readers).await.unwrap();
    assert_eq!((rows, heads), (30, 16), "one head in each line");
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("memos.db");
    SqliteMemoStore::open(&path, Arc::new(MemoryKeyVault::new(1))).await.unwrap().close().await;
    assert!(matches!(SqliteDeliveryStore::open(&path).await, Err(StoreError::Foreign { .. })));
}

/// However long the history is, what is asked for often is found by an index.
#[tokio::test]
async fn nothing_is_looked_for_among_everything() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let queries = [
        (DUE, "deliveries_due"),
        (
            "SELECT min(position) FROM deliveries WHERE webhook = 'a' AND subject = 'b' AND state = 'waiting'",
            "deliveries_in_line",
        ),
        (
            "SELECT * FROM deliveries WHERE webhook = 'a' AND position < 5 ORDER BY position DESC",
            "deliveries_by_position",
        ),
        (
            "SELECT * FROM deliveries WHERE webhook = 'a' AND position < 5 AND state = 'dead' ORDER BY position DESC",
            "deliveries_by_state",
        ),
        (
            "SELECT rowid FROM deliveries WHERE state = 'dead' AND ended_ms IS NOT NULL AND ended_ms <= 5 \
             ORDER BY ended_ms LIMIT 5",
            "deliveries_by_end",
        ),
    ];
    for (query, index) in queries {
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let steps = sqlx::query(explained).fetch_all(store.file_for_tests().readers()).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains("SEARCH") && step.contains(index)), "{index}: {steps:?}");
        assert!(!steps.iter().any(|step| step.contains("SCAN deliveries") || step.contains("SCAN head")), "{steps:?}");
    }
}

#[tokio::test]
async fn a_row_of_another_shape_is_told_and_not_skipped() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    store.enqueue(batch(0, 1)).await.unwrap();
    let writer = store.file_for_tests().writer().unwrap();
    sqlx::query("UPDATE deliveries SET attempts = '[{}]'").execute(writer).await.unwrap();
    let error = store.due(NOW, 9, 9).await.unwrap_err();
    assert!(matches!(error, DeliveryStoreError::Unavailable(_)), "{error:?}");
    assert_eq!(DeliveryState::ALL.map(|state| DeliveryState::of_name(state.name())), DeliveryState::ALL.map(Some));
}
