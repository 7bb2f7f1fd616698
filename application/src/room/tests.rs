//! What fits begins, what does not waits, and nobody waits for ever.

use super::*;
use crate::ports::child::ChildMemory;
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

const MIB: u64 = 1 << 20;

fn room(memory_mib: u64, needs: &[(Stage, u64)]) -> Room {
    let needs = needs.iter().map(|(stage, mib)| (*stage, mib * MIB)).collect();
    Room::new(RoomLimits { memory_bytes: Some(memory_mib * MIB), needs, ..RoomLimits::default() })
}

fn is_admitted(room: &Room, stage: Stage) -> bool {
    room.admit(stage).is_some()
}

#[test]
fn what_fits_beside_those_under_way_begins() {
    let room = room(1_000, &[(Stage::Transcribe, 600), (Stage::Mix, 300)]);
    let transcribing = room.admit(Stage::Transcribe).unwrap();
    assert!(!is_admitted(&room, Stage::Transcribe));
    let mixing = room.admit(Stage::Mix).unwrap();
    assert!(!is_admitted(&room, Stage::Mix));
    assert!(is_admitted(&room, Stage::Publish), "it needs nothing");
    assert_eq!(room.figures().held_bytes, 900 * MIB);
    drop(transcribing);
    let others = [room.admit(Stage::Mix), room.admit(Stage::Mix)];
    assert_eq!(others.iter().flatten().count(), 2);
    drop((mixing, others));
    assert_eq!(room.figures().held_bytes, 0);
}

#[test]
fn one_alone_may_always_begin_however_large_it_is() {
    let room = room(100, &[(Stage::Transcribe, 600), (Stage::Mix, 10)]);
    let free = room.admit(Stage::Publish).unwrap();
    let large = room.admit(Stage::Transcribe).unwrap();
    assert!(!is_admitted(&room, Stage::Mix) && !is_admitted(&room, Stage::Transcribe));
    drop((large, free));
    let small = room.admit(Stage::Mix).unwrap();
    assert!(!is_admitted(&room, Stage::Transcribe), "not beside another");
    drop(small);
    assert!(is_admitted(&room, Stage::Transcribe));
}

#[test]
fn the_largest_that_was_seen_counts_unless_more_was_said() {
    let room = room(1_000, &[(Stage::Mix, 300)]);
    let beginning = [room.admit(Stage::Translate), room.admit(Stage::Translate)];
    assert_eq!(room.figures().held_bytes, 0, "nothing is known of it yet");
    for mib in [400, 700, 200] {
        room.ended(Stage::Translate, "done", mib * MIB);
    }
    room.ended(Stage::Mix, "failed", 100 * MIB);
    drop(beginning);
    let needs = room.figures().needs;
    assert_eq!(needs, BTreeMap::from([(Stage::Translate, 700 * MIB), (Stage::Mix, 300 * MIB)]));
    let translating = room.admit(Stage::Translate).unwrap();
    assert!(!is_admitted(&room, Stage::Translate));
    // What is held is given back as it was, whatever was learned since.
    room.ended(Stage::Translate, "done", 900 * MIB);
    drop(translating);
    assert_eq!(room.figures().held_bytes, 0);
    assert_eq!(room.figures().ended[&(Stage::Translate, "done")], 4);
}

#[test]
fn so_many_of_a_stage_at_a_time() {
    let by_stage = BTreeMap::from([(Stage::Transcribe, 1), (Stage::Synthesise, 2)]);
    let room = Room::new(RoomLimits { by_stage, ..RoomLimits::default() });
    let one = room.admit(Stage::Transcribe).unwrap();
    let two = [room.admit(Stage::Synthesise), room.admit(Stage::Synthesise)];
    assert!(two.iter().all(Option::is_some));
    assert!(!is_admitted(&room, Stage::Transcribe) && !is_admitted(&room, Stage::Synthesise));
    let many: Vec<_> = (0..100).map(|_| room.admit(Stage::Mix)).collect();
    assert!(many.iter().all(Option::is_some), "as many as there are workers");
    drop(one);
    assert!(is_admitted(&room, Stage::Transcribe));
    assert_eq!(room.figures().waits, BTreeMap::new(), "memory had nothing to do with it");
}

