//! Every row of the flow: run it, fail it, repeat it, lose it, undo it, crash before its dispatch.

mod skip;

use super::*;
use crate::value::Timestamp;

const SCOPES: [Scope; 2] = [Dubbing, Track];

/// A flow in which everything that the stage waits for is done.
fn before(stage: Stage) -> Flow {
    let row = row_of(stage);
    let mut flow = Flow::new(row.scope);
    flow.tracks_settled = true;
    for earlier in rows(row.scope).take_while(|earlier| earlier.stage != stage) {
        finish(&mut flow, earlier.stage);
    }
    flow
}

fn row_of(stage: Stage) -> &'static Row {
    TABLE.iter().find(|row| row.stage == stage).expect("every stage has a row")
}

fn apply(flow: &mut Flow, command: FlowCommand) -> Vec<FlowEvent> {
    let events = decide(flow, command).expect("accepted");
    events.iter().for_each(|event| flow.evolve(event));
    events
}

fn next_fence(flow: &Flow, stage: Stage) -> Fence {
    let cell = flow.cell(stage);
    Fence { stage, run: cell.run, attempt: cell.attempt + 1 }
}

fn request(flow: &mut Flow, stage: Stage) -> Fence {
    let fence = next_fence(flow, stage);
    apply(flow, FlowCommand::Request { stage, work_id: work_id("stream", fence) });
    fence
}

fn start(flow: &mut Flow, stage: Stage) -> Fence {
    let fence = request(flow, stage);
    apply(flow, FlowCommand::Start(fence));
    fence
}

fn complete(fence: Fence) -> FlowCommand {
    FlowCommand::Complete { fence, summary: StageSummary::default(), reopen: None }
}

fn finish(flow: &mut Flow, stage: Stage) {
    let fence = start(flow, stage);
    apply(flow, complete(fence));
}

fn fail(fence: Fence, permanent: bool) -> FlowCommand {
    let failure = Failure { code: "engine-failed".to_owned(), message: "it failed".to_owned(), permanent };
    FlowCommand::Fail { fence, failure, retry_at: Timestamp::from_unix_ms(1_000) }
}

fn owes(flow: &Flow, stage: Stage) -> bool {
    next_actions(flow).contains(&Action::Run(stage))
}

#[test]
fn every_stage_has_one_row_and_waits_only_for_rows_above() {
    for (place, row) in TABLE.iter().enumerate() {
        let above: Vec<Stage> = TABLE[..place].iter().map(|row| row.stage).collect();
        assert!(!above.contains(&row.stage), "{} stands twice", row.stage);
        assert!(row.after.iter().all(|stage| above.contains(stage)), "{} waits for a row below", row.stage);
        assert_eq!(row.stage.name().parse(), Ok(row.stage));
    }
    assert!("no-stage".parse::<Stage>().is_err());
}

#[test]
fn run_every_row_until_finish() {
    for scope in SCOPES {
        let mut flow = Flow::new(scope);
        let mut order = Vec::new();
        flow.tracks_settled = true;
        while next_actions(&flow) != [Action::Finish] {
            let actions = next_actions(&flow);
            let Some(Action::Run(stage)) = actions.first().copied() else {
                panic!("{scope:?} owes {actions:?} after {order:?}");
            };
            order.push(stage);
            finish(&mut flow, stage);
        }
        assert_eq!(order.len(), rows(scope).count());
    }
}

#[test]
fn no_row_runs_before_what_it_waits_for() {
    for row in &TABLE {
        let flow = before(row.stage);
        assert!(owes(&flow, row.stage), "{} is owed once all is done before it", row.stage);
        for earlier in row.after.iter().filter(|stage| row_of(**stage).scope == row.scope) {
            let mut waiting = flow.clone();
            waiting.cells.remove(earlier);
            assert!(!owes(&waiting, row.stage), "{} must wait for {earlier}", row.stage);
            let skipped = Cell { run: 1, attempt: 1, phase: Phase::Skipped, ..Cell::default() };
            waiting.cells.insert(*earlier, skipped);
            assert!(owes(&waiting, row.stage), "{} may follow a skipped {earlier}", row.stage);
        }
    }
}

#[test]
fn cleaning_waits_until_all_tracks_are_settled() {
    let mut flow = before(Clean);
    flow.tracks_settled = false;
    assert_eq!(next_actions(&flow), []);
}

