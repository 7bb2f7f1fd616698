//! What is known of a dubbing, and the fold over its events.

use super::{
    Delivery, DubbingEvent, IngestedSource, Order, Outcome, PlannedUtterance, SeparatedSound, TranscribedUtterance,
    Transcript,
};
use crate::{
    flow::{Flow, FlowEvent, Scope, Stage},
    track::{Line, SourceLine, Track, TrackSettings},
    value::{Artefact, LanguageTag, Personal, Sha256, SpeakerId, UtteranceId},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a dubbing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dubbing {
    /// Where it stands.
    pub phase: Phase,
    /// What was asked; `None` before it began.
    pub request: Option<Request>,
    /// The languages asked for.
    pub tracks: BTreeMap<LanguageTag, RequestedTrack>,
    /// What Ingest found.
    pub source: Option<IngestedSource>,
    /// What Separate left.
    pub sound: Option<SeparatedSound>,
    /// Utterances to come; empty before segmentation.
    pub planned: Vec<PlannedUtterance>,
    /// Utterances whose words are known.
    pub utterances: BTreeMap<UtteranceId, TranscribedUtterance>,
    /// How often each utterance was said to be different; 1 as it was first understood.
    pub revisions: BTreeMap<UtteranceId, u32>,
    /// Utterances that turned out to be no speech.
    pub dropped: BTreeSet<UtteranceId>,
    /// Who speaks.
    pub speakers: BTreeMap<SpeakerId, Speaker>,
    /// It was completed before, whatever was asked for since.
    pub was_completed: bool,
    /// Why it failed, as a stable code and a sentence.
    pub rejection: Option<(String, String)>,
    /// Its flow.
    pub flow: Flow,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Digest over source, sound and transcript.
    pub identity: Sha256,
    /// The source as given.
    pub source: Artefact,
    /// Its file name.
    pub name: Personal<String>,
    /// The sound asked for.
    pub audio_stream: Option<u32>,
    /// The language spoken.
    pub source_language: LanguageTag,
    /// Nobody said so.
    pub language_assumed: bool,
    /// Where the words come from.
    pub transcript: Transcript,
    /// Where results are put; `None` keeps them where they can be fetched.
    pub delivery: Option<Delivery>,
    /// How it came in.
    pub order: Order,
}

/// Where a dubbing stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nobody asked for it.
    #[default]
    NotStarted,
    /// Something is owed.
    Processing,
    /// All is done.
    Completed,
    /// It cannot be done.
    Failed,
    /// Someone called it off.
    Cancelled,
}

/// A language asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedTrack {
    /// How it is to be made.
    pub settings: TrackSettings,
    /// How often it was asked for, with whatever settings; the first is 1.
    pub requests: u32,
    /// How often it was to be made anew, because lines had changed or from a stage on.
    pub regenerations: u32,
    /// The stage from which it was to be made anew last; `None` when that was because lines had changed.
    pub replay_from: Option<Stage>,
    /// How it ended, since it was last asked for.
    pub outcome: Option<Outcome>,
    /// Whether it was ever finished, whatever became of it.
    pub was_finished: bool,
    /// How it was finished last, as long as that result is kept.
    pub kept: Option<KeptTrack>,
}

/// A language as it was finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptTrack {
    /// How it was made.
    pub settings: TrackSettings,
    /// How it ended.
    pub outcome: Outcome,
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// The name in the transcript.
    pub name: Option<Personal<String>>,
    /// Median pitch in hertz.
    pub pitch_hz: Option<u32>,
    /// What they say.
    pub utterances: Vec<UtteranceId>,
}

impl Dubbing {
    /// The speaker of an utterance.
    pub fn speaker_of(&self, utterance: UtteranceId) -> Option<SpeakerId> {
        let says = |(_, speaker): &(&SpeakerId, &Speaker)| speaker.utterances.contains(&utterance);
        self.speakers.iter().find(says).map(|(id, _)| *id)
    }

    /// The transcript's lines at their revisions, in order of time.
    pub fn source_lines(&self) -> Vec<SourceLine> {
        let mut lines: Vec<_> = self.utterances.values().collect();
        lines.sort_by_key(|line| (line.span, line.utterance));
        let revision = |id| self.revisions.get(&id).copied().unwrap_or(1);
        let line = |id| SourceLine { utterance: id, revision: revision(id) };
        lines.into_iter().map(|known| line(known.utterance)).collect()
    }

