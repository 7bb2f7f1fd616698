//! Forking: what a track takes over from another one instead of making it again.

use super::{Line, SourceLine, Track, TrackEvent, TrackRejection, TrackSettings};
use crate::{
    flow::{FlowEvent, Scope, Stage, with_followers},
    value::UtteranceId,
};
use std::collections::BTreeMap;

/// The transcripts of a fork and of its origin, side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkedLines {
    /// The origin's lines as they are now, at their revisions there.
    pub origin: Vec<SourceLine>,
    /// The fork's lines, at their revisions there.
    pub fork: Vec<SourceLine>,
    /// Those that say the same in both, at the same time and by the same speaker, at the fork's revisions.
    pub alike: Vec<SourceLine>,
}

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
    ///
    /// Facts count only as long as they are of the fork's lines as they are: once a line has changed since they were
    /// found, all stages of the track run anew. So it is with a wording, which is void for another text.
    pub fn inheritance(&self, from: Stage, settings: &TrackSettings, lines: &ForkedLines) -> Vec<TrackEvent> {
        let mut anew = with_followers(Scope::Track, from);
        if !lines.are_alike() || !self.lines_owed_anew(&lines.origin).is_empty() {
            anew.extend(with_followers(Scope::Track, Stage::Translate));
        }
        let differs = self.header.as_ref().and_then(|header| header.settings.first_affected(settings));
        anew.extend(differs.into_iter().flat_map(|stage| with_followers(Scope::Track, stage)));
        anew.extend(with_followers(Scope::Track, Stage::Mux));
        let kept = self.flow.done_without(&anew);
        let mut events = self.said(lines);
        let is_kept = |fact: &TrackEvent| fact.reported_by().is_some_and(|stage| kept.contains(&stage));
        events.extend(self.facts().into_iter().filter(is_kept));
        for stage in kept {
            let summary = self.flow.summaries.get(&stage).cloned().unwrap_or_default();
            events.push(TrackEvent::Flow(FlowEvent::StageInherited { stage, summary }));
        }
        events
    }

    /// What people said about lines that the fork has, as the events that say so.
    fn said(&self, lines: &ForkedLines) -> Vec<TrackEvent> {
        let [origin, alike] = [&lines.origin, &lines.alike].map(|lines| revisions(lines));
        let mut said = Vec::new();
        for id in lines.fork.iter().map(|line| line.utterance) {
            let Some(line) = self.lines.get(&id) else {
                continue;
            };
            if let (Some(now), Some(source_revision)) = (origin.get(&id), alike.get(&id)) {
                said.extend(line.worded(id, *now, *source_revision));
            }
            said.extend(line.directed(id));
        }
        said
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
    /// Its wording, unless it is void for the origin's line as it is now; given to a fork for the line's revision there.
    fn worded(&self, utterance: UtteranceId, now: u32, source_revision: u32) -> Option<TrackEvent> {
        let (text, worded_for) = self.direction.wording.as_ref()?;
        let text = Some(text.clone()).filter(|_| *worded_for >= now)?;
        Some(TrackEvent::TranslationEdited { utterance, text: Some(text), source_revision })
    }

    /// How it is to be spoken, where somebody said so.
    fn directed(&self, utterance: UtteranceId) -> Option<TrackEvent> {
        let (voice, rate) = (self.direction.voice.clone(), self.direction.rate);
        (voice.is_some() || rate.is_some()).then_some(TrackEvent::LineDirected { utterance, voice, rate })
    }
}

impl ForkedLines {
    /// Whether both have the same lines.
    fn are_alike(&self) -> bool {
        self.alike.len() == self.origin.len() && self.alike.len() == self.fork.len()
    }
}

fn revisions(lines: &[SourceLine]) -> BTreeMap<UtteranceId, u32> {
    lines.iter().map(|line| (line.utterance, line.revision)).collect()
}
