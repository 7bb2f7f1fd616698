//! The store on a real disk: what the kits cannot know.

mod columns;
mod plans;
mod postgres;
mod postgres_faults;
mod postgres_plans;
mod postgres_schema;
mod read_models_doc;
mod shadows;
mod snapshots;

use crate::{SqliteMemoStore, SqliteReadStore, StoreError};
use application::{
    ports::{
        event_log::{EventLog, Recorded},
        key_vault::KeyVault,
        memo_store::MemoStore,
        read_store::{Batch, ReadStore, ReadStoreError, Row},
    },
    testing::{
        MemoryKeyVault, MemoryReadStore, RecordedLog, memo_store_kit,
        read_store_kit::{self, Sample},
        story::{Random, SECRET, Story},
    },
};
use domain::value::{DubbingId, Sha256};
use projections::{Runner, utterances};
use serde_json::{Value, json};
use sqlx::{Connection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};
use tempfile::TempDir;
use uuid::Uuid;

fn sample_row(number: u32, version: u32) -> Row {
    let mut row: Row = utterances::TABLE.columns.iter().map(|column| ((*column).to_owned(), Value::Null)).collect();
    row.insert("job_id".to_owned(), json!("job"));
    row.insert("language".to_owned(), json!(if number.is_multiple_of(2) { "es" } else { "" }));
    row.insert("utterance".to_owned(), json!(number));
    row.insert("state".to_owned(), json!(format!("“{version}” 'x' \" ; --\n")));
    row.insert("shift_ms".to_owned(), json!(-i64::from(version)));
    row.insert("start_ms".to_owned(), json!(i64::MAX));
    row.insert("needs_attention".to_owned(), json!(version.is_multiple_of(2)));
    row.insert("flags".to_owned(), json!(""));
    row
}

const SAMPLE: Sample = Sample { table: &utterances::TABLE, row: sample_row, text: "state", number: "shift_ms" };

async fn opened(folder: &Path) -> SqliteReadStore {
    SqliteReadStore::open(&folder.join("read.db")).await.unwrap()
}

/// A connection of somebody else to a file.
async fn beside(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path).create_if_missing(true)).await.unwrap()
}

async fn run_sql(path: &Path, sql: &'static str) {
    let mut connection = beside(path).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn models(store: &dyn ReadStore) -> BTreeMap<&'static str, Vec<Row>> {
    let mut models = BTreeMap::new();
    for projection in projections::all() {
        models.insert(projection.name(), store.query(projection.table(), &[]).await.unwrap());
    }
    models
}

