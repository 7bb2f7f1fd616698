//! States are kept whole: what is read back is what was written, and goes on as if nothing had happened.

use super::{every_aggregate, histories};
use crate::{
    aggregates::Aggregate,
    testing::story::{SECRET, Story, long_track},
};
use domain::track::Track;
use std::fmt::Debug;

fn kept_and_read<A: Aggregate>(state: &A) -> A {
    serde_json::from_slice(&serde_json::to_vec(state).unwrap()).unwrap()
}

fn check<A: Aggregate + PartialEq + Debug>(stories: &[Story]) {
    let mut longest = 0;
    for ((_, stream), events) in histories::<A>(stories) {
        longest = longest.max(events.len());
        let mut state = A::default();
        let mut resumed: Vec<A> = vec![];
        for event in &events {
            assert_eq!(kept_and_read(&state), state, "{stream}");
            // What was kept after each of the events before goes on with all that came after.
            resumed.push(kept_and_read(&state));
            A::evolve(&mut state, event);
            for resumed in &mut resumed {
                A::evolve(resumed, event);
            }
        }
        assert_eq!(kept_and_read(&state), state, "{stream}");
        assert!(resumed.iter().all(|resumed| *resumed == state), "{stream}");
    }
    assert!(longest >= 3, "{} has no history worth the name", std::any::type_name::<A>());
}

#[test]
fn every_state_of_every_history_is_read_as_it_was_written_and_goes_on() {
    let stories: Vec<Story> = (0..3).map(|seed| Story::of_events(seed, 2, 1_500)).collect();
    every_aggregate!(check(&stories));
}

#[test]
fn a_long_track_is_read_as_it_was_written() {
    let mut track = Track::default();
    for (number, event) in long_track(10_000).iter().enumerate() {
        Track::evolve(&mut track, event);
        if number.is_multiple_of(997) {
            assert_eq!(kept_and_read(&track), track);
        }
    }
    assert_eq!(kept_and_read(&track), track);
    assert!(serde_json::to_string(&track).unwrap().contains(SECRET), "what is personal is kept with it");
}
