//! How far a dubbing is, and what is left.
//!
//! The share that is done is weighted by the time that stages usually take, always the same, so that it does not jump
//! when new measurements come in. What is left is told in the time that stages take here.

use super::stages::{Lines, lines_of_dubbing, lines_of_track};
use application::estimate::{Rates, assumed};
use domain::{
    dubbing::{Dubbing, Transcript},
    flow::{Flow, Phase, Scope, Stage, rows},
    track::Track,
    value::LanguageTag,
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = DubbingProgress)]
pub(crate) struct Progress {
    /// Share that is done, by the time that stages usually take. Falls when something is asked for anew.
    #[schema(minimum = 0, maximum = 1)]
    pub fraction: f64,
    /// Estimate of the seconds that are left, as if languages were made one after another, without waiting for a turn.
    /// Absent when nothing is left or nothing goes on, and until the source's length is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

/// A stage, and the share of it that is done.
type Part = (Stage, f64);

/// The parts of a dubbing: those of the whole, and those of every language that is not called off.
pub(super) fn parts(dubbing: &Dubbing, tracks: &[(LanguageTag, Arc<Track>)]) -> Vec<Part> {
    let mut parts: Vec<Part> = of_dubbing(dubbing).collect();
    for (_, track) in tracks.iter().filter(|(_, track)| !track.cancelled) {
        parts.extend(of_track(track));
    }
    parts
}

/// Share of a language that is done: of all that must be done for it.
pub(super) fn fraction_of_track(dubbing: &Dubbing, track: &Track) -> f64 {
    let is_before = |(stage, _): &Part| *stage != Stage::Clean;
    let parts: Vec<Part> = of_dubbing(dubbing).filter(is_before).chain(of_track(track)).collect();
    fraction(&parts)
}

/// Share that is done, from 0 to 1, to a thousandth.
pub(super) fn fraction(parts: &[Part]) -> f64 {
    let weight = |stage: Stage| assumed(stage).max(1) as f64;
    let all: f64 = parts.iter().map(|(stage, _)| weight(*stage)).sum();
    let done: f64 = parts.iter().map(|(stage, share)| weight(*stage) * share).sum();
    if all > 0.0 { (done / all * 1_000.0).floor() / 1_000.0 } else { 0.0 }
}

/// Seconds that the rest takes for a source of this length, begun ones counted whole.
pub(super) fn seconds_left(parts: &[Part], source_ms: u64, rates: &Rates) -> u64 {
    let left = parts.iter().map(|(stage, share)| rates.wall_ms(*stage, source_ms) as f64 * (1.0 - share));
    (left.sum::<f64>() / 1_000.0).ceil() as u64
}

fn of_dubbing(dubbing: &Dubbing) -> impl Iterator<Item = Part> + '_ {
    // Reading a transcript takes no time worth naming.
    let is_read = dubbing.request.as_ref().is_some_and(|request| request.transcript != Transcript::Recognised);
    let stages = rows(Scope::Dubbing).map(|row| row.stage).filter(move |stage| !is_read || *stage != Stage::Transcribe);
    stages.map(|stage| (stage, share(&dubbing.flow, stage, lines_of_dubbing(dubbing, stage))))
}

fn of_track(track: &Track) -> impl Iterator<Item = Part> + '_ {
    rows(Scope::Track).map(|row| (row.stage, share(&track.flow, row.stage, lines_of_track(track, row.stage))))
}

fn share(flow: &Flow, stage: Stage, lines: Option<Lines>) -> f64 {
    match flow.phase(stage) {
        Phase::Done | Phase::Skipped => 1.0,
        // What was reported before an attempt failed is kept.
        Phase::Started(_) | Phase::RetryAt(_) | Phase::Parked | Phase::Requested(_) => {
            lines.filter(|lines| lines.of > 0).map_or(0.0, |lines| lines.done as f64 / lines.of as f64)
        }
        Phase::Waiting | Phase::Undone => 0.0,
    }
}
