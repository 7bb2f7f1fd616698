//! Each command to the queues: accepted, silent.

use super::{Pause, Queues, QueuesCommand, QueuesEvent};
use crate::{
    decider::fold,
    flow::Stage,
    spec::given,
    value::{Personal, Timestamp},
};

fn pause(reason: &str) -> Pause {
    let (reason, by) = (Personal::new(reason.to_owned()), "api".to_owned());
    Pause { reason, by, since: Timestamp::from_unix_ms(1_000) }
}

fn paused(stage: Stage) -> QueuesEvent {
    QueuesEvent::QueuePaused { stage, pause: pause("a new model is put in") }
}

#[test]
fn a_queue_is_paused_once_and_others_go_on() {
    let command = |stage, reason| QueuesCommand::Pause { stage, pause: pause(reason) };
    let first = command(Stage::Synthesise, "a new model is put in");
    given::<Queues>([]).when(first.clone()).then([paused(Stage::Synthesise)]);
    given::<Queues>([paused(Stage::Synthesise)]).when(first).then_silent();
    given::<Queues>([paused(Stage::Synthesise)]).when(command(Stage::Synthesise, "another reason")).then_silent();
    given::<Queues>([paused(Stage::Mix)])
        .when(command(Stage::Synthesise, "a new model is put in"))
        .then([paused(Stage::Synthesise)]);
    let queues = fold::<Queues>(&[paused(Stage::Synthesise)]);
    assert!(!queues.is_open(Stage::Synthesise) && queues.is_open(Stage::Mix));
}

#[test]
fn a_queue_is_resumed_when_it_is_paused() {
    let (resume, resumed) =
        (QueuesCommand::Resume { stage: Stage::Mix }, QueuesEvent::QueueResumed { stage: Stage::Mix });
    given::<Queues>([paused(Stage::Mix)]).when(resume.clone()).then([resumed.clone()]);
    given::<Queues>([]).when(resume.clone()).then_silent();
    given::<Queues>([paused(Stage::Mix), resumed]).when(resume).then_silent();
}