async fn folded(events: &[Recorded]) -> BTreeMap<&'static str, Vec<Row>> {
    let store = Arc::new(MemoryReadStore::new());
    let log = Arc::new(RecordedLog::new(events.to_vec()));
    Runner::new(log, Arc::clone(&store) as Arc<dyn ReadStore>).catch_up().await.unwrap();
    models(&*store).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let make = || async {
        let folder = TempDir::new().unwrap();
        (Arc::new(opened(folder.path()).await) as Arc<dyn ReadStore>, folder)
    };
    read_store_kit::run(make, SAMPLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memos_keep_the_promises_of_the_port() {
    let make = |vault| async {
        let folder = TempDir::new().unwrap();
        let store = SqliteMemoStore::open(&folder.path().join("memo.db"), vault).await.unwrap();
        (Arc::new(store) as Arc<dyn MemoStore>, folder)
    };
    memo_store_kit::run(make).await;
}

/// Every projection finds the table that it describes.
#[tokio::test]
async fn the_schema_is_what_the_projections_describe() {
    let folder = TempDir::new().unwrap();
    opened(folder.path()).await.close().await;
    let mut connection = beside(&folder.path().join("read.db")).await;
    for projection in projections::all() {
        let table = projection.table();
        let found = sqlx::query("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")
            .bind(table.name)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let columns: Vec<(String, i64)> = found.iter().map(|row| (row.get("name"), row.get("pk"))).collect();
        let place = |column: &str| table.key.iter().position(|key| *key == column).map_or(0, |place| place as i64 + 1);
        let described: Vec<_> = table.columns.iter().map(|column| ((*column).to_owned(), place(column))).collect();
        assert_eq!(columns, described, "{}", table.name);
    }
}

#[tokio::test]
async fn rows_equal_those_in_memory_live_and_folded_anew() {
    for seed in 20..23 {
        let story = Story::of_events(seed, 3, 900);
        let folder = TempDir::new().unwrap();
        let store = Arc::new(opened(folder.path()).await);
        let log = Arc::new(RecordedLog::new(vec![]));
        let runner = Runner::new(Arc::clone(&log) as Arc<dyn EventLog>, Arc::clone(&store) as Arc<dyn ReadStore>);
        let mut random = Random::new(seed);
        let mut rest = story.events();
        while !rest.is_empty() {
            let (some, later) = rest.split_at(rest.len().min(1 + random.below(90) as usize));
            log.push(some.iter().cloned());
            rest = later;
            runner.catch_up().await.unwrap();
        }
        let live = models(&*store).await;
        assert_eq!(live, folded(story.events()).await, "live");
        runner.rebuild().await.unwrap();
        assert_eq!(models(&*store).await, live, "anew");
        // What a reader beside the owner sees, and the owner after opening again.
        let reader = SqliteReadStore::open_read_only(&folder.path().join("read.db")).await.unwrap();
        assert_eq!(models(&reader).await, live);
        store.close().await;
        let again = opened(folder.path()).await;
        assert_eq!(again.checkpoint("jobs").await.unwrap(), story.events().len() as u64);
        assert_eq!(models(&again).await, live);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_make_the_file_at_once() {
    const OWNERS: usize = 4;
    for _ in 0..200 {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("read.db");
        let start = Arc::new(tokio::sync::Barrier::new(OWNERS));
        let owner = || {
            let (path, start) = (path.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                SqliteReadStore::open(&path).await.map(drop)
            })
        };
        let owners: Vec<_> = (0..OWNERS).map(|_| owner()).collect();
        for owner in owners {
            owner.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn readers_change_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("read.db");
    assert!(matches!(SqliteReadStore::open_read_only(&path).await, Err(StoreError::Absent { .. })));
    assert!(!path.exists(), "looking makes no file");
    let owner = opened(folder.path()).await;
    let reader = SqliteReadStore::open_read_only(&path).await.unwrap();
    let batch = Batch {
        projection: "one",
        from: 0,
        to: 1,
        table: &utterances::TABLE,
        upserts: vec![sample_row(1, 1)],
        deletes: vec![],
    };
    assert!(matches!(reader.apply(batch.clone()).await, Err(ReadStoreError::Unavailable(_))));
    assert!(reader.reset("one", &utterances::TABLE).await.is_err());
    owner.apply(batch).await.unwrap();
    assert_eq!(reader.query(&utterances::TABLE, &[]).await.unwrap(), [sample_row(1, 1)]);
}

#[tokio::test]
async fn files_are_for_their_owner_only() {
    let folder = TempDir::new().unwrap();
    let store = opened(folder.path()).await;
    store.reset("one", &utterances::TABLE).await.unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn other_files_are_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("read.db");
    let message = |error: &StoreError| error.to_string();

    opened(folder.path()).await.close().await;
    run_sql(&path, "PRAGMA user_version = 99").await;
    let newer = SqliteReadStore::open(&path).await.unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }), "{newer}");
    assert!(message(&newer).contains("99") && message(&newer).contains("newer program"), "{newer}");
    assert!(matches!(SqliteReadStore::open_read_only(&path).await, Err(StoreError::Newer { .. })));

    run_sql(&path, "PRAGMA user_version = 0").await;
    let older = SqliteReadStore::open_read_only(&path).await.unwrap_err();
    assert!(matches!(older, StoreError::Older { found: 0, .. }), "{older}");

    let memos = SqliteMemoStore::open(&path, Arc::new(MemoryKeyVault::new(1))).await.err().unwrap();
    assert!(matches!(memos, StoreError::Foreign { .. }), "read models are no memos: {memos}");

    let foreign = folder.path().join("foreign.db");
    run_sql(&foreign, "CREATE TABLE mine (x)").await;
    assert!(matches!(SqliteReadStore::open(&foreign).await, Err(StoreError::Foreign { .. })));

    let text = folder.path().join("letter.txt");
    let letter = "Dear reader, this is no database. ".repeat(200);
    fs::write(&text, &letter).unwrap();
    let damaged = SqliteReadStore::open(&text).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
    assert_eq!(fs::read_to_string(&text).unwrap(), letter);
    let nowhere = SqliteReadStore::open(&folder.path().join("no/such/folder.db")).await.unwrap_err();
    assert!(matches!(nowhere, StoreError::Create { .. }), "{nowhere}");
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_the_last_step_whole() {
    let folder = TempDir::new().unwrap();
    let store = opened(folder.path()).await;
    let batch = |from: u64, to: u64, rows: std::ops::Range<u32>| Batch {
        projection: "one",
        from,
        to,
        table: &utterances::TABLE,
        upserts: rows.map(|number| sample_row(number, 1)).collect(),
        deletes: vec![],
    };
    store.apply(batch(0, 1, 0..10)).await.unwrap();
    // SQLite's own limit on the file stands for the disk's: the error is the same.
    let writer = store.file_for_tests().writer().unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(writer).await.unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 2));
    sqlx::raw_sql(limit).execute(writer).await.unwrap();
    let full = store.apply(batch(1, 2, 10..5_000)).await;
    assert!(matches!(full, Err(ReadStoreError::OutOfRoom)), "{full:?}");
    assert_eq!(store.checkpoint("one").await.unwrap(), 1);
    assert_eq!(store.query(&utterances::TABLE, &[]).await.unwrap().len(), 10);

    let room = sqlx::AssertSqlSafe("PRAGMA max_page_count = 1000000".to_owned());
    sqlx::raw_sql(room).execute(writer).await.unwrap();
    store.apply(batch(1, 2, 10..5_000)).await.unwrap();
    assert_eq!(store.query(&utterances::TABLE, &[]).await.unwrap().len(), 5_000);
}