#[test]
fn fail_every_row() {
    for row in &TABLE {
        let stage = row.stage;
        let mut flow = before(stage);
        for failure in 1..FAILURES_MAX {
            let fence = start(&mut flow, stage);
            let events = apply(&mut flow, fail(fence, false));
            assert!(matches!(events[..], [FlowEvent::StageFailed { .. }, FlowEvent::StageRetryScheduled { .. }]));
            let retry = Action::Retry(stage, Timestamp::from_unix_ms(1_000));
            assert!(next_actions(&flow).contains(&retry), "{stage} is tried again after failure {failure}");
        }
        let fence = start(&mut flow, stage);
        let events = apply(&mut flow, fail(fence, false));
        let parked = [FlowEvent::StageParked { stage, code: "engine-failed".to_owned() }];
        assert_eq!(events[1..2], parked, "{stage} is parked when its attempts are used up");
        assert_eq!(next_actions(&flow), [], "a paused flow owes nothing");
        apply(&mut flow, FlowCommand::Resume);
        assert!(owes(&flow, stage), "{stage} is owed again after resuming");
        assert_eq!(flow.cell(stage).failures, 0, "with a fresh budget");
        finish(&mut flow, stage);
        assert!(flow.failures.is_empty(), "a finished stage has no failure");
    }
}

#[test]
fn a_permanent_failure_parks_every_row_at_once() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        let fence = start(&mut flow, row.stage);
        apply(&mut flow, fail(fence, true));
        assert_eq!((flow.phase(row.stage), flow.paused.as_deref()), (Phase::Parked, Some("engine-failed")));
        assert!(flow.has_parked() && !flow.is_held(), "nobody paused {}", row.stage);
    }
}

#[test]
fn repeat_every_row_without_effect() {
    for row in &TABLE {
        let stage = row.stage;
        let mut flow = before(stage);
        let fence = request(&mut flow, stage);
        let again = FlowCommand::Request { stage, work_id: work_id("stream", fence) };
        assert_eq!(decide(&flow, again), Ok(vec![]), "asking twice for {stage} is silent");
        apply(&mut flow, FlowCommand::Start(fence));
        let twice = decide(&flow, FlowCommand::Start(fence));
        assert_eq!(twice, Err(FlowRejection::Superseded), "{stage} has its worker already");
        apply(&mut flow, complete(fence));
        for late in [complete(fence), fail(fence, false), FlowCommand::Start(fence)] {
            assert_eq!(decide(&flow, late), Err(FlowRejection::Superseded), "{stage} is done");
        }
        let anew = FlowCommand::Request { stage, work_id: work_id("stream", next_fence(&flow, stage)) };
        assert_eq!(decide(&flow, anew), Err(FlowRejection::NotOwed), "{stage} that is done is not asked for");
    }
}

#[test]
fn crash_between_append_and_dispatch_of_every_row() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        let fence = request(&mut flow, row.stage);
        // The crash: nothing was dispatched. The state still says which work is to be published.
        assert_eq!(flow.phase(row.stage), Phase::Requested(work_id("stream", fence)));
        assert!(!owes(&flow, row.stage), "{} is not asked for twice", row.stage);
        apply(&mut flow, FlowCommand::Start(fence));
        apply(&mut flow, complete(fence));
        assert!(flow.is_done(row.stage));
    }
}

#[test]
fn lose_every_row_to_crashes() {
    for row in &TABLE {
        let stage = row.stage;
        let mut flow = before(stage);
        let lost = start(&mut flow, stage);
        assert_eq!(apply(&mut flow, FlowCommand::Lose(lost)), [FlowEvent::StageLost { fence: lost }]);
        assert_eq!(decide(&flow, FlowCommand::Lose(lost)), Ok(vec![]), "losing {stage} twice is silent");
        let second = start(&mut flow, stage);
        assert_eq!((second.run, second.attempt), (1, 2));
        assert_eq!(decide(&flow, complete(lost)), Err(FlowRejection::Superseded), "the lost worker of {stage} is late");
        assert_eq!(flow.cell(stage).failures, 0, "a crash does not spend the budget of failures");
        apply(&mut flow, FlowCommand::Lose(second));
        for _ in 2..LOSSES_MAX {
            let fence = start(&mut flow, stage);
            apply(&mut flow, FlowCommand::Lose(fence));
        }
        assert_eq!(flow.phase(stage), Phase::Parked, "{stage} that kills its worker every time is parked");
    }
}

