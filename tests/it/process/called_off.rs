//! Languages that were finished, and whose next run is called off: they are as they were, and can be made anew.

use super::{
    house::House,
    request::{language, otherwise},
    told::Fault,
};
use application::process_manager::Ending;
use domain::{
    dubbing::{DubbingCommand, Outcome, Phase as Life},
    flow::{Scope, Stage, rows},
};

/// Why a language is made once more.
#[derive(Clone, Copy, Debug)]
enum Why {
    Regenerated,
    AskedForOtherwise,
}

const BOTH: [Why; 2] = [Why::Regenerated, Why::AskedForOtherwise];

async fn make_again(house: &House, why: Why, time: u32) {
    match why {
        Why::Regenerated => house.regenerate("es", time).await,
        Why::AskedForOtherwise => {
            house.give(DubbingCommand::RequestTracks { tracks: otherwise("es"), delivery: None }).await;
        }
    }
}

/// A dubbing that is completed, and whose language is being made again: a stage hangs.
async fn completed(stage: Stage, why: Why) -> House {
    let house = House::begin(&["es"]).await;
    assert_eq!(house.drive().await, Ending::Settled);
    house.break_stage(stage, [Fault::Hang]);
    make_again(&house, why, 1).await;
    house
}

/// All is as it was when it was completed first.
async fn is_as_before(house: &House, what: &str) {
    let (dubbing, track) = (house.dubbing().await, house.track("es").await);
    let asked = &dubbing.tracks[&language("es")];
    assert_eq!((dubbing.phase, asked.outcome), (Life::Completed, Some(Outcome::Completed)), "{what}");
    assert!(!track.cancelled && track.flow.is_at_rest() && !track.flow.undoing, "{what}");
    assert_eq!(track.header.map(|header| header.settings), Some(asked.settings.clone()), "{what}");
    assert!(asked.settings.keep_phrases.reveal().is_some_and(Vec::is_empty), "{what}");
    assert_eq!(house.faults_of_log().await, Vec::<String>::new(), "{what}");
}

