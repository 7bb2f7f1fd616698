//! What operators do: pause a queue, skip a stage that is parked, replay a language from a stage on.

use super::{
    each_stage_once,
    house::{House, JOB},
    request::language,
    told::{Fault, Script, Told},
};
use application::{
    aggregates::{Aggregates, CommandError},
    commands::{
        control_dubbing::ControlError,
        control_queues::ControlQueues,
        regenerate_track::{RegenerateError, RegenerateTrack},
    },
    process_manager::Ending,
    stages::handler::{Done, StageError, TrackJob, TrackStage},
    worker::Handlers,
};
use async_trait::async_trait;
use domain::{
    dubbing::{DubbingRejection, Phase as Life},
    flow::{FlowRejection, Phase, SKIPPED_BY_OPERATOR, Scope, Stage, TABLE, needed_for, rows, with_followers},
    track::{TrackEvent, TrackRejection},
    value::TrackId,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// An operator at another process: nothing of what this one keeps in memory is theirs.
fn queues(house: &House) -> ControlQueues {
    let manager = house.manager();
    let aggregates = Arc::new(Aggregates::new(house.log()));
    ControlQueues { aggregates, queue: manager.queue, clock: manager.clock }
}

async fn pause(house: &House, stage: Stage) {
    let paused = queues(house).pause(stage, "a new engine is put in".to_owned(), &house.by_user()).await;
    assert!(paused.unwrap_or_else(|error| panic!("{error}")).is_some(), "it was not paused before");
}

async fn resume(house: &House, stage: Stage) {
    let resumed = queues(house).resume(stage, &house.by_user()).await;
    assert!(resumed.unwrap_or_else(|error| panic!("{error}")).is_some(), "it was paused");
}

/// Waits, by the clock of the test, until a stage stands in the log as requested.
async fn until_requested(house: &House, stage: Stage) {
    house.until("it is requested", async || matches!(house.phase(stage).await, Phase::Requested(_))).await;
}

async fn is_done(house: &House, stage: Stage) -> bool {
    matches!(house.phase(stage).await, Phase::Done | Phase::Skipped)
}

/// Long enough for everybody to look again many times, by the clock of the test.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_paused_queue_holds_every_row_back_and_spends_nothing() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        pause(&house, row.stage).await;
        let beside = async {
            until_requested(&house, row.stage).await;
            tokio::time::sleep(LONG).await;
            assert_eq!(house.calls(row.stage), 0, "{} is not begun", row.stage);
            let standing = queues(&house).list().await.unwrap_or_else(|error| panic!("{error}"));
            let standing = standing.into_iter().find(|queue| queue.stage == row.stage).expect("every stage has one");
            assert_eq!(standing.depth.ready + standing.depth.delayed + standing.depth.leased, 1, "{standing:?}");
            assert_eq!(standing.pause.expect("a pause").by, "test");
            resume(&house, row.stage).await;
        };
        let (ending, ()) = tokio::join!(house.drive(), beside);
        assert_eq!(ending, Ending::Settled, "{}", row.stage);
        each_stage_once(&house, &house.completions().await);
        let cell = house.cell(row.stage).await;
        assert_eq!((cell.attempt, cell.failures, cell.losses), (1, 0, 0), "{}", row.stage);
        assert_eq!(house.faults_of_log().await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_outlives_the_process_and_its_queue_and_other_stages_go_on() {
    let house = House::begin(&["es"]).await;
    pause(&house, Stage::Mix).await;
    tokio::select! {
        ending = house.drive() => panic!("{ending:?} while a queue is paused"),
        () = until_requested(&house, Stage::Mix) => {}
    }
    assert!(is_done(&house, Stage::Fit).await, "what comes before went on");
    let reborn = house.reborn();
    let beside = async {
        reborn.until("lips are done", async || is_done(&reborn, Stage::SyncLips).await).await;
        tokio::time::sleep(LONG).await;
        assert_eq!(reborn.calls(Stage::Mix), 0);
        resume(&reborn, Stage::Mix).await;
    };
    let (ending, ()) = tokio::join!(reborn.drive(), beside);
    assert_eq!(ending, Ending::Settled);
    each_stage_once(&reborn, &reborn.completions().await);
}

/// Works until it is told that it has finished.
struct Slow {
    begun: Arc<Semaphore>,
    end: Arc<Semaphore>,
}

#[async_trait]
impl TrackStage for Slow {
    async fn run(&self, _: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        self.begun.add_permits(1);
        let _end = self.end.acquire().await;
        Ok(Done::made(vec![], vec![]))
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_when_its_queue_is_paused_comes_to_its_end() {
    let (begun, end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let script = Arc::new(Script::default());
    let handlers = TABLE.iter().fold(Handlers::default(), |handlers, row| {
        let told = Told { stage: row.stage, script: Arc::clone(&script) };
        match row.scope {
            Scope::Dubbing => handlers.dubbing(row.stage, told),
            Scope::Track => handlers.track(row.stage, told),
        }
    });
    let slow = Slow { begun: Arc::clone(&begun), end: Arc::clone(&end) };
    let house = House::begin(&["es"]).await.with_handlers(handlers.track(Stage::Synthesise, slow));
    let beside = async {
        let _begun = begun.acquire().await;
        pause(&house, Stage::Synthesise).await;
        tokio::time::sleep(LONG).await;
        assert!(matches!(house.phase(Stage::Synthesise).await, Phase::Started(_)), "nobody took it away");
        end.add_permits(1);
    };
    let (ending, ()) = tokio::join!(house.drive(), beside);
    assert_eq!(ending, Ending::Settled, "it is done, and nothing more of it is owed");
    each_stage_once(&house, &house.completions().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_is_skipped_where_that_is_possible() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Missing]);
        assert_eq!(house.drive().await, Ending::Parked, "{}", row.stage);
        let es = language("es");
        let of = (row.scope == Scope::Track).then_some(&es);
        let (control, meta) = (house.control(), house.by_user());
        let skip = || control.skip(JOB, of, row.stage, "it is not needed".to_owned(), &meta);
        let skipped = skip().await;
        if needed_for(row.stage).is_some() {
            let refused = FlowRejection::Needed(row.stage);
            let is_refused = match skipped {
                Err(ControlError::Dubbing(CommandError::Rejected(DubbingRejection::Flow(why)))) => why == refused,
                Err(ControlError::Track(CommandError::Rejected(TrackRejection::Flow(why)))) => why == refused,
                _ => false,
            };
            assert!(is_refused, "{} is needed", row.stage);
            assert_eq!(house.phase(row.stage).await, Phase::Parked);
            continue;
        }
        let skipped = skipped.unwrap_or_else(|error| panic!("{error}"));
        let again = skip().await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(skipped, again, "given once more, it is answered as the first time");
        assert_eq!(house.drive().await, Ending::Settled, "{}", row.stage);
        assert_eq!((house.dubbing().await.phase, house.calls(row.stage)), (Life::Completed, 1));
        each_stage_once(&house, &house.completions().await);
        let flow = if row.scope == Scope::Track { house.track("es").await.flow } else { house.dubbing().await.flow };
        assert_eq!(flow.skips[&row.stage], (SKIPPED_BY_OPERATOR.to_owned(), "it is not needed".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_is_looked_for_where_it_is() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Mark, [Fault::Missing]);
    assert_eq!(house.drive().await, Ending::Parked);
    let (es, ca) = (language("es"), language("ca"));
    let skip = async |of, stage| house.control().skip(JOB, of, stage, "why".to_owned(), &house.by_user()).await;
    assert!(matches!(skip(None, Stage::Mark).await, Err(ControlError::UnknownStage)));
    assert!(matches!(skip(Some(&es), Stage::Clean).await, Err(ControlError::UnknownStage)));
    assert!(matches!(skip(Some(&ca), Stage::Mark).await, Err(ControlError::UnknownTrack)));
    assert!(skip(Some(&es), Stage::Mark).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_language_that_is_finished_or_parked_is_replayed_from_every_row_it_has_come_to() {
    let id = TrackId { dubbing: JOB, language: language("es") };
    for row in rows(Scope::Track) {
        let house = House::begin(&["es"]).await;
        assert_eq!(house.drive().await, Ending::Settled);
        let replay = RegenerateTrack { aggregates: house.manager().aggregates };
        let (plan, _) =
            replay.run(&id, Some(row.stage), &house.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((plan.first, plan.lines.len()), (row.stage, 0));
        let twice = replay.run(&id, Some(row.stage), &house.by_user()).await;
        assert!(matches!(twice, Err(RegenerateError::UnderWay)), "{}", row.stage);
        assert_eq!(house.drive().await, Ending::Settled);
        let anew = with_followers(Scope::Track, row.stage);
        for other in rows(Scope::Track) {
            let expected = 1 + usize::from(anew.contains(&other.stage));
            assert_eq!(house.calls(other.stage), expected, "{} after a replay from {}", other.stage, row.stage);
        }
        assert_eq!(house.dubbing().await.phase, Life::Completed);
    }
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Mux, [Fault::Missing]);
    assert_eq!(house.drive().await, Ending::Parked);
    let replay = RegenerateTrack { aggregates: house.manager().aggregates };
    for (stage, refused) in [(Stage::Sign, "has not come to sign"), (Stage::Transcribe, "no stage of a track")] {
        let error = replay.run(&id, Some(stage), &house.by_user()).await.expect_err("refused");
        assert!(error.to_string().contains(refused), "{error}");
    }
    assert!(replay.run(&id, Some(Stage::Fit), &house.by_user()).await.is_ok());
    assert_eq!(house.drive().await, Ending::Settled);
    assert_eq!((house.calls(Stage::Fit), house.calls(Stage::Mux), house.calls(Stage::Synthesise)), (2, 2, 1));
}
