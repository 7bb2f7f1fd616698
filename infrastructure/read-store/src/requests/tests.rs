//! The requests on a real disk: what the kit cannot know.

use super::SqliteRequestStore;
use crate::StoreError;
use application::{
    ports::{
        clock::{Clock, Ids},
        event_log::Tenant,
        key_vault::Key,
        request_store::{Answer, Begun, KEY_LIFETIME_MS, RequestIds, RequestStore, RequestStoreError},
    },
    testing::{CountedIds, ManualClock, request_store_kit},
};
use domain::value::Sha256;
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};
use tempfile::TempDir;

const ASKED: Sha256 = Sha256::new([7; 32]);
const SEAL: [u8; 32] = [5; 32];

/// A folder whose requests are opened again and again, with one clock and one row of ids.
struct House {
    folder: TempDir,
    clock: Arc<ManualClock>,
    ids: Arc<CountedIds>,
    tenant: Tenant,
}

impl House {
    fn new() -> Self {
        let (clock, ids) = (Arc::new(ManualClock::default()), Arc::new(CountedIds::default()));
        Self { folder: TempDir::new().unwrap(), clock, ids, tenant: Tenant::default() }
    }

    async fn open(&self) -> SqliteRequestStore {
        let (clock, ids) = (Arc::clone(&self.clock) as Arc<dyn Clock>, Arc::clone(&self.ids) as Arc<dyn Ids>);
        SqliteRequestStore::open(&self.folder.path().join("requests.db"), clock, ids, Key::new(SEAL)).await.unwrap()
    }

    async fn begin(&self, store: &SqliteRequestStore, key: &str) -> Begun {
        store.begin(&self.tenant, key, &ASKED).await.unwrap()
    }

    async fn begin_new(&self, store: &SqliteRequestStore, key: &str) -> RequestIds {
        match self.begin(store, key).await {
            Begun::New(ids) => ids,
            other => panic!("{key} is not new: {other:?}"),
        }
    }

    async fn finish(&self, store: &SqliteRequestStore, key: &str, body: &[u8]) -> Answer {
        let answer = Answer { status: 201, headers: vec![("etag".into(), "\"1\"".into())], body: body.to_vec() };
        store.finish(&self.tenant, key, &answer).await.unwrap();
        answer
    }
}

async fn rows(store: &SqliteRequestStore) -> i64 {
    let readers = store.file_for_tests().readers();
    sqlx::query_scalar("SELECT count(*) FROM requests").fetch_one(readers).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let make = |clock, ids| async {
        let folder = TempDir::new().unwrap();
        let store =
            SqliteRequestStore::open(&folder.path().join("requests.db"), clock, ids, Key::new(SEAL)).await.unwrap();
        (Arc::new(store) as Arc<dyn RequestStore>, folder)
    };
    request_store_kit::run(make).await;
}

/// A crash between a beginning and its end: the next process tries again under the same ids.
#[tokio::test]
async fn what_a_dead_process_left_running_begins_again_with_its_ids() {
    let house = House::new();
    let store = house.open().await;
    let left = house.begin_new(&store, "left").await;
    house.begin_new(&store, "answered").await;
    let answer = house.finish(&store, "answered", b"{}").await;
    drop(store);
    for _ in 0..3 {
        let store = house.open().await;
        assert_eq!(house.begin_new(&store, "left").await, left);
        assert_eq!(house.begin(&store, "left").await, Begun::Running, "now it is this process's");
        assert_eq!(house.begin(&store, "answered").await, Begun::Answered(answer.clone()));
        let other = store.begin(&house.tenant, "left", &Sha256::new([8; 32])).await.unwrap();
        assert_eq!(other, Begun::OtherRequest);
        store.close().await;
    }
}

#[tokio::test]
async fn what_is_past_its_time_is_removed_as_it_goes() {
    let house = House::new();
    let store = Arc::new(house.open().await);
    let begin = house.clock.now();
    for day in 0..3_u64 {
        house.clock.set(begin.plus_ms(day * KEY_LIFETIME_MS));
        for number in 0..300 {
            house.begin_new(&store, &format!("{day}, {number}")).await;
        }
        assert!(rows(&store).await <= 300, "only those of the last day are left");
    }
    house.clock.set(begin.plus_ms(9 * KEY_LIFETIME_MS));
    house.begin_new(&store, "last").await;
    assert_eq!(rows(&store).await, 1);
}

