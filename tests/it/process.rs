//! Worker and process manager over the memory log: failures, doubles, losses and late workers, with
//! stages that do as they are told. Every row of the flow is broken in every way.

mod called_off;
mod collected;
mod crew;
mod edits;
mod faulty_log;
mod house;
mod machine;
mod nodes;
mod operators;
mod queues;
mod replaced;
mod request;
mod room;
mod steering;
mod told;
mod toys;
mod traces;

use application::process_manager::Ending;
use domain::{
    dubbing::{DubbingCommand, Outcome, Phase as Life, TrackRequest},
    flow::{Fence, Phase, Scope, Stage, TABLE, rows},
    track::TrackSettings,
};
use house::House;
use told::Fault;

/// Every stage is completed (or skipped) exactly once in its run.
#[track_caller]
fn each_stage_once(house: &House, completions: &[(String, Stage, u32)]) {
    let mut seen = completions.to_vec();
    seen.sort();
    let all = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), all, "a stage was completed twice: {completions:?}");
    let expected = rows(Scope::Dubbing).count() + house.languages() * rows(Scope::Track).count();
    assert_eq!(all, expected, "{completions:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dubbing_runs_to_its_end() {
    let house = House::begin(&["es", "ca"]).await;
    assert_eq!(house.drive().await, Ending::Settled);
    let dubbing = house.dubbing().await;
    assert_eq!(dubbing.phase, Life::Completed);
    assert!(dubbing.tracks.values().all(|track| track.outcome == Some(Outcome::Completed)));
    each_stage_once(&house, &house.completions().await);
    assert_eq!(house.faults_of_log().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn every_row_may_fail_and_is_tried_again() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Transient, Fault::Transient]);
        assert_eq!(house.drive().await, Ending::Settled, "{}", row.stage);
        each_stage_once(&house, &house.completions().await);
        assert_eq!(house.calls(row.stage), 3, "{} is tried until it succeeds", row.stage);
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_that_keeps_failing_is_parked_and_goes_on_when_resumed() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Transient; 4]);
        assert_eq!(house.drive().await, Ending::Parked, "{}", row.stage);
        assert_eq!((house.calls(row.stage), house.phase(row.stage).await), (4, Phase::Parked));
        house.resume().await;
        assert_eq!(house.drive().await, Ending::Settled, "{}", row.stage);
        each_stage_once(&house, &house.completions().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_engine_parks_at_once() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Missing]);
        assert_eq!(house.drive().await, Ending::Parked, "{}", row.stage);
        assert_eq!(house.calls(row.stage), 1, "{} is not tried in vain", row.stage);
        assert_eq!(house.failure_code(row.stage).await.as_deref(), Some("engine-missing"));
        house.resume().await;
        assert_eq!(house.drive().await, Ending::Settled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_source_fails_the_dubbing_and_undoes_what_was_done() {
    for stage in [Stage::Ingest, Stage::Separate, Stage::Transcribe] {
        let house = House::begin(&["es"]).await;
        house.break_stage(stage, [Fault::Rejected]);
        assert_eq!(house.drive().await, Ending::Settled);
        let dubbing = house.dubbing().await;
        assert_eq!((dubbing.phase, dubbing.flow.ended), (Life::Failed, true));
        assert_eq!(dubbing.rejection.map(|(code, _)| code).as_deref(), Some("no-speech"));
        for undone in [Stage::Ingest, Stage::Separate] {
            let expected = if undone < stage { Phase::Undone } else { house.phase(undone).await };
            assert_eq!(house.phase(undone).await, expected, "{undone} after {stage} was rejected");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_every_row_loses_one_attempt_and_nothing_else() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Hang]);
        house.drive_until_called(row.stage).await;
        // The process dies here: its queue and its workers are gone, the log stays.
        let reborn = house.reborn();
        reborn.recover().await;
        assert_eq!(reborn.drive().await, Ending::Settled, "{}", row.stage);
        each_stage_once(&reborn, &reborn.completions().await);
        assert_eq!(reborn.losses(row.stage).await, 1, "{}", row.stage);
        assert_eq!(reborn.calls(row.stage), 2, "only the lost attempt is made again");
        let others = TABLE.iter().filter(|other| other.stage != row.stage);
        assert!(others.clone().all(|other| reborn.calls(other.stage) == 1), "{}", row.stage);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_append_and_dispatch_is_made_good_at_every_row() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        // Asked for in the log, and the process dies before anything reaches the queue.
        house.step_without_workers_until_requested(row.stage).await;
        let reborn = house.reborn();
        reborn.recover().await;
        assert_eq!(reborn.drive().await, Ending::Settled, "{}", row.stage);
        each_stage_once(&reborn, &reborn.completions().await);
        assert_eq!((reborn.losses(row.stage).await, reborn.calls(row.stage)), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn every_message_twice_changes_nothing() {
    let house = House::begin(&["es", "ca"]).await.with_every_message_twice();
    assert_eq!(house.drive().await, Ending::Settled);
    each_stage_once(&house, &house.completions().await);
    assert!(TABLE.iter().all(|row| house.calls(row.stage) <= house.languages()), "nobody did work twice");
}

#[tokio::test(start_paused = true)]
async fn a_late_worker_is_superseded_at_every_row() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Late]);
        house.drive_until_called(row.stage).await;
        let reborn = house.reborn();
        reborn.recover().await;
        assert_eq!(reborn.drive().await, Ending::Settled, "{}", row.stage);
        let before = reborn.head().await;
        // The worker of the first life wakes up only now, and reports.
        let accepted = reborn.report_late(row.stage).await;
        assert!(!accepted, "the late result of {} must be refused", row.stage);
        assert_eq!(reborn.head().await, before, "a late result of {} changes nothing", row.stage);
    }
}

