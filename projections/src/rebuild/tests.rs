//! Rebuilds end with the same rows, whatever comes in between.

use super::{Diff, Pace, Rebuild, RebuildError, Side};
use crate::{
    Invalidation, Projection, all,
    jobs::Jobs,
    tests::{
        Models, folded,
        hooked::{Call, Hooked},
        models, runner,
    },
    tracks::Tracks,
    utterances::Utterances,
};
use application::{
    ports::{
        event_log::Recorded,
        read_store::{Batch, ReadStore, ReadStoreError, Row, RowKey},
        shadow_store::{ShadowStore, Standing},
    },
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use futures::FutureExt;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use serde_json::json;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

fn silent(_: Pace) {}

struct House {
    log: Arc<RecordedLog>,
    store: Arc<MemoryReadStore>,
}

impl House {
    /// With live rows of these events.
    async fn of(events: &[Recorded]) -> Self {
        let (log, store) = (Arc::new(RecordedLog::new(events.to_vec())), Arc::new(MemoryReadStore::new()));
        runner(&log, &store).catch_up().await.unwrap();
        Self { log, store }
    }

    fn rebuild(&self) -> Rebuild {
        Rebuild::new(self.log.clone(), self.store.clone(), self.store.clone())
    }

    fn hooked(&self, hook: impl Fn(Call) -> Result<(), ReadStoreError> + Send + Sync + 'static) -> Rebuild {
        let store = Hooked::new(&self.store, hook);
        Rebuild::new(self.log.clone(), store.clone(), store)
    }

    async fn rows(&self) -> Models {
        models(&*self.store).await
    }

    async fn standing(&self, projection: &dyn Projection) -> Standing {
        self.store.standing(projection.name(), projection.table()).await.unwrap()
    }

    /// Writes live rows that no fold would write.
    async fn tamper(&self, projection: &dyn Projection, upserts: Vec<Row>, deletes: Vec<RowKey>) {
        let (name, table) = (projection.name(), projection.table());
        let at = self.store.checkpoint(name).await.unwrap();
        self.store.apply(Batch { projection: name, from: at, to: at, table, upserts, deletes }).await.unwrap();
    }
}

fn jobs() -> Arc<dyn Projection> {
    Arc::new(Jobs)
}

#[tokio::test]
async fn a_shadow_is_the_same_takes_the_live_rows_place_and_can_be_undone() {
    let story = Story::of_events(31, 3, 1_200);
    let house = House::of(&story.events()[..1_000]).await;
    let expected = folded(story.events()).await;
    house.log.push(story.events()[1_000..].iter().cloned());
    for projection in all() {
        let rebuild = house.rebuild().with_batch(300);
        let head = story.events().len() as u64;
        assert_eq!(rebuild.shadow(std::slice::from_ref(&projection), &silent).await.unwrap(), head);
        let diff = rebuild.diff(&projection, 10, &silent).await.unwrap();
        let rows = expected[projection.name()].len() as u64;
        assert_eq!(diff, Diff { at: head, same: rows, ..Diff::default() }, "{}", projection.name());
        assert_eq!(rebuild.swap(&projection, &silent).await.unwrap(), head);
        let after = house.standing(&*projection).await;
        assert_eq!(after, Standing { live: head, shadow: None, before: Some(head) });
        assert_eq!(house.rows().await[projection.name()], expected[projection.name()]);
        assert_eq!(rebuild.roll_back(&projection, &silent).await.unwrap(), head);
        assert_eq!(house.standing(&*projection).await, Standing { live: head, shadow: None, before: None });
    }
    assert_eq!(house.rows().await, expected);
}

#[tokio::test]
async fn rows_that_differ_are_counted_and_named_column_by_column() {
    let story = Story::of_events(32, 4, 1_500);
    let house = House::of(story.events()).await;
    let rebuild = house.rebuild();
    let utterances: Arc<dyn Projection> = Arc::new(Utterances);
    rebuild.shadow(std::slice::from_ref(&utterances), &silent).await.unwrap();
    let rows = house.rows().await.remove("utterances").unwrap();
    assert!(rows.len() > 50, "a poor story");
    let (mut changed, mut added) = (rows[7].clone(), rows[9].clone());
    changed.insert("state".to_owned(), json!("nonsense"));
    added.insert("utterance".to_owned(), json!(99_999));
    let gone = crate::key::of_row(Utterances.table().key, &rows[40]);
    house.tamper(&Utterances, vec![changed, added.clone()], vec![gone.clone()]).await;
    for rows_at_a_time in [1, 7, 10_000] {
        let rebuild = house.rebuild().with_batch(rows_at_a_time);
        let diff = rebuild.diff(&utterances, 2, &silent).await.unwrap();
        assert!(!diff.is_none());
        assert_eq!((diff.changed, diff.only_live, diff.only_shadow), (1, 1, 1), "{rows_at_a_time} at a time");
        assert_eq!(diff.same, rows.len() as u64 - 2, "{rows_at_a_time} at a time");
        assert_eq!(diff.samples.len(), 2, "no more than were asked for");
    }
    let whole = rebuild.diff(&utterances, 100, &silent).await.unwrap().samples;
    let of = |key: &RowKey| whole.iter().find(|sample| sample.key == *key).map(|sample| &sample.side);
    let column = vec![("state", json!("nonsense"), rows[7]["state"].clone())];
    assert_eq!(of(&crate::key::of_row(Utterances.table().key, &rows[7])), Some(&Side::Both(column)));
    assert_eq!(of(&crate::key::of_row(Utterances.table().key, &added)), Some(&Side::Live));
    assert_eq!(of(&gone), Some(&Side::Shadow));
    // Swapped, the rows are right; undone, they are as they were.
    rebuild.swap(&utterances, &silent).await.unwrap();
    assert_eq!(house.rows().await["utterances"], rows);
    rebuild.roll_back(&utterances, &silent).await.unwrap();
    assert_ne!(house.rows().await["utterances"], rows);
    rebuild.in_place(std::slice::from_ref(&utterances), &silent).await.unwrap();
    assert_eq!(house.rows().await["utterances"], rows);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let house = House::of(Story::of_events(33, 1, 100).events()).await;
    let (rebuild, jobs) = (house.rebuild(), jobs());
    assert!(matches!(rebuild.diff(&jobs, 1, &silent).await, Err(RebuildError::NoShadow("jobs"))));
    assert!(matches!(rebuild.swap(&jobs, &silent).await, Err(RebuildError::NoShadow("jobs"))));
    assert!(matches!(rebuild.discard(&jobs).await, Err(RebuildError::NoShadow("jobs"))));
    assert!(matches!(rebuild.roll_back(&jobs, &silent).await, Err(RebuildError::NothingBefore("jobs"))));
    rebuild.shadow(std::slice::from_ref(&jobs), &silent).await.unwrap();
    rebuild.discard(&jobs).await.unwrap();
    assert!(matches!(rebuild.swap(&jobs, &silent).await, Err(RebuildError::NoShadow("jobs"))));
    let models = rebuild.list().await.unwrap();
    assert_eq!(models.len(), all().len());
    assert!(models.iter().all(|model| model.standing.live == model.head && model.parked.is_empty()));
    assert_eq!(models[0].rows, 1);
}

/// Hears which tables are to be read anew, and which rows changed.
#[derive(Default)]
struct Heard {
    forgotten: Mutex<Vec<&'static str>>,
    touched: AtomicUsize,
}

impl Invalidation for Heard {
    fn touched(&self, _table: &'static str, _keys: &[RowKey], _position: u64) {
        self.touched.fetch_add(1, Ordering::SeqCst);
    }

    fn forgotten(&self, table: &'static str) {
        self.forgotten.lock().unwrap().push(table);
    }
}

#[tokio::test]
async fn nobody_hears_of_a_shadow_and_nothing_else_is_written() {
    let story = Story::of_events(34, 2, 600);
    let house = House::of(story.events()).await;
    let before = house.rows().await;
    let rebuild = house.hooked(|call| {
        let writes = ["apply", "apply_all", "reset", "swap", "roll_back"].contains(&call.name);
        assert!(call.of_shadows || !writes, "{call:?}");
        Ok(())
    });
    rebuild.shadow(&all(), &silent).await.unwrap();
    assert_eq!(house.rows().await, before);
    let heard = Arc::new(Heard::default());
    let serving = runner(&house.log, &house.store).telling(heard.clone());
    serving.catch_up().await.unwrap();
    heard.forgotten.lock().unwrap().clear();
    house.rebuild().shadow(&[jobs()], &silent).await.unwrap();
    serving.catch_up().await.unwrap();
    assert_eq!((heard.touched.load(Ordering::SeqCst), heard.forgotten.lock().unwrap().clone()), (0, vec![]));
}

#[tokio::test]
async fn a_swap_by_another_process_is_noticed_though_no_checkpoint_moved() {
    let story = Story::of_events(35, 2, 800);
    let house = House::of(&story.events()[..700]).await;
    let heard = Arc::new(Heard::default());
    let serving = runner(&house.log, &house.store).telling(heard.clone());
    serving.catch_up().await.unwrap();
    let rebuild = house.rebuild();
    let changes: [&dyn Fn() -> bool; 2] =
        [&|| rebuild.swap(&jobs(), &silent).now_or_never().is_some_and(|done| done.is_ok()), &|| {
            rebuild.roll_back(&jobs(), &silent).now_or_never().is_some_and(|done| done.is_ok())
        }];
    rebuild.shadow(&[jobs()], &silent).await.unwrap();
    for change in changes {
        heard.forgotten.lock().unwrap().clear();
        assert!(change());
        serving.catch_up().await.unwrap();
        assert!(heard.forgotten.lock().unwrap().contains(&"jobs"));
    }
}

/// The live rows are wrong, and their runner has loaded them when they are swapped for right ones.
#[tokio::test]
async fn rows_of_before_a_swap_are_never_written_over_those_of_after_it() {
    let story = Story::of_events(36, 2, 800);
    let house = House::of(&story.events()[..600]).await;
    let wrong: Vec<Row> = house.rows().await["jobs"]
        .iter()
        .map(|row| row.clone().into_iter().chain([("priority".to_owned(), json!("nonsense"))]).collect())
        .collect();
    house.tamper(&Jobs, wrong, vec![]).await;
    house.rebuild().shadow(&[jobs()], &silent).await.unwrap();
    let (is_done, store) = (AtomicBool::new(false), house.store.clone());
    let swapping = Hooked::new(&house.store, move |call| {
        if call.name == "load" && call.is_done && !is_done.swap(true, Ordering::SeqCst) {
            let swapped = store.swap("jobs", Jobs.table(), 600).now_or_never();
            assert!(matches!(swapped, Some(Ok(()))), "{swapped:?}");
        }
        Ok(())
    });
    house.log.push(story.events()[600..].iter().cloned());
    crate::Runner::new(house.log.clone(), swapping).catch_up().await.unwrap();
    assert_eq!(house.rows().await, folded(story.events()).await);
}

/// Everything that can be done to a read model by hand.
async fn everything(rebuild: &Rebuild, projection: &Arc<dyn Projection>) -> Result<(), RebuildError> {
    let only = std::slice::from_ref(projection);
    rebuild.shadow(only, &silent).await?;
    rebuild.diff(projection, 5, &silent).await?;
    rebuild.swap(projection, &silent).await?;
    rebuild.list().await?;
    rebuild.roll_back(projection, &silent).await?;
    rebuild.shadow(only, &silent).await?;
    rebuild.discard(projection).await?;
    rebuild.in_place(only, &silent).await.map(|_| ())
}

#[tokio::test]
async fn whichever_call_fails_live_rows_stay_right_and_it_can_be_done_again() {
    let story = Story::of_events(37, 2, 500);
    let expected = folded(story.events()).await;
    let projection: Arc<dyn Projection> = Arc::new(Tracks);
    let mut calls = 0;
    loop {
        let house = House::of(story.events()).await;
        let count = AtomicUsize::new(0);
        let failing = house.hooked(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            count if count < calls => Ok(()),
            _ => Err(ReadStoreError::Unavailable("killed".into())),
        });
        let outcome = everything(&failing.with_batch(200), &projection).await;
        // Whoever serves goes on, and does not mind.
        runner(&house.log, &house.store).catch_up().await.unwrap();
        assert_eq!(house.rows().await, expected, "call {calls} failed");
        everything(&house.rebuild(), &projection).await.unwrap();
        assert_eq!(house.rows().await, expected, "after call {calls} failed");
        calls += 1;
        if outcome.is_ok() {
            break;
        }
    }
    assert!(calls > 150, "{calls} calls");
}

