//! What a track waits for, and how many of its lines have come how far.

use domain::{
    dubbing::{Dubbing, Phase, RequestedTrack},
    track::{Line, Track},
};

/// What somebody has to do so that a track goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// Resume the dubbing: a user paused it.
    Resume,
    /// Retry: a stage is out of attempts.
    Retry,
}

/// Numbers of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// All.
    pub total: usize,
    /// With a translation.
    pub translated: usize,
    /// Spoken.
    pub synthesised: usize,
    /// With a place in the track.
    pub fitted: usize,
    /// With a flag.
    pub flagged: usize,
    /// That a person should look at.
    pub to_attend: usize,
    /// Changed, added or gone since the result was made.
    pub stale: usize,
}

/// What it waits for, while it is under way.
pub fn waits_for(dubbing: &Dubbing, track: &Track, asked: &RequestedTrack) -> Option<WaitsFor> {
    if asked.outcome.is_some() || dubbing.phase != Phase::Processing {
        return None;
    }
    let flows = [&dubbing.flow, &track.flow];
    if flows.iter().any(|flow| flow.is_held()) {
        Some(WaitsFor::Resume)
    } else {
        flows.iter().any(|flow| flow.has_parked()).then_some(WaitsFor::Retry)
    }
}

/// Counts the lines; before the track has begun, those of the transcript.
pub fn count(dubbing: &Dubbing, track: &Track) -> LineCounts {
    let of = |is: fn(&Line) -> bool| track.lines.values().filter(|line| is(line)).count();
    let has_begun = track.header.is_some();
    let stale = if track.published.is_some() { track.stale_lines(&dubbing.source_lines()).len() } else { 0 };
    LineCounts {
        total: if has_begun { track.lines.len() } else { dubbing.utterances.len() },
        translated: of(|line| line.translation.is_some()),
        synthesised: of(|line| !line.speech.is_empty()),
        fitted: of(|line| line.placement.is_some()),
        flagged: of(|line| !line.flags.is_empty()),
        to_attend: track.lines_to_attend(),
        stale,
    }
}