async fn can_be_made_again(house: &House, why: Why, what: &str) {
    let published = house.calls(Stage::Publish);
    make_again(house, why, 2).await;
    assert_eq!(house.drive().await, Ending::Settled, "{what}");
    assert_eq!(house.calls(Stage::Publish), published + 1, "{what}");
    house.ask_for(&["ca"]).await;
    assert_eq!(house.drive().await, Ending::Settled, "{what}");
    let dubbing = house.dubbing().await;
    assert_eq!(dubbing.phase, Life::Completed, "{what}");
    assert!(dubbing.tracks.values().all(|track| track.outcome == Some(Outcome::Completed)), "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_called_off_at_any_row_leaves_what_was_finished() {
    for (row, why) in rows(Scope::Track).flat_map(|row| BOTH.map(|why| (row, why))) {
        let what = format!("{} {why:?}", row.stage);
        let house = completed(row.stage, why).await;
        let cancel = || async {
            house.until_hanging().await;
            house.cancel().await;
        };
        assert_eq!(house.drive_and_when_called(row.stage, cancel).await, Ending::Settled, "{what}");
        is_as_before(&house, &what).await;
        let head = house.head().await;
        assert_eq!(house.drive().await, Ending::Settled);
        assert_eq!(house.head().await, head, "nothing is owed: {what}");
        can_be_made_again(&house, why, &what).await;
    }
}

/// The dubbing has heard of it, and the process dies before the track has.
#[tokio::test(start_paused = true)]
async fn calling_a_run_off_that_a_crash_cut_short_reaches_the_track() {
    for (row, why) in rows(Scope::Track).flat_map(|row| BOTH.map(|why| (row, why))) {
        let what = format!("{} {why:?}", row.stage);
        let house = completed(row.stage, why).await;
        let only_dubbing = || async {
            house.until_hanging().await;
            house.give(DubbingCommand::Cancel).await;
        };
        assert_eq!(house.drive_and_when_called(row.stage, only_dubbing).await, Ending::Settled, "{what}");
        is_as_before(&house, &what).await;
        let reborn = house.reborn();
        can_be_made_again(&reborn, why, &what).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_called_off_before_the_track_hears_of_it_does_not_begin() {
    for why in BOTH {
        let house = House::begin(&["es"]).await;
        house.drive().await;
        make_again(&house, why, 1).await;
        house.give(DubbingCommand::Cancel).await;
        assert_eq!(house.drive().await, Ending::Settled);
        assert_eq!(house.calls(Stage::Publish), 1, "{why:?}");
        is_as_before(&house, &format!("{why:?}")).await;
        can_be_made_again(&house, why, &format!("{why:?}")).await;
    }
}

/// Another wish is taken back at once, before the track hears of either.
#[tokio::test(start_paused = true)]
async fn a_wish_that_is_taken_back_after_a_run_was_called_off_settles() {
    let house = completed(Stage::Mix, Why::AskedForOtherwise).await;
    let cancel = || async {
        house.until_hanging().await;
        house.cancel().await;
    };
    assert_eq!(house.drive_and_when_called(Stage::Mix, cancel).await, Ending::Settled);
    for tracks in [otherwise("es"), super::request::requests(&["es"])] {
        house.give(DubbingCommand::RequestTracks { tracks, delivery: None }).await;
    }
    assert_eq!(house.drive().await, Ending::Settled);
    is_as_before(&house, "taken back").await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_and_a_parked_run_are_called_off() {
    for why in BOTH {
        let house = completed(Stage::Mix, why).await;
        let pause = || async {
            house.until_hanging().await;
            house.pause().await;
        };
        assert_eq!(house.drive_and_when_called(Stage::Mix, pause).await, Ending::Paused);
        house.cancel().await;
        assert_eq!(house.drive().await, Ending::Settled);
        is_as_before(&house, &format!("paused {why:?}")).await;

        let house = House::begin(&["es"]).await;
        house.drive().await;
        house.break_stage(Stage::Mix, [Fault::Missing]);
        make_again(&house, why, 1).await;
        assert_eq!(house.drive().await, Ending::Parked);
        house.cancel().await;
        assert_eq!(house.drive().await, Ending::Settled);
        is_as_before(&house, &format!("parked {why:?}")).await;
        can_be_made_again(&house, why, &format!("parked {why:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_language_that_came_later_and_was_never_finished_goes_and_the_others_stay() {
    let house = House::begin(&["es"]).await;
    house.drive().await;
    house.break_stage_of("ca", Stage::Mix, [Fault::Hang]);
    house.ask_for(&["ca"]).await;
    let cancel = || async {
        house.until_hanging().await;
        house.cancel().await;
    };
    assert_eq!(house.drive_and_when_called(Stage::Mix, cancel).await, Ending::Settled);
    is_as_before(&house, "es").await;
    assert_eq!(house.dubbing().await.tracks[&language("ca")].outcome, Some(Outcome::Cancelled));
    let track = house.track("ca").await;
    assert!(track.cancelled && track.flow.ended);
    can_be_made_again(&house, Why::Regenerated, "both").await;
}

#[tokio::test(start_paused = true)]
async fn a_dubbing_that_was_never_completed_is_called_off_and_what_was_finished_is_kept() {
    let house = House::begin(&["ca", "es"]).await;
    house.break_stage_of("ca", Stage::Mix, [Fault::Missing]);
    assert_eq!(house.drive().await, Ending::Parked);
    house.break_stage_of("es", Stage::Mix, [Fault::Hang]);
    house.regenerate("es", 1).await;
    let cancel = || async {
        house.until_hanging().await;
        house.cancel().await;
    };
    assert_eq!(house.drive_and_when_called(Stage::Mix, cancel).await, Ending::Settled);
    let dubbing = house.dubbing().await;
    assert_eq!((dubbing.phase, dubbing.flow.ended), (Life::Cancelled, true));
    let (kept, gone) = (house.track("es").await, house.track("ca").await);
    assert!(!kept.cancelled && kept.flow.is_at_rest() && gone.cancelled && gone.flow.ended);
    assert_eq!(house.faults_of_log().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_result_is_withdrawn_after_its_next_run_was_called_off() {
    let house = completed(Stage::Mix, Why::Regenerated).await;
    let cancel = || async {
        house.until_hanging().await;
        house.cancel().await;
    };
    assert_eq!(house.drive_and_when_called(Stage::Mix, cancel).await, Ending::Settled);
    house.cancel_track("es").await;
    assert_eq!(house.drive().await, Ending::Settled);
    let track = house.track("es").await;
    assert!(track.cancelled && track.flow.ended && !track.flow.undoing);
    house.ask_for(&["es"]).await;
    assert_eq!(house.drive().await, Ending::Settled);
    assert_eq!(house.calls(Stage::Publish), 2, "it is made anew");
    is_as_before(&house, "made anew").await;
}
