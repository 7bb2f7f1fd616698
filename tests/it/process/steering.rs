//! Pausing, calling off and stopping at every row: work stops at once, nothing finished is lost, no budget is spent.

use super::{
    each_stage_once,
    house::{House, JOB},
    told::Fault,
};
use application::{commands::control_dubbing::ControlError, process_manager::Ending, stop::Stopping};
use domain::{
    dubbing::{Outcome, Phase as Life},
    flow::{FlowCommand, PAUSED_BY_USER, Phase, Scope, Stage, TABLE, rows},
    value::TrackId,
};

#[tokio::test(start_paused = true)]
async fn a_pause_frees_the_worker_at_every_row_and_spends_nothing() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Hang]);
        let ending = house.drive_and_when_called(row.stage, || house.pause()).await;
        assert_eq!(ending, Ending::Paused, "{}", row.stage);
        assert_eq!(house.phase(row.stage).await, Phase::Waiting, "{} was given back", row.stage);
        let head = house.head().await;
        assert_eq!(house.drive().await, Ending::Paused);
        assert_eq!(house.head().await, head, "nothing happens while it is paused");
        house.go_on().await;
        assert_eq!(house.drive().await, Ending::Settled, "{}", row.stage);
        each_stage_once(&house, &house.completions().await);
        let cell = house.cell(row.stage).await;
        assert_eq!((cell.losses, cell.failures, cell.attempt), (0, 0, 2), "{}", row.stage);
        assert_eq!(house.faults_of_log().await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_all_tracks_and_those_that_come() {
    let house = House::begin(&["ca", "es"]).await;
    house.break_stage(Stage::Translate, [Fault::Hang, Fault::Hang]);
    assert_eq!(house.drive_and_when_called(Stage::Translate, || house.pause()).await, Ending::Paused);
    for tag in ["ca", "es"] {
        assert!(house.track(tag).await.flow.is_held(), "{tag} is paused with its dubbing");
    }
    house.ask_for(&["fr"]).await;
    let calls = house.calls(Stage::Translate);
    assert_eq!(house.drive().await, Ending::Paused);
    assert!(house.track("fr").await.header.is_none(), "a language that is asked for now waits, too");
    assert_eq!(house.calls(Stage::Translate), calls);
    house.go_on().await;
    assert_eq!(house.drive().await, Ending::Settled);
    assert_eq!(house.dubbing().await.tracks.len(), 3);
    assert!(house.dubbing().await.tracks.values().all(|track| track.outcome == Some(Outcome::Completed)));
}

/// The dubbing has heard of it, and the process dies before its tracks have.
#[tokio::test(start_paused = true)]
async fn a_pause_and_a_resumption_that_a_crash_cut_short_reach_the_tracks() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Mix, [Fault::Hang]);
    let only_dubbing = || async {
        let pause = FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() };
        house.give(domain::dubbing::DubbingCommand::Flow(pause)).await;
    };
    assert_eq!(house.drive_and_when_called(Stage::Mix, only_dubbing).await, Ending::Paused);
    assert!(house.track("es").await.flow.is_held());
    let reborn = house.reborn();
    reborn.give(domain::dubbing::DubbingCommand::Flow(FlowCommand::Resume)).await;
    assert!(reborn.manager().is_to_be_driven(JOB).await.unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(reborn.drive().await, Ending::Settled);
    each_stage_once(&reborn, &reborn.completions().await);
}

