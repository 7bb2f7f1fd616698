//! An operator passes over what is parked: every row that the flow can go on without, and no other.

use super::*;

fn pass_over(stage: Stage) -> FlowCommand {
    FlowCommand::PassOver { stage, reason: "the engine does not know this face".to_owned() }
}

/// A flow in which a stage is parked.
fn parked(stage: Stage) -> Flow {
    let mut flow = before(stage);
    let fence = start(&mut flow, stage);
    apply(&mut flow, fail(fence, true));
    flow
}

#[test]
fn what_is_parked_is_passed_over_where_the_flow_can_go_on_without_it() {
    for row in &TABLE {
        let stage = row.stage;
        let mut flow = parked(stage);
        let Some(missing) = needed_for(stage) else {
            let events = apply(&mut flow, pass_over(stage));
            assert!(matches!(&events[..], [FlowEvent::StageSkipped { fence, engine, .. }, FlowEvent::FlowResumed]
                if (fence.stage, fence.run, fence.attempt) == (stage, 1, 1) && engine == SKIPPED_BY_OPERATOR));
            assert!(flow.is_done(stage) && flow.paused.is_none() && flow.failures.is_empty(), "{stage}");
            assert!(!next_actions(&flow).is_empty(), "{stage} is not waited for");
            assert_eq!(decide(&flow, pass_over(stage)), Ok(vec![]), "skipping {stage} twice is silent");
            continue;
        };
        let refused = decide(&flow, pass_over(stage)).expect_err("it is needed");
        assert_eq!(refused, FlowRejection::Needed(stage));
        assert_eq!(refused.to_string(), format!("{stage} cannot be skipped: {missing}"));
    }
}

#[test]
fn only_what_is_parked_is_passed_over() {
    for stage in TABLE.iter().map(|row| row.stage).filter(|stage| needed_for(*stage).is_none()) {
        let refused = Err(FlowRejection::NotParked(stage));
        let mut flow = before(stage);
        assert_eq!(decide(&flow, pass_over(stage)), refused, "{stage} waits");
        let fence = start(&mut flow, stage);
        assert_eq!(decide(&flow, pass_over(stage)), refused, "a worker is at {stage}");
        apply(&mut flow, complete(fence));
        assert_eq!(decide(&flow, pass_over(stage)), refused, "{stage} is done");
        assert_eq!(decide(&Flow::new(Track), pass_over(Clean)), Err(FlowRejection::NotParked(Clean)));
    }
}

#[test]
fn what_else_stands_still_stays_so() {
    let mut flow = parked(SyncLips);
    // Beside it, another one parks.
    flow.paused = None;
    let fence = start(&mut flow, Mix);
    apply(&mut flow, fail(fence, true));
    assert!(matches!(apply(&mut flow, pass_over(SyncLips))[..], [FlowEvent::StageSkipped { .. }]));
    assert!(flow.paused.is_some() && flow.phase(Mix) == Phase::Parked);
    let mut held = parked(Mark);
    apply(&mut held, pause());
    assert!(matches!(apply(&mut held, pass_over(Mark))[..], [FlowEvent::StageSkipped { .. }]));
    assert!(held.is_held(), "a user's pause is the user's");
}