/// Who asks may vanish at any moment: the key never stays running for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_whose_asker_is_gone_may_begin_again() {
    let house = Arc::new(House::new());
    let store = Arc::new(house.open().await);
    for round in 0..60 {
        let key = format!("vanished {round}");
        let asking = tokio::spawn({
            let (house, store, key) = (Arc::clone(&house), Arc::clone(&store), key.clone());
            async move { house.begin(&store, &key).await }
        });
        for _ in 0..round % 20 {
            tokio::task::yield_now().await;
        }
        asking.abort();
        if let Ok(begun) = asking.await {
            assert!(matches!(begun, Begun::New(_)));
            continue;
        }
        // The writer lets it go in the group after the one that began it.
        let mut tries = 0;
        while !matches!(house.begin(&store, &key).await, Begun::New(_)) {
            tries += 1;
            assert!(tries < 1_000, "{key} stays running");
        }
    }
}

#[tokio::test]
async fn keys_are_not_written_down_and_the_file_is_its_owners() {
    let house = House::new();
    let store = house.open().await;
    let key = "ana.diaz@example.org 2026-01-31";
    house.begin_new(&store, key).await;
    house.finish(&store, key, b"{}").await;
    for file in fs::read_dir(house.folder.path()).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{path:?}");
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(8).any(|window| window == &key.as_bytes()[..8]), "{path:?}");
    }
    store.close().await;
    let closed = store.begin(&house.tenant, "late", &ASKED).await;
    assert!(matches!(closed, Err(RequestStoreError::Unavailable(_))), "{closed:?}");
}

/// Limits the file, for the connection at hand and for those to come.
async fn limit_pages(writer: &SqlitePool, pages: i64) {
    let options = SqliteConnectOptions::clone(&writer.connect_options());
    writer.set_connect_options(options.pragma("max_page_count", pages.to_string()));
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::raw_sql(limit).execute(writer).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_said_and_what_fits_goes_on() {
    let house = House::new();
    let store = house.open().await;
    let first = house.begin_new(&store, "first").await;
    // SQLite's own limit on the file stands for the disk's: the error is the same.
    let writer = store.file_for_tests().writer().unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(writer).await.unwrap();
    limit_pages(writer, pages + 2).await;
    let large = Answer { status: 200, headers: vec![], body: vec![1; 1 << 20] };
    // Together in one group: the large one is refused, the others are not hurt.
    let (full, small) = tokio::join!(store.finish(&house.tenant, "first", &large), house.begin(&store, "small"));
    assert!(matches!(full, Err(RequestStoreError::OutOfRoom)), "{full:?}");
    assert!(matches!(small, Begun::New(_)));
    assert_eq!(house.begin(&store, "first").await, Begun::Running);
    store.abandon(&house.tenant, "first").await.unwrap();
    assert_eq!(house.begin_new(&store, "first").await, first);
    limit_pages(writer, 1_000_000).await;
    store.finish(&house.tenant, "first", &large).await.unwrap();
    assert_eq!(house.begin(&store, "first").await, Begun::Answered(large));
}

#[tokio::test]
async fn answers_are_sealed_and_without_their_key_there_is_none() {
    let house = House::new();
    let store = house.open().await;
    let ids = house.begin_new(&store, "first").await;
    house.finish(&store, "first", b"Ada Lovelace").await;
    store.close().await;
    for file in fs::read_dir(house.folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(3).any(|window| window == b"Ada"), "what is kept names nobody");
    }
    let (clock, others) = (Arc::clone(&house.clock) as Arc<dyn Clock>, Arc::clone(&house.ids) as Arc<dyn Ids>);
    let path = house.folder.path().join("requests.db");
    let store = SqliteRequestStore::open(&path, clock, others, Key::new([6; 32])).await.unwrap();
    assert_eq!(house.begin_new(&store, "first").await, ids, "it begins again as what it was");
}

#[tokio::test]
async fn files_of_others_are_refused() {
    let house = House::new();
    let open = |path: std::path::PathBuf| {
        let (clock, ids) = (Arc::clone(&house.clock) as Arc<dyn Clock>, Arc::clone(&house.ids) as Arc<dyn Ids>);
        async move { SqliteRequestStore::open(&path, clock, ids, Key::new(SEAL)).await.err().unwrap() }
    };
    let read = house.folder.path().join("read.db");
    crate::SqliteReadStore::open(&read).await.unwrap().close().await;
    assert!(matches!(open(read).await, StoreError::Foreign { .. }));
    assert!(matches!(open(Path::new("/no/such/folder.db").to_owned()).await, StoreError::Create { .. }));
}
