//! What cannot be read or folded stops its own rows, and no others.

use super::{Models, all, folded, models};
use crate::{
    Beside, Projection, Runner, Touched,
    jobs::Jobs,
    parked::{self, ParkedKey, Reason},
    row::job_of,
};
use application::{
    ports::{
        event_log::{
            Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, Tenant,
        },
        read_store::{ReadStore, Row, RowKey, Table},
    },
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use async_trait::async_trait;
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::watch;
use uuid::Uuid;

/// The fold of jobs, with a bug: it does not take some events.
struct Broken(BTreeSet<u64>);

impl Projection for Broken {
    fn name(&self) -> &'static str {
        Jobs.name()
    }

    fn table(&self) -> &'static Table {
        Jobs.table()
    }

    fn touches(&self, event: &Recorded) -> Touched {
        Jobs.touches(event)
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        Jobs.rows_of(stream)
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, beside: &Beside<'_>) -> Option<Row> {
        assert!(!self.0.contains(&event.position), "a bug");
        Jobs.apply(row, key, event, beside)
    }
}

/// A log in which some events cannot be read.
struct Torn {
    log: RecordedLog,
    unreadable: BTreeSet<u64>,
}

#[async_trait]
impl EventLog for Torn {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.log.append(append).await
    }

    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        let page = self.log.read_log(after, limit).await?;
        match page.events.iter().find(|event| self.unreadable.contains(&event.position)) {
            None => Ok(page),
            Some(event) => Err(ReadError::Undecodable {
                position: event.position,
                event_type: event.event_type.clone(),
                stream: event.stream.to_string(),
                source: "of a newer program".into(),
            }),
        }
    }

    async fn find_outcome(&self, tenant: &Tenant, id: Uuid, stream: &StreamId) -> Result<Option<Appended>, ReadError> {
        self.log.find_outcome(tenant, id, stream).await
    }

    async fn head(&self) -> Result<u64, ReadError> {
        self.log.head().await
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.log.wakeups()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        self.log.verify().await
    }
}

async fn listed(store: &dyn ReadStore, projection: &str) -> Vec<ParkedKey> {
    let rows = store.query(&parked::TABLE, &[("projection", projection.into())]).await.unwrap();
    rows.iter().filter_map(ParkedKey::of_row).collect()
}

/// The row of a job as the events before a position make it; that of the end without one.
async fn job_before(events: &[Recorded], job: &Value, position: Option<u64>) -> Option<Row> {
    let until = position.map_or(events.len(), |position| usize::try_from(position).unwrap() - 1);
    let models = folded(&events[..until]).await;
    models["jobs"].iter().find(|row| row["job_id"] == *job).cloned()
}

/// Two events of different jobs, and what their jobs are.
fn victims(events: &[Recorded]) -> [(u64, Value); 2] {
    let of = |event: &Recorded| (event.position, job_of(&event.stream));
    let first = of(events[120..].iter().find(|event| !job_of(&event.stream).is_null()).unwrap());
    let is_other = |event: &&Recorded| ![&Value::Null, &first.1].contains(&&job_of(&event.stream));
    let second = of(events[400..].iter().find(is_other).unwrap());
    [first, second]
}

#[tokio::test]
async fn a_fold_with_a_bug_stops_the_rows_concerned_and_no_others() {
    let story = Story::of_events(21, 4, 1_000);
    let events = story.events();
    let victims = victims(events);
    for batch in [1, 7, 250, 10_000] {
        let (log, store) = (Arc::new(RecordedLog::new(events[..600].to_vec())), Arc::new(MemoryReadStore::new()));
        let broken: Arc<dyn Projection> = Arc::new(Broken(victims.iter().map(|(position, _)| *position).collect()));
        let runner = || {
            let (log, store) = (log.clone() as Arc<dyn EventLog>, store.clone() as Arc<dyn ReadStore>);
            Runner::new(log, store).with(vec![Arc::clone(&broken)]).with_batch(batch)
        };
        runner().catch_up().await.unwrap();
        // Another process goes on: it knows what is parked from the store.
        log.push(events[600..].iter().cloned());
        let later = runner();
        assert_eq!(later.catch_up().await.unwrap(), events.len() as u64);
        assert_eq!(later.parked(), 2);
        let listed = listed(&*store, "jobs").await;
        let mut found: Vec<_> = listed.iter().map(|key| (key.position, key.key[0].clone())).collect();
        found.sort_by_key(|(position, _)| *position);
        assert_eq!(found, victims, "in batches of {batch}");
        assert!(listed.iter().all(|key| key.reason == Reason::FoldFailed && !key.event_type.is_empty()));
        for id in story.dubbings().keys() {
            let job = Value::from(id.to_string());
            let stopped = victims.iter().find(|(_, victim)| *victim == job).map(|(position, _)| *position);
            let row = store.load(Jobs.table(), &[vec![job.clone()]]).await.unwrap().remove(0);
            assert_eq!(row, job_before(events, &job, stopped).await, "{job} in batches of {batch}");
        }
        // The bug is gone, and the rows are folded anew.
        let whole = Runner::new(log.clone(), store.clone());
        whole.rebuild().await.unwrap();
        assert_eq!((whole.parked(), self::listed(&*store, "jobs").await), (0, vec![]));
        assert_eq!(models(&*store).await, folded(events).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_stops_the_rows_of_its_stream_and_no_others() {
    let story = Story::of_events(22, 4, 1_000);
    let events = story.events();
    let victims = victims(events);
    // One of them follows another one that cannot be read.
    let unreadable: BTreeSet<u64> =
        victims.iter().map(|(position, _)| *position).chain([victims[1].0 + 1, 1_000]).collect();
    let whole = folded(events).await;
    let mut seen: Option<Models> = None;
    for batch in [1, 2, 64, 300, 10_000] {
        let log = Torn { log: RecordedLog::new(events.to_vec()), unreadable: unreadable.clone() };
        let store = Arc::new(MemoryReadStore::new());
        let runner = Runner::new(Arc::new(log), store.clone()).with_batch(batch);
        assert_eq!(runner.catch_up().await.unwrap(), events.len() as u64, "in batches of {batch}");
        let rows = models(&*store).await;
        let jobs = listed(&*store, "jobs").await;
        for (position, job) in &victims {
            assert!(jobs.iter().any(|key| (key.position, &key.key[0]) == (*position, job)), "{jobs:?}");
            let row = rows["jobs"].iter().find(|row| row["job_id"] == *job).cloned();
            assert_eq!(row, job_before(events, job, Some(*position)).await);
        }
        // Rows that are not parked are as if nothing had happened.
        for projection in all().iter().filter(|projection| projection.rows_of(&events[0].stream).is_some()) {
            let parked = listed(&*store, projection.name()).await;
            let is_parked = |row: &&Row| {
                let key = crate::key::of_row(projection.table().key, row);
                parked.iter().any(|parked| key.starts_with(&parked.key))
            };
            let free = |rows: &[Row]| rows.iter().filter(|row| !is_parked(row)).cloned().collect::<Vec<_>>();
            let name = projection.name();
            if name != "charges" {
                assert_eq!(free(&rows[name]), free(&whole[name]), "{name} in batches of {batch}");
            }
        }
        assert!(runner.parked() > victims.len());
        assert_eq!(seen.get_or_insert_with(|| rows.clone()), &rows, "in batches of {batch}");
    }
}
