//! Forking: what another dubbing takes over instead of finding it out again.

use super::{Dubbing, DubbingEvent, DubbingRejection};
use crate::{
    flow::{FlowEvent, Scope, Stage, with_followers},
    track::{ForkedLines, SourceLine},
};

/// The beginning of a fork: as any, and then what was inherited.
pub(super) fn decide(
    begun: Vec<DubbingEvent>,
    inherited: Vec<DubbingEvent>,
) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let is_fit = |event: &DubbingEvent| match event {
        DubbingEvent::Flow(FlowEvent::StageInherited { .. }) => true,
        event => event.reported_by().is_some(),
    };
    if !inherited.iter().all(is_fit) {
        return Err(DubbingRejection::ForeignFact);
    }
    Ok(begun.into_iter().chain(inherited).collect())
}

impl Dubbing {
    /// What a fork that begins at `from` takes over: the facts of all stages before, as they are now, edits
    /// included, and that those stages are done. Stages of tracks take over everything here but cleaning up.
    pub fn inheritance(&self, from: Stage) -> Vec<DubbingEvent> {
        let mut anew = with_followers(Scope::Dubbing, from);
        anew.push(Stage::Clean);
        let kept = self.flow.done_without(&anew);
        let is_kept = |fact: &DubbingEvent| fact.reported_by().is_some_and(|stage| kept.contains(&stage));
        let mut events: Vec<DubbingEvent> = self.facts().into_iter().filter(is_kept).collect();
        for stage in kept {
            let summary = self.flow.summaries.get(&stage).cloned().unwrap_or_default();
            events.push(DubbingEvent::Flow(FlowEvent::StageInherited { stage, summary }));
        }
        events
    }

    /// The lines of a fork beside those of its origin.
    pub fn lines_beside(&self, origin: &Dubbing) -> ForkedLines {
        let is_alike = |line: &&SourceLine| {
            let id = line.utterance;
            self.utterances.get(&id) == origin.utterances.get(&id) && self.speaker_of(id) == origin.speaker_of(id)
        };
        let fork = self.source_lines();
        ForkedLines { origin: origin.source_lines(), alike: fork.iter().filter(is_alike).copied().collect(), fork }
    }

    /// All that is known of the source, as the facts that say so.
    fn facts(&self) -> Vec<DubbingEvent> {
        let mut facts = Vec::new();
        facts.extend(self.source.clone().map(DubbingEvent::SourceIngested));
        facts.extend(self.sound.clone().map(DubbingEvent::SpeechSeparated));
        if !self.planned.is_empty() {
            facts.push(DubbingEvent::SpeechSegmented { utterances: self.planned.clone() });
        }
        facts.extend(self.utterances.values().cloned().map(DubbingEvent::UtteranceTranscribed));
        for (speaker, known) in &self.speakers {
            facts.push(DubbingEvent::SpeakerIdentified {
                speaker: *speaker,
                name: known.name.clone(),
                pitch_hz: known.pitch_hz,
                utterances: known.utterances.clone(),
            });
        }
        facts
    }
}
