//! Forking: what a track takes over from another one instead of making it again.

use super::{Line, Track, TrackEvent, TrackRejection, TrackSettings};
use crate::{
    flow::{FlowEvent, Scope, Stage, with_followers},
    value::UtteranceId,
};

/// The beginning of a fork: as any, and then what was inherited.
pub(super) fn decide(begun: TrackEvent, inherited: Vec<TrackEvent>) -> Result<Vec<TrackEvent>, TrackRejection> {
    let is_fit = |event: &TrackEvent| match event {
        TrackEvent::Flow(FlowEvent::StageInherited { .. })
        | TrackEvent::TranslationEdited { .. }
        | TrackEvent::LineDirected { .. } => true,
        event => event.reported_by().is_some(),
    };
    if !inherited.iter().all(is_fit) {
        return Err(TrackRejection::ForeignFact);
    }
    Ok([begun].into_iter().chain(inherited).collect())
}

impl Track {
    /// What a fork that begins at `from`, with these settings, takes over: what people said, the facts of all stages
    /// before, and that those stages are done. The container is never taken over: it is kept no longer than until it
    /// is signed. What comes after a stage that was undone, as it is when a track is withdrawn, is made anew with it.
    pub fn inheritance(&self, from: Stage, settings: &TrackSettings) -> Vec<TrackEvent> {
        let mut anew = with_followers(Scope::Track, from);
        let differs = self.header.as_ref().and_then(|header| header.settings.first_affected(settings));
        anew.extend(differs.into_iter().flat_map(|stage| with_followers(Scope::Track, stage)));
        anew.extend(with_followers(Scope::Track, Stage::Mux));
        let kept = self.flow.done_without(&anew);
        let mut events: Vec<TrackEvent> = self.lines.iter().flat_map(|(id, line)| line.said(*id)).collect();
        let is_kept = |fact: &TrackEvent| fact.reported_by().is_some_and(|stage| kept.contains(&stage));
        events.extend(self.facts().into_iter().filter(is_kept));
        for stage in kept {
            let summary = self.flow.summaries.get(&stage).cloned().unwrap_or_default();
            events.push(TrackEvent::Flow(FlowEvent::StageInherited { stage, summary }));
        }
        events
    }

    /// All that was found for the track, as the facts that say so.
    fn facts(&self) -> Vec<TrackEvent> {
        let mut facts = Vec::new();
        if !self.route.is_empty() {
            facts.push(TrackEvent::TranslationRouted { languages: self.route.clone(), modes: vec![] });
        }
        let translations = self.lines.values().filter_map(|line| line.translation.clone());
        facts.extend(translations.map(TrackEvent::UtteranceTranslated));
        for (speaker, voice) in &self.voices {
            facts.push(TrackEvent::VoiceAssigned { speaker: *speaker, voice: voice.clone() });
        }
        for (id, line) in &self.lines {
            facts.extend(line.speech.iter().cloned().map(TrackEvent::UtteranceSynthesised));
            facts.extend(line.rate.map(|rate| TrackEvent::SpeechRateChosen { utterance: *id, rate }));
            facts.extend(line.placement.map(TrackEvent::UtteranceFitted));
            let flags = line.flags.iter();
            facts.extend(flags.map(|(stage, flag)| TrackEvent::UtteranceFlagged {
                utterance: *id,
                stage: *stage,
                flag: *flag,
            }));
        }
        facts.extend(self.mixed.clone().map(TrackEvent::TrackMixed));
        facts
    }
}

impl Line {
    /// What people said about it, as the events that say so.
    fn said(&self, utterance: UtteranceId) -> Vec<TrackEvent> {
        let mut said = Vec::new();
        if let Some((text, source_revision)) = &self.direction.wording {
            let (text, source_revision) = (Some(text.clone()), *source_revision);
            said.push(TrackEvent::TranslationEdited { utterance, text, source_revision });
        }
        if self.direction.voice.is_some() || self.direction.rate.is_some() {
            let (voice, rate) = (self.direction.voice.clone(), self.direction.rate);
            said.push(TrackEvent::LineDirected { utterance, voice, rate });
        }
        said
    }
}