#[test]
fn a_stage_that_waits_for_memory_is_counted_once() {
    let room = room(100, &[(Stage::Transcribe, 60)]);
    for _ in 0..2 {
        let asking = room.admit(Stage::Transcribe).unwrap();
        assert!(!is_admitted(&room, Stage::Transcribe), "that alone is no wait: there may be no work");
        let at_work = room.at_work(Stage::Transcribe);
        for _ in 0..5 {
            assert!(!is_admitted(&room, Stage::Transcribe));
        }
        drop((asking, at_work));
    }
    assert!(is_admitted(&room, Stage::Transcribe));
    assert_eq!(room.figures().waits[&Stage::Transcribe], 2);
}

#[test]
fn a_closed_room_lets_nothing_in_and_disturbs_nobody() {
    let room = Room::unbounded();
    let within = room.admit(Stage::Mix).unwrap();
    let at_work = room.at_work(Stage::Mix);
    room.close(true);
    assert!(!is_admitted(&room, Stage::Publish));
    assert_eq!((room.figures().is_closed, room.figures().at_work[&Stage::Mix]), (true, 1));
    drop((within, at_work));
    assert!(!is_admitted(&room, Stage::Publish));
    room.close(false);
    assert!(is_admitted(&room, Stage::Publish));
    assert_eq!(room.figures().at_work[&Stage::Mix], 0);
}

#[test]
fn a_paused_stage_is_not_let_in_and_others_are() {
    let room = Room::unbounded();
    let within = room.admit(Stage::Mix).unwrap();
    assert!(is_woken(&room, || room.pause([Stage::Mix, Stage::Mux].into())));
    assert!(!is_woken(&room, || room.pause([Stage::Mix, Stage::Mux].into())), "nothing has changed");
    assert!(!is_admitted(&room, Stage::Mix) && !is_admitted(&room, Stage::Mux));
    assert!(is_admitted(&room, Stage::Publish));
    drop(within);
    assert!(!is_admitted(&room, Stage::Mix));
    assert!(is_woken(&room, || room.pause([Stage::Mux].into())));
    assert!(is_admitted(&room, Stage::Mix) && !is_admitted(&room, Stage::Mux));
}

/// Whether somebody who waits since before `then` is woken by it.
fn is_woken(room: &Room, then: impl FnOnce()) -> bool {
    let mut changes = room.changes();
    then();
    pin!(changes.next()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

#[test]
fn who_was_refused_is_woken_and_others_are_left_alone() {
    let room = room(100, &[(Stage::Mix, 60)]);
    let mixing = room.admit(Stage::Mix).unwrap();
    let publishing = room.admit(Stage::Publish);
    assert!(!is_woken(&room, || drop(publishing)), "nobody was refused");
    assert!(!is_admitted(&room, Stage::Mix));
    assert!(is_woken(&room, || drop(mixing)));
    assert!(is_woken(&room, || room.close(true)));
    assert!(!is_admitted(&room, Stage::Mix));
    assert!(is_woken(&room, || room.close(false)));
}

#[tokio::test]
async fn children_of_a_task_are_counted_where_it_says() {
    assert!(ChildMemory::here().is_none());
    let memory = Arc::new(ChildMemory::default());
    let attempt = async {
        let here = ChildMemory::here().unwrap();
        let (one, other) = (here.enter(), here.enter());
        one.had(3 * MIB);
        drop(one);
        other.had(2 * MIB);
        drop(other);
        drop(here.enter());
    };
    Arc::clone(&memory).of_children_in(attempt).await;
    assert_eq!(memory.bytes(), 6 * MIB, "two at a time, the largest of 3 MiB");
}