#[test]
fn reopen_every_row_and_all_that_follow_from_it() {
    for row in &TABLE {
        let mut flow = before(Clean);
        if row.scope == Track {
            flow = before(Publish);
            finish(&mut flow, Publish);
        } else {
            finish(&mut flow, Clean);
        }
        let late = Fence { stage: row.stage, run: 1, attempt: 1 };
        apply(&mut flow, FlowCommand::Reopen(row.stage));
        assert!(owes(&flow, row.stage));
        assert_eq!(flow.cell(row.stage).run, 2);
        assert_eq!(decide(&flow, complete(late)), Err(FlowRejection::Superseded), "run 1 of {} is over", row.stage);
        for other in rows(row.scope) {
            let follows = other.after.iter().any(|stage| flow.cell(*stage).run == 2) || other.stage == row.stage;
            assert_eq!(flow.cell(other.stage).run == 2, follows, "{} after reopening {}", other.stage, row.stage);
        }
    }
}

#[test]
fn undo_every_row_in_reverse_and_only_once() {
    for scope in SCOPES {
        let mut flow = Flow::new(scope);
        flow.tracks_settled = true;
        rows(scope).for_each(|row| finish(&mut flow, row.stage));
        flow.undoing = true;
        let mut undone = Vec::new();
        while let [Action::Undo(stage)] = next_actions(&flow)[..] {
            apply(&mut flow, FlowCommand::Undone(stage));
            assert_eq!(decide(&flow, FlowCommand::Undone(stage)), Ok(vec![]), "undoing {stage} twice is silent");
            undone.push(stage);
        }
        let expected: Vec<Stage> = rows(scope).rev().filter(|row| row.undo != Nothing).map(|row| row.stage).collect();
        assert_eq!(undone, expected);
        assert_eq!(apply(&mut flow, FlowCommand::Compensated), [FlowEvent::FlowCompensated]);
        assert_eq!(decide(&flow, FlowCommand::Compensated), Ok(vec![]));
        assert_eq!(next_actions(&flow), []);
    }
}

#[test]
fn nothing_is_undone_that_was_not_finished() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        assert_eq!(decide(&flow, FlowCommand::Undone(row.stage)), Err(FlowRejection::NotOwed));
        start(&mut flow, row.stage);
        flow.undoing = true;
        assert!(!next_actions(&flow).contains(&Action::Undo(row.stage)));
        assert_eq!(decide(&flow, FlowCommand::Undone(row.stage)), Err(FlowRejection::NotOwed));
    }
    let flow = Flow::new(Track);
    assert_eq!(decide(&flow, FlowCommand::Compensated), Err(FlowRejection::NotOwed));
}

#[test]
fn a_paused_flow_starts_nothing_but_hears_its_workers() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        let asked = request(&mut flow, row.stage);
        let pause = FlowCommand::Pause { code: "operator".to_owned() };
        assert_eq!(apply(&mut flow, pause.clone()), [FlowEvent::FlowPaused { code: "operator".to_owned() }]);
        assert_eq!(decide(&flow, pause), Ok(vec![]));
        assert_eq!(decide(&flow, FlowCommand::Start(asked)), Err(FlowRejection::NotOwed));
        assert_eq!(apply(&mut flow, FlowCommand::Resume), [FlowEvent::FlowResumed]);
        assert_eq!(decide(&flow, FlowCommand::Resume), Ok(vec![]));
        apply(&mut flow, FlowCommand::Start(asked));
        apply(&mut flow, FlowCommand::Pause { code: "operator".to_owned() });
        apply(&mut flow, complete(asked));
        assert!(flow.is_done(row.stage), "{} was under way and is done", row.stage);
    }
}

fn pause() -> FlowCommand {
    FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() }
}

#[test]
fn release_every_row_without_spending_a_budget() {
    for row in &TABLE {
        let stage = row.stage;
        let mut flow = before(stage);
        for attempt in 1..=LOSSES_MAX + 1 {
            let fence = start(&mut flow, stage);
            assert_eq!(fence.attempt, attempt, "each try has a fence of its own");
            assert_eq!(apply(&mut flow, FlowCommand::Release(fence)), [FlowEvent::StageReleased { fence }]);
            assert_eq!(decide(&flow, FlowCommand::Release(fence)), Ok(vec![]), "giving {stage} back twice is silent");
            assert_eq!(decide(&flow, complete(fence)), Err(FlowRejection::Superseded), "who gave it back is late");
        }
        let cell = flow.cell(stage);
        assert_eq!((cell.failures, cell.losses, cell.phase), (0, 0, Phase::Waiting));
        assert!(owes(&flow, stage), "{stage} is owed again at once");
    }
}

