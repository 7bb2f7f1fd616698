//! What states refer to, over histories made up by chance.

use super::{BlobHolder, references};
use crate::{ports::event_log::DomainEvent, testing::story::Story};
use domain::{
    dubbing::Dubbing,
    flow::{Flow, Phase, Scope, Stage, rows},
    track::Track,
    value::Sha256,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Seeds of the histories, and the steps of each.
const HISTORIES: std::ops::Range<u64> = 0..8;
const STEPS: usize = 2_000;

/// At each step of each history, the states as they are.
fn at_each_step(mut look: impl FnMut(&Story)) {
    for seed in HISTORIES {
        let (mut story, mut told) = (Story::begin(seed, 3), 0);
        for _ in 0..STEPS {
            story.step();
            if story.events().len() > told {
                told = story.events().len();
                look(&story);
            }
        }
    }
}

fn held(holder: &BlobHolder) -> BTreeSet<Sha256> {
    let mut held = BTreeSet::new();
    holder.references(&mut |artefact| {
        held.insert(artefact.sha256);
    });
    held
}

fn referred(event: &DomainEvent) -> BTreeSet<Sha256> {
    let mut referred = BTreeSet::new();
    references(event, &mut |artefact| {
        referred.insert(artefact.sha256);
    });
    referred
}

/// The digests of all artefacts in a state: objects of exactly an artefact's fields.
fn stored(state: &impl Serialize) -> BTreeSet<Sha256> {
    fn look(value: &Value, found: &mut BTreeSet<Sha256>) {
        match value {
            Value::Object(fields) => {
                let names: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
                if names == BTreeSet::from(["bytes", "media_type", "sha256"]) {
                    let digest = fields["sha256"].as_str().and_then(|digest| digest.parse().ok());
                    found.insert(digest.expect("a digest"));
                }
                fields.values().for_each(|value| look(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| look(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    look(&serde_json::to_value(state).expect("a state"), &mut found);
    found
}

/// Those of them that only led to what is there now: the film before it was signed.
fn superseded_of_track(track: &Track) -> Option<Sha256> {
    let signed = track.signed.as_ref().filter(|_| track.flow.is_done(Stage::Sign))?.media.sha256;
    track.muxed.as_ref().map(|muxed| muxed.media.sha256).filter(|muxed| *muxed != signed)
}

/// The same of a dubbing: its source, once all is done with a copy of it.
fn superseded_of_dubbing(dubbing: &Dubbing) -> Option<Sha256> {
    let request = dubbing.request.as_ref().filter(|request| request.order.asset.is_none())?;
    let copy = dubbing.source.as_ref().filter(|_| dubbing.flow.is_done(Stage::Clean))?;
    (copy.media.sha256 != request.source.sha256).then_some(request.source.sha256)
}

fn is_undone(flow: &Flow, scope: Scope) -> bool {
    rows(scope).any(|row| flow.phase(row.stage) == Phase::Undone)
}

#[test]
fn a_state_refers_to_all_that_it_holds_and_that_is_of_use() {
    let (mut whole, mut released, mut superseded) = (0, 0, 0);
    let mut check = |mut state: BTreeSet<Sha256>, holder: BlobHolder, is_undone: bool, gone: Option<Sha256>| {
        let held = held(&holder);
        superseded += usize::from(gone.is_some_and(|gone| state.remove(&gone)));
        if is_undone {
            assert!(held.is_subset(&state));
            released += usize::from(held.len() < state.len());
        } else {
            assert_eq!(held, state);
            whole += usize::from(held.len() > 3);
        }
    };
    at_each_step(|story| {
        for state in story.dubbings().values() {
            let holder = BlobHolder::Dubbing(Box::new(state.clone()));
            let gone = superseded_of_dubbing(state);
            check(stored(state), holder, is_undone(&state.flow, Scope::Dubbing), gone);
        }
        for state in story.tracks().values() {
            let holder = BlobHolder::Track(Box::new(state.clone()));
            let gone = superseded_of_track(state);
            check(stored(state), holder, is_undone(&state.flow, Scope::Track), gone);
        }
        for state in story.assets().values() {
            check(stored(state), BlobHolder::Asset(Box::new(state.clone())), false, None);
        }
        for state in story.glossaries().values() {
            check(stored(state), BlobHolder::Glossary(Box::new(state.clone())), false, None);
        }
    });
    let counts = [whole, released, superseded];
    assert!(counts.iter().all(|count| *count > 100), "states that were whole, had released or superseded: {counts:?}");
}

#[test]
fn a_fork_takes_over_nothing_that_its_origin_does_not_refer_to() {
    let mut taken = 0;
    at_each_step(|story| {
        for (id, dubbing) in story.dubbings() {
            let of_dubbing = held(&BlobHolder::Dubbing(Box::new(dubbing.clone())));
            for row in rows(Scope::Dubbing) {
                for event in dubbing.inheritance(row.stage) {
                    let referred = referred(&DomainEvent::Dubbing(event));
                    assert!(referred.is_subset(&of_dubbing), "{id} forked at {}", row.stage);
                    taken += referred.len();
                }
            }
            for (track_id, track) in story.tracks().iter().filter(|(track, _)| track.dubbing == *id) {
                taken += forked_tracks(dubbing, track, &track_id.to_string());
            }
        }
    });
    assert!(taken > 1_000, "only {taken} blobs were taken over");
}

fn forked_tracks(dubbing: &Dubbing, track: &Track, name: &str) -> usize {
    let held = held(&BlobHolder::Track(Box::new(track.clone())));
    let Some(header) = &track.header else { return 0 };
    let mut taken = 0;
    for row in rows(Scope::Track) {
        for event in track.inheritance(row.stage, &header.settings, &dubbing.lines_beside(dubbing)) {
            let referred = referred(&DomainEvent::Track(event));
            assert!(referred.is_subset(&held), "{name} forked at {}", row.stage);
            taken += referred.len();
        }
    }
    taken
}