/// Rows and checkpoint of one moment: a commit that is still under way may come between two reads, and then both are
/// read again.
async fn rows_and_checkpoint(store: &SqliteReadStore) -> (Vec<Row>, u64) {
    loop {
        let before = store.checkpoint("one").await.unwrap();
        let rows = store.query(&utterances::TABLE, &[]).await.unwrap();
        if store.checkpoint("one").await.unwrap() == before {
            return (rows, before);
        }
    }
}

/// Whoever applies a batch may be dropped at any moment: the batch is there or it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_caller_gives_up_is_whole_or_absent() {
    let folder = TempDir::new().unwrap();
    let store = opened(folder.path()).await;
    for round in 0..30_u64 {
        let from = store.checkpoint("one").await.unwrap();
        let batch = Batch {
            projection: "one",
            from,
            to: round + 1,
            table: &utterances::TABLE,
            upserts: (0..300).map(|number| sample_row(number, round as u32)).collect(),
            deletes: vec![],
        };
        let applying = tokio::spawn({
            let store = store.clone();
            async move { store.apply(batch).await }
        });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        applying.abort();
        let _gone_or_done = applying.await;
        // The next write waits for the one under way, if there is one.
        store.reset("nobody", &projections::jobs::TABLE).await.unwrap();
        let (rows, at) = rows_and_checkpoint(&store).await;
        let versions: std::collections::BTreeSet<_> = rows.iter().map(|row| row["shift_ms"].to_string()).collect();
        assert_eq!(versions.len(), usize::from(at > 0), "rows of one batch only");
        assert!(versions.iter().all(|version| *version == format!("{}", 1 - at as i64)), "{versions:?} at {at}");
    }
}

#[tokio::test]
async fn memos_are_sealed_on_disk_and_survive_opening_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("memo.db");
    let (owner, other) = (DubbingId(Uuid::from_u128(1)), DubbingId(Uuid::from_u128(2)));
    let vault = Arc::new(MemoryKeyVault::new(1));
    vault.ensure(owner.0).unwrap();
    vault.ensure(other.0).unwrap();
    let key = Sha256::new([1; 32]);
    let store = SqliteMemoStore::open(&path, Arc::clone(&vault) as Arc<dyn KeyVault>).await.unwrap();
    store.remember(&key, owner, SECRET.repeat(1_000).as_bytes()).await.unwrap();
    store.close().await;
    for file in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "sealed");
    }
    let store = SqliteMemoStore::open(&path, Arc::clone(&vault) as Arc<dyn KeyVault>).await.unwrap();
    assert_eq!(store.recall(&key).await.unwrap(), Some(SECRET.repeat(1_000).into_bytes()));

    // Moved to another key or owner, or altered, it is a miss, and is made anew.
    let moved = "UPDATE memos SET key = '0202020202020202020202020202020202020202020202020202020202020202'";
    run_sql(&path, moved).await;
    let there = Sha256::new([2; 32]);
    assert_eq!(store.recall(&there).await.unwrap(), None);
    store.remember(&there, other, b"anew").await.unwrap();
    assert_eq!(store.recall(&there).await.unwrap().as_deref(), Some(&b"anew"[..]));
    for change in [
        "UPDATE memos SET owner = '00000000-0000-0000-0000-000000000001'",
        "UPDATE memos SET owner = 'nobody'",
        "UPDATE memos SET result = x'00'",
    ] {
        run_sql(&path, change).await;
        assert_eq!(store.recall(&there).await.unwrap(), None, "{change}");
        store.remember(&there, other, b"anew").await.unwrap();
        assert_eq!(store.recall(&there).await.unwrap().as_deref(), Some(&b"anew"[..]), "{change}");
    }
}