/// A store that asks its server again when an answer was lost is told that the checkpoints are elsewhere by now.
#[tokio::test]
async fn a_swap_whose_answer_was_lost_is_done() {
    let house = House::of(Story::of_events(40, 1, 200).events()).await;
    let rebuild = house.hooked(|call| match (call.name, call.is_done) {
        ("swap", true) => Err(ReadStoreError::CheckpointMoved { projection: "jobs" }),
        _ => Ok(()),
    });
    let head = rebuild.shadow(&[jobs()], &silent).await.unwrap();
    assert_eq!(rebuild.swap(&jobs(), &silent).await.unwrap(), head);
    assert_eq!(house.standing(&Jobs).await, Standing { live: head, shadow: None, before: Some(head) });
}

#[tokio::test(flavor = "multi_thread")]
async fn live_rows_may_move_on_all_the_while() {
    let story = Story::of_events(38, 3, 2_500);
    let house = House::of(&story.events()[..1_000]).await;
    let serving = tokio::spawn({
        let runner = runner(&house.log, &house.store);
        async move { runner.run().await }
    });
    let writing = tokio::spawn({
        let (log, events) = (house.log.clone(), story.events()[1_000..].to_vec());
        async move {
            for event in events {
                log.push([event]);
                tokio::task::yield_now().await;
            }
        }
    });
    let rebuild = house.rebuild().with_batch(200);
    for projection in all() {
        rebuild.shadow(std::slice::from_ref(&projection), &silent).await.unwrap();
        assert!(rebuild.diff(&projection, 5, &silent).await.unwrap().is_none(), "{}", projection.name());
        rebuild.swap(&projection, &silent).await.unwrap();
    }
    writing.await.unwrap();
    rebuild.roll_back(&jobs(), &silent).await.unwrap();
    serving.abort();
    runner(&house.log, &house.store).catch_up().await.unwrap();
    assert_eq!(house.rows().await, folded(story.events()).await);
}