#[test]
fn a_users_pause_ends_the_attempt_of_every_row_and_parking_does_not() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        let fence = start(&mut flow, row.stage);
        assert!(flow.wants(fence));
        apply(&mut flow, FlowCommand::Pause { code: "engine-missing".to_owned() });
        assert!(flow.wants(fence) && !flow.is_held(), "{} goes on beside one that parked", row.stage);
        assert_eq!(apply(&mut flow, pause()).len(), 1, "the user's pause goes on top");
        assert!(!flow.wants(fence) && flow.awaits(fence) && flow.is_held());
        let parked = FlowCommand::Pause { code: "engine-missing".to_owned() };
        assert_eq!(decide(&flow, parked), Ok(vec![]), "parking does not hide the user's pause");
        apply(&mut flow, FlowCommand::Release(fence));
        apply(&mut flow, FlowCommand::Resume);
        assert!(owes(&flow, row.stage) && !flow.is_held());
        let again = start(&mut flow, row.stage);
        flow.undoing = true;
        assert!(!flow.wants(again), "{} was called off", row.stage);
    }
}

#[test]
fn resuming_what_is_paused_and_parked_goes_on_with_both() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        let fence = start(&mut flow, row.stage);
        apply(&mut flow, fail(fence, true));
        apply(&mut flow, pause());
        assert!(flow.has_parked() && flow.is_held());
        apply(&mut flow, FlowCommand::Resume);
        assert!(!flow.has_parked() && flow.paused.is_none() && owes(&flow, row.stage));
    }
}

#[test]
fn a_flow_that_begins_anew_knows_no_worker_of_the_first_time() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        let fence = start(&mut flow, row.stage);
        (flow.undoing, flow.ended, flow.paused) = (false, true, Some("engine-missing".to_owned()));
        let mut flow = flow.anew();
        flow.tracks_settled = true;
        assert!(!flow.wants(fence), "{}", row.stage);
        assert!(rows(row.scope).all(|row| flow.phase(row.stage) == Phase::Waiting));
        let first = rows(row.scope).next().expect("a row").stage;
        assert!(owes(&flow, first), "it is all owed once more");
        assert_eq!(flow.cell(row.stage).run, 2, "so that its work has another name");
    }
}

#[test]
fn skip_every_row() {
    for row in &TABLE {
        let mut flow = before(row.stage);
        let fence = start(&mut flow, row.stage);
        let skip = FlowCommand::Skip { fence, engine: "none".to_owned(), reason: "no engine".to_owned() };
        apply(&mut flow, skip.clone());
        assert!(flow.is_done(row.stage));
        assert_eq!(flow.skips[&row.stage], ("none".to_owned(), "no engine".to_owned()));
        assert_eq!(decide(&flow, skip), Err(FlowRejection::Superseded));
    }
}

#[test]
fn a_planner_that_asks_for_more_reopens_in_the_same_append() {
    let mut flow = before(Fit);
    let fence = start(&mut flow, Fit);
    let events =
        apply(&mut flow, FlowCommand::Complete { fence, summary: StageSummary::default(), reopen: Some(Synthesise) });
    assert!(matches!(events[..], [FlowEvent::StageCompleted { .. }, FlowEvent::StageReopened { .. }]));
    assert!(owes(&flow, Synthesise) && !owes(&flow, Fit));
    assert_eq!((flow.cell(Synthesise).run, flow.cell(Fit).run), (2, 2));
    assert_eq!(flow.cell(Mix).run, 1, "what never ran keeps its run");
}

#[test]
fn work_ids_name_stream_stage_run_and_attempt() {
    let fence = Fence { stage: Mix, run: 1, attempt: 1 };
    let id = work_id("track-1-es", fence);
    assert_eq!(id, work_id("track-1-es", fence));
    for other in [
        work_id("track-1-ca", fence),
        work_id("track-1-es", Fence { stage: Mux, ..fence }),
        work_id("track-1-es", Fence { run: 2, ..fence }),
        work_id("track-1-es", Fence { attempt: 2, ..fence }),
    ] {
        assert_ne!(id, other);
    }
}
