//! Who is driven when: two tenants, three priorities, pauses and places.

use super::*;
use crate::ports::event_log::Tenant;
use domain::dubbing::Priority;
use uuid::Uuid;

use Priority::{High, Low, Normal};

fn id(number: u128) -> DubbingId {
    DubbingId(Uuid::from_u128(number))
}

fn claim(tenant: &str, priority: Priority) -> Claim {
    Claim { tenant: Tenant(tenant.to_owned()), priority, traceparent: None }
}

/// Asked for in this order, by number.
fn line(asked: &[(&str, Priority)]) -> Line {
    let mut line = Line::default();
    for (number, (tenant, priority)) in (1..).zip(asked) {
        assert!(line.begin_look(id(number)));
        line.wait(id(number), claim(tenant, *priority), number as u64);
    }
    line
}

/// The numbers in the order in which they are driven, one at a time.
fn order(mut line: Line) -> Vec<u128> {
    let mut order = Vec::new();
    while let Some(next) = line.next(1) {
        assert_eq!(line.next(1), None, "one at a time");
        order.push(next.0.as_u128());
        line.ended(next);
        assert!(line.forget(next));
    }
    order
}

#[test]
fn two_tenants_and_three_priorities() {
    let asked =
        [("a", Low), ("a", Normal), ("a", Normal), ("a", High), ("a", High), ("b", Low), ("b", Normal), ("b", High)];
    assert_eq!(order(line(&asked)), [4, 8, 5, 2, 7, 3, 1, 6]);
}

#[test]
fn a_tenant_with_a_hundred_does_not_hold_up_one_with_one() {
    let mut asked = vec![("busy", Normal); 100];
    asked.push(("quiet", Normal));
    assert_eq!(order(line(&asked)).iter().position(|number| *number == 101), Some(1));
}

#[test]
fn places_are_counted_through_every_change() {
    let mut line = line(&[("a", Normal), ("a", Normal), ("a", Normal)]);
    line.reserve();
    let turn = line.next(2).expect("a place");
    let other = line.next(2).expect("a place");
    assert_eq!(line.next(2), None);
    let depth = |active, waiting, backing_off, reserved| AdmissionDepth { active, waiting, backing_off, reserved };
    assert_eq!(line.depth(), depth(2, 1, 0, 1));
    let now = Instant::now();
    line.failed(turn, now);
    line.give_back();
    assert_eq!(line.depth(), depth(1, 1, 1, 0));
    line.ended(other);
    assert!(line.forget(other));
    assert_eq!(line.depth(), depth(0, 1, 1, 0));
    assert!(!line.begin_look(turn), "it is known, and pauses");
    assert_eq!(line.rested(now), []);
    let until = line.rests_until().expect("a pause");
    assert_eq!(line.rested(until), [turn]);
    assert_eq!(line.depth(), depth(0, 2, 0, 0));
}

#[test]
fn pauses_grow_up_to_a_bound() {
    let mut line = line(&[("a", Normal)]);
    let now = Instant::now();
    let pauses: Vec<Duration> = (0..40).map(|_| line.failed(id(1), now)).collect();
    assert_eq!(pauses[..3], [BACK_OFF, BACK_OFF * 2, BACK_OFF * 4]);
    assert_eq!(pauses.last(), Some(&BACK_OFF_MAX));
}

#[test]
fn what_happens_during_a_look_is_looked_at_again() {
    let mut line = Line::default();
    assert!(line.begin_look(id(1)));
    assert!(!line.begin_look(id(1)), "somebody looks already");
    assert!(!line.forget(id(1)), "and has to look once more");
    assert!(line.forget(id(1)));
    assert_eq!(line.depth(), AdmissionDepth::default());
}