#[tokio::test]
async fn it_says_how_far_it_is() {
    let story = Story::of_events(39, 2, 500);
    let house = House::of(story.events()).await;
    let told = Mutex::new(Vec::new());
    house.rebuild().shadow(&[jobs()], &|pace| told.lock().unwrap().push(pace)).await.unwrap();
    let told = told.into_inner().unwrap();
    let end = told.last().unwrap();
    let head = story.events().len() as u64;
    assert!(end.is_done);
    assert_eq!((end.done, end.position, end.end), (head, head, head));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened, however it was cut into steps: rows folded anew are those folded live, bit for bit.
    #[test]
    fn rows_folded_anew_equal_those_folded_live(seed in any::<u64>(), jobs in 1u128..4, step in 1usize..90, batch in 1usize..700) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let story = Story::of_events(seed, jobs, 700);
            let house = House::of(&[]).await;
            for some in story.events().chunks(step) {
                house.log.push(some.iter().cloned());
                runner(&house.log, &house.store).catch_up().await.unwrap();
            }
            let live = house.rows().await;
            house.rebuild().with_batch(batch).shadow(&all(), &silent).await.unwrap();
            for projection in all() {
                house.rebuild().swap(&projection, &silent).await.unwrap();
            }
            prop_assert_eq!(house.rows().await, live);
            Ok(())
        })?;
    }
}
