//! Read models on a real PostgreSQL server.

use super::{models, sample_row};
use crate::{PostgresReadStore, tests::folded};
use application::{
    ports::{
        event_log::EventLog,
        read_store::{ReadStore, Row},
    },
    testing::{
        RecordedLog,
        read_store_kit::{self, Sample},
        story::{Random, Story},
    },
};
use projections::{Runner, utterances};
use scratch_postgres::ScratchPostgres;
use serde_json::json;
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU32, Ordering},
};

/// One server for all tests of this program; it ends with it.
pub(super) static SERVER: LazyLock<ScratchPostgres> =
    LazyLock::new(|| ScratchPostgres::start(&[("fsync", "off")]).expect("a server"));

/// The address of a fresh database.
pub(super) fn database() -> String {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    SERVER.database(&format!("read_{number}")).expect("a database")
}

/// As the sample of the other tests, with ids where ids belong.
pub(super) fn row(number: u32, version: u32) -> Row {
    let mut row = sample_row(number, version);
    row.insert("job_id".to_owned(), json!("01890a5d-ac96-774b-bcce-b302099a8057"));
    row.insert("updated_at".to_owned(), json!(format!("2026-11-{:02}T08:00:00.{:03}Z", number % 28 + 1, version)));
    row
}

const SAMPLE: Sample = Sample { table: &utterances::TABLE, row, text: "state", number: "shift_ms" };

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let make = || async {
        let store = PostgresReadStore::connect(&database()).await.expect("a store");
        (Arc::new(store) as Arc<dyn ReadStore>, ())
    };
    read_store_kit::run(make, SAMPLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_equal_those_in_memory_live_and_folded_anew() {
    for seed in 20..23 {
        let story = Story::of_events(seed, 3, 900);
        let url = database();
        let store = Arc::new(PostgresReadStore::connect(&url).await.unwrap());
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
        store.close().await;
        let again = PostgresReadStore::connect(&url).await.unwrap();
        assert_eq!(again.checkpoint("jobs").await.unwrap(), story.events().len() as u64);
        assert_eq!(models(&again).await, live);
    }
}