    /// The lines of one of its tracks that the transcript still has, as both know them, in the order in which they came
    /// to be. A line that is gone from the transcript is one of the track's until the track is made anew; until then
    /// nothing is made of it.
    pub fn lines_of<'a>(
        &'a self,
        track: &'a Track,
    ) -> impl Iterator<Item = (UtteranceId, &'a TranscribedUtterance, &'a Line)> {
        track.lines.iter().filter_map(|(id, line)| Some((*id, self.utterances.get(id)?, line)))
    }

    /// The only writer of a dubbing's state.
    pub fn evolve(&mut self, event: &DubbingEvent) {
        match event {
            DubbingEvent::VideoGenerationStarted { .. } => self.begin(event),
            DubbingEvent::DeliveryChosen { delivery } => {
                if let Some(request) = &mut self.request {
                    request.delivery = Some(delivery.clone());
                }
            }
            DubbingEvent::TrackRequested { language, settings } => self.add_track(language, settings),
            DubbingEvent::SourceIngested(source) => self.source = Some(source.clone()),
            DubbingEvent::SourceRejected { code, message } => self.rejection = Some((code.clone(), message.clone())),
            DubbingEvent::SpeechSeparated(sound) => self.sound = Some(sound.clone()),
            DubbingEvent::SpeechSegmented { utterances } => self.planned.clone_from(utterances),
            DubbingEvent::UtteranceTranscribed(line) => self.put(line.clone()),
            DubbingEvent::UtteranceDropped { utterance, .. } => {
                self.dropped.insert(*utterance);
            }
            DubbingEvent::SpeakerIdentified { speaker, name, pitch_hz, utterances } => {
                let known = Speaker { name: name.clone(), pitch_hz: *pitch_hz, utterances: utterances.clone() };
                self.speakers.insert(*speaker, known);
            }
            DubbingEvent::TranscriptImported { .. } => {}
            DubbingEvent::UtteranceEdited { .. }
            | DubbingEvent::UtteranceSplit { .. }
            | DubbingEvent::UtterancesMerged { .. } => self.evolve_edit(event),
            DubbingEvent::RegenerationRequested { language, from } => self.regenerate(language, *from),
            DubbingEvent::TrackSettled { language, outcome } => self.settle(language, *outcome),
            DubbingEvent::TrackRestored { language, settings, outcome } => self.restore(language, settings, *outcome),
            DubbingEvent::VideoGenerationCompleted { .. } => self.complete(),
            DubbingEvent::VideoGenerationFailed { .. } => self.undo(Phase::Failed),
            DubbingEvent::VideoGenerationCancelled => self.undo(Phase::Cancelled),
            DubbingEvent::Flow(event) => self.evolve_flow(event),
        }
    }

    fn begin(&mut self, event: &DubbingEvent) {
        let DubbingEvent::VideoGenerationStarted {
            identity,
            source,
            name,
            audio_stream,
            source_language,
            language_assumed,
            transcript,
            delivery,
            order,
        } = event
        else {
            return;
        };
        self.phase = Phase::Processing;
        self.flow = Flow::new(Scope::Dubbing);
        self.request = Some(Request {
            identity: *identity,
            source: source.clone(),
            name: name.clone(),
            audio_stream: *audio_stream,
            source_language: source_language.clone(),
            language_assumed: *language_assumed,
            transcript: transcript.clone(),
            delivery: delivery.clone(),
            order: order.clone(),
        });
    }

    fn add_track(&mut self, language: &LanguageTag, settings: &TrackSettings) {
        let known = self.tracks.get(language);
        let track = RequestedTrack {
            settings: settings.clone(),
            requests: known.map_or(0, |track| track.requests) + 1,
            regenerations: known.map_or(0, |track| track.regenerations),
            replay_from: known.and_then(|track| track.replay_from),
            outcome: None,
            was_finished: known.is_some_and(|track| track.was_finished),
            kept: known.and_then(|track| track.kept.clone()),
        };
        self.tracks.insert(language.clone(), track);
        self.reopen();
    }

    fn regenerate(&mut self, language: &LanguageTag, from: Option<Stage>) {
        if let Some(track) = self.tracks.get_mut(language) {
            track.requests += 1;
            track.regenerations += 1;
            track.replay_from = from;
            track.outcome = None;
        }
        self.reopen();
    }

    /// Something is owed again.
    fn reopen(&mut self) {
        self.phase = Phase::Processing;
        self.flow.ended = false;
        self.flow.tracks_settled = false;
    }

    fn settle(&mut self, language: &LanguageTag, outcome: Outcome) {
        if let Some(track) = self.tracks.get_mut(language) {
            track.outcome = Some(outcome);
            let is_finished = outcome != Outcome::Cancelled;
            track.was_finished |= is_finished;
            track.kept = is_finished.then(|| KeptTrack { settings: track.settings.clone(), outcome });
        }
        self.look_at_tracks();
    }

    fn restore(&mut self, language: &LanguageTag, settings: &TrackSettings, outcome: Outcome) {
        if let Some(track) = self.tracks.get_mut(language) {
            track.settings = settings.clone();
            track.outcome = Some(outcome);
        }
        self.look_at_tracks();
    }

    fn look_at_tracks(&mut self) {
        self.flow.tracks_settled = self.tracks.values().all(|track| track.outcome.is_some());
    }

    fn evolve_flow(&mut self, event: &FlowEvent) {
        self.flow.evolve(event);
    }

    fn complete(&mut self) {
        self.phase = Phase::Completed;
        self.was_completed = true;
        self.flow.ended = true;
    }

    fn undo(&mut self, phase: Phase) {
        self.phase = phase;
        self.flow.undoing = true;
    }
}