#[tokio::test(start_paused = true)]
async fn a_dubbing_that_is_called_off_at_any_row_stops_and_is_undone() {
    for row in &TABLE {
        let house = House::begin(&["ca", "es"]).await;
        house.break_stage(row.stage, [Fault::Hang, Fault::Hang]);
        let ending = house.drive_and_when_called(row.stage, || house.cancel()).await;
        assert_eq!(ending, Ending::Settled, "{}", row.stage);
        let dubbing = house.dubbing().await;
        assert_eq!((dubbing.phase, dubbing.flow.ended), (Life::Cancelled, true), "{}", row.stage);
        for tag in ["ca", "es"] {
            let track = house.track(tag).await;
            let is_finished = dubbing
                .tracks
                .get(&tag.parse().unwrap_or_else(|error| panic!("{error}")))
                .is_some_and(|track| track.outcome.is_some());
            assert_eq!(track.header.is_none() || is_finished, !track.cancelled, "{tag} after {}", row.stage);
            assert!(!track.cancelled || track.flow.ended, "{tag} is undone after {}", row.stage);
            let is_done = |row: &&domain::flow::Row| track.flow.phase(row.stage) == Phase::Done;
            let kept = rows(Scope::Track).filter(is_done).all(|row| row.undo == domain::flow::Undo::Nothing);
            assert!(is_finished || kept, "{tag} after {}", row.stage);
        }
        let head = house.head().await;
        assert_eq!(house.reborn().drive().await, Ending::Settled);
        assert_eq!(house.head().await, head, "and then owes nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dubbing_called_off_while_paused_is_undone() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Mix, [Fault::Hang]);
    assert_eq!(house.drive_and_when_called(Stage::Mix, || house.pause()).await, Ending::Paused);
    house.cancel().await;
    assert!(house.manager().is_to_be_driven(JOB).await.unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(house.drive().await, Ending::Settled);
    assert!(house.track("es").await.flow.ended && house.dubbing().await.flow.ended);
}

#[tokio::test(start_paused = true)]
async fn one_track_is_called_off_at_any_row_and_the_others_are_not_hurt() {
    for row in rows(Scope::Track) {
        let house = House::begin(&["ca", "es"]).await;
        house.break_stage_of("es", row.stage, [Fault::Hang]);
        let cancel = || async {
            house.until_hanging().await;
            house.cancel_track("es").await;
        };
        assert_eq!(house.drive_and_when_called(row.stage, cancel).await, Ending::Settled, "{}", row.stage);
        let outcomes: Vec<_> = house.dubbing().await.tracks.values().map(|track| track.outcome).collect();
        assert_eq!(outcomes, [Some(Outcome::Completed), Some(Outcome::Cancelled)], "{}", row.stage);
        assert_eq!(house.dubbing().await.phase, Life::Completed);
        assert!(house.track("es").await.flow.ended, "what was made is undone");
        house.ask_for(&["es"]).await;
        assert_eq!(house.drive().await, Ending::Settled, "{} anew", row.stage);
        assert_eq!(
            house.dubbing().await.tracks.values().filter(|track| track.outcome == Some(Outcome::Completed)).count(),
            2
        );
        let track = house.track("es").await;
        assert!(rows(Scope::Track).all(|row| track.flow.is_done(row.stage)), "{} anew", row.stage);
        assert_eq!(house.faults_of_log().await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_track_that_has_not_begun_can_be_called_off_and_asked_for_again() {
    let house = House::begin(&["ca", "es"]).await;
    house.break_stage(Stage::Transcribe, [Fault::Transient]);
    house.cancel_track("es").await;
    assert_eq!(house.drive().await, Ending::Settled);
    assert!(house.track("es").await.header.is_none(), "it never began");
    assert_eq!(house.calls(Stage::Translate), 1);
    house.ask_for(&["es"]).await;
    assert_eq!(house.drive().await, Ending::Settled);
    assert_eq!(house.calls(Stage::Translate), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dubbing_whose_only_track_is_called_off_is_called_off_itself() {
    for row in TABLE.iter().filter(|row| row.stage != Stage::Clean) {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Hang]);
        let cancel = || house.cancel_track("es");
        assert_eq!(house.drive_and_when_called(row.stage, cancel).await, Ending::Settled, "{}", row.stage);
        let dubbing = house.dubbing().await;
        assert_eq!((dubbing.phase, dubbing.flow.ended), (Life::Cancelled, true), "{}", row.stage);
        assert_eq!(house.calls(Stage::Clean), 0, "{}: what was made is undone", row.stage);
        assert_eq!(house.faults_of_log().await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_finished_track_is_withdrawn_and_its_undoing_survives_a_crash() {
    let house = House::begin(&["es"]).await;
    house.drive().await;
    house.cancel_track("es").await;
    let reborn = house.reborn();
    assert!(reborn.manager().is_to_be_driven(JOB).await.unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(reborn.drive().await, Ending::Settled);
    let track = reborn.track("es").await;
    assert!(track.flow.ended && track.published.is_none());
    assert!(!reborn.manager().is_to_be_driven(JOB).await.unwrap_or_else(|error| panic!("{error}")));
}

#[tokio::test(start_paused = true)]
async fn a_drain_at_every_row_gives_back_and_the_next_process_goes_on() {
    for (row, (fault, stopping)) in TABLE.iter().flat_map(|row| {
        let ways = [(Fault::UntilSafePoint, Stopping::AtSafePoint), (Fault::Hang, Stopping::AtOnce)];
        ways.map(|way| (row, way))
    }) {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [fault]);
        house.drain_when_called(row.stage, stopping).await;
        let cell = house.cell(row.stage).await;
        assert!(!matches!(cell.phase, Phase::Started(_)), "{} has no worker any more", row.stage);
        let reborn = house.reborn();
        reborn.recover().await;
        assert_eq!(reborn.drive().await, Ending::Settled, "{}", row.stage);
        each_stage_once(&reborn, &reborn.completions().await);
        let cell = reborn.cell(row.stage).await;
        assert_eq!((cell.losses, cell.failures, reborn.calls(row.stage)), (0, 0, 2), "{}", row.stage);
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_stopped_and_reports_all_the_same_is_late_at_every_row() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Late]);
        assert_eq!(house.drive_and_when_called(row.stage, || house.pause()).await, Ending::Paused);
        let head = house.head().await;
        assert!(!house.report_late(row.stage).await, "{} was given back", row.stage);
        house.go_on().await;
        assert_eq!(house.drive().await, Ending::Settled);
        assert!(!house.report_late(row.stage).await, "{} was made by another attempt", row.stage);
        assert!(house.head().await > head);
        each_stage_once(&house, &house.completions().await);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_by_name() {
    let house = House::begin(&["es"]).await;
    let (control, unknown) = (house.control(), domain::value::DubbingId(uuid::Uuid::from_u128(99)));
    assert!(matches!(control.pause(unknown, &house.by_user()).await, Err(ControlError::UnknownDubbing)));
    assert!(matches!(control.resume(JOB, &house.by_user()).await, Err(ControlError::NotPaused)));
    assert!(matches!(control.retry(JOB, &house.by_user()).await, Err(ControlError::NothingParked)));
    let french = TrackId { dubbing: JOB, language: "fr".parse().unwrap_or_else(|error| panic!("{error}")) };
    assert!(matches!(control.cancel_track(&french, &house.by_user()).await, Err(ControlError::UnknownTrack)));
    house.drive().await;
    for refused in [
        control.cancel(JOB, &house.by_user()).await,
        control.pause(JOB, &house.by_user()).await,
        control.resume(JOB, &house.by_user()).await,
        control.retry(JOB, &house.by_user()).await,
    ] {
        assert!(matches!(refused, Err(ControlError::AlreadyEnded)), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_given_twice_is_given_once() {
    let house = House::begin(&["ca", "es"]).await;
    house.break_stage(Stage::Mix, [Fault::Missing]);
    assert_eq!(house.drive().await, Ending::Parked);
    let (control, pause, resume) = (house.control(), house.by_user(), house.by_user());
    let first = control.pause(JOB, &pause).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(first.position.is_some());
    let went_on = control.resume(JOB, &resume).await.unwrap_or_else(|error| panic!("{error}"));
    let head = house.head().await;
    // Both once more, though what they ask for would be something new by now.
    assert_eq!(control.pause(JOB, &pause).await.unwrap_or_else(|error| panic!("{error}")), first);
    assert_eq!(control.resume(JOB, &resume).await.unwrap_or_else(|error| panic!("{error}")), went_on);
    assert_eq!((house.head().await, house.dubbing().await.flow.is_held()), (head, false));
    let cancel = house.by_user();
    let off = control.cancel(JOB, &cancel).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(control.cancel(JOB, &cancel).await.unwrap_or_else(|error| panic!("{error}")), off);
    let again = control.cancel(JOB, &house.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.position, None, "it is called off already");
}

#[tokio::test(start_paused = true)]
async fn retry_is_for_what_is_parked_and_resume_for_what_was_paused() {
    for row in &TABLE {
        let house = House::begin(&["es"]).await;
        house.break_stage(row.stage, [Fault::Missing]);
        assert_eq!(house.drive().await, Ending::Parked);
        let control = house.control();
        assert!(matches!(control.resume(JOB, &house.by_user()).await, Err(ControlError::NotPaused)), "{}", row.stage);
        let retry = house.by_user();
        control.retry(JOB, &retry).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(house.drive().await, Ending::Settled, "{}", row.stage);
        let head = house.head().await;
        control.retry(JOB, &retry).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(house.head().await, head, "the same command once more is silent");
    }
}

#[tokio::test(start_paused = true)]
async fn going_on_with_what_is_both_paused_and_parked_means_all_of_it() {
    for with_retry in [false, true] {
        let house = House::begin(&["es"]).await;
        house.break_stage(Stage::Mix, [Fault::Missing]);
        assert_eq!(house.drive().await, Ending::Parked);
        house.pause().await;
        assert_eq!(house.drive().await, Ending::Paused);
        if with_retry {
            house.control().retry(JOB, &house.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
        } else {
            house.go_on().await;
        }
        assert_eq!(house.drive().await, Ending::Settled, "by retry: {with_retry}");
    }
}
