//! The track of a long film: as many events as are asked for, each decided on by the domain.

use super::{Random, facts, tag};
use domain::{
    decider::Decider,
    flow::{Fence, FlowCommand, Stage, StageSummary, work_id},
    track::{Background, SourceLine, Track, TrackCommand, TrackEvent},
    value::{DubbingId, TrackId, UtteranceId},
};
use uuid::Uuid;

/// Lines of the film: about two hours of talk.
const LINES: u32 = 2_000;
/// The stages that say something about each line.
const STAGES: [Stage; 4] = [Stage::Translate, Stage::AssignVoices, Stage::Synthesise, Stage::Fit];

/// The track that [`long_track`] tells of.
pub fn long_track_id() -> TrackId {
    TrackId { dubbing: DubbingId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_00fe_a7e5)), language: tag("es") }
}

/// A track of 2,000 lines that are translated, spoken, placed, and then corrected over and over: so many events.
pub fn long_track(events: usize) -> Vec<TrackEvent> {
    let (id, mut told) = (long_track_id(), Told::default());
    let mut random = Random::new(7);
    let lines = (1..=LINES).map(|line| SourceLine { utterance: UtteranceId(line), revision: 1 });
    let settings = super::request("es", Background::Duck).settings;
    told.give(facts::track_start(&id, settings, lines.collect()));
    for stage in STAGES {
        let fence = Fence { stage, run: 1, attempt: 1 };
        let work_id = work_id(&format!("track-{id}"), fence);
        told.give(TrackCommand::Flow(FlowCommand::Request { stage, work_id }));
        told.give(TrackCommand::Flow(FlowCommand::Start(fence)));
        let facts = facts::of_track(&mut random, stage, &told.track);
        told.give(TrackCommand::Complete { fence, facts, summary: StageSummary::default(), reopen: None });
    }
    let mut lines = (1..=LINES).cycle().map(UtteranceId);
    while told.events.len() < events {
        let Some(line) = lines.next() else { break };
        let round = told.events.len();
        told.give(facts::word_anew(line, round));
    }
    told.events.truncate(events);
    told.events
}

#[derive(Default)]
struct Told {
    track: Track,
    events: Vec<TrackEvent>,
}

impl Told {
    fn give(&mut self, command: TrackCommand) {
        let decided = Track::decide(&self.track, command).unwrap_or_default();
        decided.iter().for_each(|event| Track::evolve(&mut self.track, event));
        self.events.extend(decided);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_events_are_told_and_every_line_is_made() {
        let events = long_track(10_000);
        assert_eq!(events.len(), 10_000);
        let track = domain::decider::fold::<Track>(&events);
        assert_eq!(track.lines.len(), LINES as usize);
        assert!(track.flow.is_done(Stage::Fit));
        assert!(track.lines.values().all(|line| line.translation.is_some()));
    }
}