#[tokio::test(start_paused = true)]
async fn driving_a_finished_dubbing_appends_nothing() {
    let house = House::begin(&["es"]).await;
    house.drive().await;
    let head = house.head().await;
    for _ in 0..3 {
        assert_eq!(house.drive().await, Ending::Settled);
        house.recover().await;
        house.resume().await;
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test(start_paused = true)]
async fn a_language_asked_for_later_reuses_what_the_dubbing_has() {
    let house = House::begin(&["es"]).await;
    house.drive().await;
    house.ask_for(&["ca"]).await;
    assert_eq!(house.drive().await, Ending::Settled);
    for stage in [Stage::Ingest, Stage::Separate, Stage::Transcribe] {
        assert_eq!(house.calls(stage), 1, "{stage} is not done again");
    }
    assert_eq!((house.calls(Stage::Translate), house.calls(Stage::Clean)), (2, 2));
    assert_eq!(house.dubbing().await.phase, Life::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_language_that_is_stuck_does_not_hold_up_another() {
    let house = House::begin(&["ca", "es"]).await;
    house.break_stage_of("ca", Stage::Translate, [Fault::Missing]);
    assert_eq!(house.drive().await, Ending::Parked);
    let dubbing = house.dubbing().await;
    let outcomes: Vec<_> = dubbing.tracks.values().map(|track| track.outcome).collect();
    assert_eq!(outcomes, [None, Some(Outcome::Completed)], "ca waits, es is finished");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_dubbing_stops_and_is_compensated() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Separate, [Fault::Hang]);
    house.drive_until_called(Stage::Separate).await;
    house.give(DubbingCommand::Cancel).await;
    assert_eq!(house.drive().await, Ending::Settled);
    let dubbing = house.dubbing().await;
    assert_eq!((dubbing.phase, dubbing.flow.ended), (Life::Cancelled, true));
    assert_eq!(house.phase(Stage::Ingest).await, Phase::Undone);
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_a_source_was_rejected_still_ends_in_failure() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Separate, [Fault::Hang]);
    house.drive_until_called(Stage::Separate).await;
    // The rejection is written, and the process dies before anything is undone.
    let fence = Fence { stage: Stage::Separate, run: 1, attempt: 1 };
    let (code, message) = ("no-audio".to_owned(), "there is no sound".to_owned());
    house.give(DubbingCommand::RejectSource { fence, code, message }).await;
    let reborn = house.reborn();
    reborn.recover().await;
    reborn.resume().await;
    assert_eq!(reborn.drive().await, Ending::Settled);
    let dubbing = reborn.dubbing().await;
    assert_eq!((dubbing.phase, dubbing.flow.ended), (Life::Failed, true));
    assert_eq!(reborn.phase(Stage::Ingest).await, Phase::Undone);
}

#[tokio::test(start_paused = true)]
async fn settings_that_were_changed_and_changed_back_settle_again() {
    let house = House::begin(&["es"]).await;
    house.drive().await;
    let dubbing = house.dubbing().await;
    let (language, track) = dubbing.tracks.first_key_value().unwrap_or_else(|| panic!("a track"));
    let changed = TrackSettings { keep_original: !track.settings.keep_original, ..track.settings.clone() };
    // Both wishes are written before the track hears of either, as when a process dies between them.
    for settings in [changed, track.settings.clone()] {
        let tracks = vec![TrackRequest { language: language.clone(), settings }];
        house.give(DubbingCommand::RequestTracks { tracks, delivery: None }).await;
    }
    assert_eq!(house.drive().await, Ending::Settled);
    assert_eq!(house.dubbing().await.phase, Life::Completed);
    assert_eq!(house.calls(Stage::Mux), 1, "nothing was to be made");
}
