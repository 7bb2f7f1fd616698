//! What crosses streams: what a dubbing has decided goes to its tracks, and what became of a track goes
//! to its dubbing.
//!
//! Each stream is written on its own, and the decision always stands in one of them first. So whatever
//! is still to be carried follows from the two states alone, and a crash in between loses nothing. Pure:
//! the process manager carries it out, under ids that it derives.

use crate::flows::is_in_flight;
use domain::{
    dubbing::{Dubbing, DubbingCommand, Outcome, Phase as Life, RequestedTrack},
    flow::{self, Action, Flow, FlowCommand, PAUSED_BY_USER, Scope},
    track::{Track, TrackCommand},
    value::TrackId,
};

/// Something to be carried from one stream into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Into the track's stream.
    ToTrack(TrackCommand),
    /// Into the dubbing's stream.
    ToDubbing(DubbingCommand),
}

/// What is to be carried next between a dubbing and one of its tracks (which may not have begun). What a fork takes
/// over stands in another dubbing: the caller adds it to a beginning.
pub fn crossing(id: &TrackId, dubbing: &Dubbing, track: &Track) -> Option<Crossing> {
    let requested = dubbing.tracks.get(&id.language)?;
    let is_over = matches!(dubbing.phase, Life::Failed | Life::Cancelled);
    let is_off = requested.outcome == Some(Outcome::Cancelled) || (is_over && requested.outcome.is_none());
    let to_flow = |command| Some(Crossing::ToTrack(TrackCommand::Flow(command)));
    let Some(header) = &track.header else {
        let may_begin = !is_off && !is_over && !dubbing.flow.is_held() && is_track_ready(&dubbing.flow);
        return if may_begin { begin(id, dubbing) } else { None };
    };
    if is_off {
        return (!track.cancelled).then_some(Crossing::ToTrack(TrackCommand::Cancel));
    }
    if track.cancelled {
        let may_begin = !is_over && requested.outcome.is_none() && track.flow.ended && !dubbing.flow.is_held();
        return if may_begin { begin(id, dubbing) } else { None };
    }
    let is_as_settled = track.flow.is_at_rest() && header.settings == requested.settings;
    if requested.outcome.is_some() && !is_as_settled {
        // It was being made anew, and that was called off.
        return Some(Crossing::ToTrack(TrackCommand::CallOff(requested.settings.clone())));
    }
    if is_over {
        // What was finished before the dubbing was called off is kept.
        return None;
    }
    match (dubbing.flow.is_held(), track.flow.is_held()) {
        (true, false) => return to_flow(FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() }),
        (false, true) => return to_flow(FlowCommand::Resume),
        (true, true) => return None,
        (false, false) => {}
    }
    if requested.outcome.is_none() && track.regenerations < requested.regenerations {
        let (from, request, lines) = (requested.replay_from, requested.regenerations, dubbing.source_lines());
        return Some(Crossing::ToTrack(TrackCommand::Regenerate { from, request, lines }));
    }
    if header.settings != requested.settings {
        return Some(Crossing::ToTrack(TrackCommand::Revise(requested.settings.clone())));
    }
    settle(id, dubbing, requested, track)
}

/// Whether a dubbing, with its tracks as they are, needs to be driven: something is owed, under way or to be
/// carried. What is parked, paused or settled does not.
pub fn is_to_be_driven<'a>(dubbing: &Dubbing, tracks: impl IntoIterator<Item = (&'a TrackId, &'a Track)>) -> bool {
    if dubbing.phase == Life::NotStarted {
        return false;
    }
    let owes_or_crosses = |(id, track): (&TrackId, &Track)| {
        crossing(id, dubbing, track).is_some() || (track.header.is_some() && owes(&track.flow))
    };
    owes(&dubbing.flow) || tracks.into_iter().any(owes_or_crosses)
}

fn owes(flow: &Flow) -> bool {
    // That a track has finished is heard by its dubbing: that is a crossing.
    let is_owed = |action: &Action| *action != Action::Finish || flow.undoing || flow.scope == Scope::Dubbing;
    is_in_flight(flow) || flow::next_actions(flow).iter().any(is_owed)
}

fn begin(id: &TrackId, dubbing: &Dubbing) -> Option<Crossing> {
    let (request, requested) = (dubbing.request.as_ref()?, dubbing.tracks.get(&id.language)?);
    Some(Crossing::ToTrack(TrackCommand::Start {
        dubbing: id.dubbing,
        source_language: request.source_language.clone(),
        language: id.language.clone(),
        settings: requested.settings.clone(),
        lines: dubbing.source_lines(),
        inherited: vec![],
    }))
}

fn settle(id: &TrackId, dubbing: &Dubbing, requested: &RequestedTrack, track: &Track) -> Option<Crossing> {
    if requested.outcome.is_some() {
        return None;
    }
    let outcome = if flow::next_actions(&track.flow) == [Action::Finish] {
        let is_to_attend = dubbing.lines_of(track).any(|(_, _, line)| line.needs_attention());
        if is_to_attend { Outcome::NeedsAttention } else { Outcome::Completed }
    } else if track.flow.ended {
        // Its run was called off, and what was asked for since is what it is already.
        requested.kept.as_ref()?.outcome
    } else {
        return None;
    };
    let (language, request) = (id.language.clone(), requested.requests);
    Some(Crossing::ToDubbing(DubbingCommand::SettleTrack { language, request, outcome }))
}

/// Whether everything that tracks wait for in the dubbing's scope is done.
fn is_track_ready(dubbing: &Flow) -> bool {
    let in_dubbing = |stage: &&flow::Stage| flow::is_in(Scope::Dubbing, **stage);
    flow::rows(Scope::Track).flat_map(|row| row.after.iter().filter(in_dubbing)).all(|stage| dubbing.is_done(*stage))
}
