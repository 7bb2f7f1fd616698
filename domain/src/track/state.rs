//! What is known of a track, and the fold over its events.

use super::{
    AssessedTrack, DeliveredFile, Direction, FittedUtterance, Flag, MixedSound, MuxedTrack, PublishedTrack,
    SignedTrack, SynthesisedUtterance, TrackEvent, TrackSettings, TranslatedUtterance,
};
use crate::{
    flow::{Flow, FlowEvent, Scope, Stage, with_followers},
    value::{Artefact, DubbingId, LanguageTag, Percent, Producer, SpeakerId, UtteranceId},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a track.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// What it is; `None` before it began.
    pub header: Option<Header>,
    /// How often lines were made anew because they had changed.
    pub regenerations: u32,
    /// Per line what is known, in the order in which they came to be.
    pub lines: BTreeMap<UtteranceId, Line>,
    /// Languages the translation goes through.
    pub route: Vec<LanguageTag>,
    /// The engine's voice of each speaker.
    pub voices: BTreeMap<SpeakerId, String>,
    /// Dub over background.
    pub mixed: Option<MixedSound>,
    /// The finished container.
    pub muxed: Option<MuxedTrack>,
    /// Its measurement.
    pub assessed: Option<AssessedTrack>,
    /// With provenance.
    pub signed: Option<SignedTrack>,
    /// What is visible.
    pub published: Option<PublishedTrack>,
    /// What belongs to that, as it was then: later runs replace it only once they are published.
    pub published_with: Option<PublishedWith>,
    /// What was visible was withdrawn, and nothing has been published since.
    pub withdrawn: bool,
    /// Every file ever put somewhere.
    pub delivered: Vec<DeliveredFile>,
    /// Its flow.
    pub flow: Flow,
    /// Someone called it off, and did not ask for it again since.
    pub cancelled: bool,
}

/// What a track is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The dubbing.
    pub dubbing: DubbingId,
    /// The language spoken in the source.
    pub source_language: LanguageTag,
    /// The language to speak.
    pub language: LanguageTag,
    /// How it is made.
    pub settings: TrackSettings,
}

/// What was known when the result became visible, and cannot be read from the result itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedWith {
    /// Dub over background.
    pub sound: Option<Artefact>,
    /// The signature that the file carries.
    pub signed: Option<SignedTrack>,
    /// The engines of each finished stage of the track.
    pub producers: BTreeMap<Stage, Vec<Producer>>,
}

/// What is known of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What people said about it.
    pub direction: Direction,
    /// The revision that is being made, or was made last.
    pub making: u32,
    /// The revision that can be seen and heard; `None` before it was published.
    pub output_revision: Option<u32>,
    /// The transcript's revision that this was made from; `None` before it was published.
    pub output_source_revision: Option<u32>,
    /// Its translation.
    pub translation: Option<TranslatedUtterance>,
    /// The rate that the planner asked for; `None` means 100 %.
    pub rate: Option<Percent>,
    /// Its newest speech at each rate, for the same words and voice.
    pub speech: Vec<SynthesisedUtterance>,
    /// Its place.
    pub placement: Option<FittedUtterance>,
    /// What is wrong with it, and which stage said so.
    pub flags: BTreeSet<(Stage, Flag)>,
}

impl Line {
    /// Whether a person should look at it.
    pub fn needs_attention(&self) -> bool {
        self.flags.iter().any(|(_, flag)| flag.needs_attention())
    }

    fn publish(&mut self) {
        self.output_revision = Some(self.making);
        self.output_source_revision = Some(self.direction.source_revision);
    }

    pub(super) fn forget_speech(&mut self) {
        self.speech.clear();
        self.rate = None;
        self.placement = None;
    }

    /// The rate to speak it at.
    pub fn rate(&self) -> Percent {
        self.rate.unwrap_or(Percent::HUNDRED)
    }

    /// The speech at a rate, if it was spoken at it.
    pub fn speech_at(&self, rate: Percent) -> Option<&SynthesisedUtterance> {
        self.speech.iter().find(|speech| speech.rate == rate)
    }
}

impl Track {
    /// Lines that a person should look at.
    pub fn lines_to_attend(&self) -> usize {
        self.lines.values().filter(|line| line.needs_attention()).count()
    }

    /// The only writer of a track's state.
    pub fn evolve(&mut self, event: &TrackEvent) {
        match event {
            TrackEvent::TrackStarted { dubbing, source_language, language, settings, lines } => {
                // One that was called off begins anew; what lies in somebody's folder is still known.
                let flow = if self.header.is_some() { self.flow.anew() } else { Flow::new(Scope::Track) };
                *self = Self {
                    flow,
                    delivered: std::mem::take(&mut self.delivered),
                    regenerations: self.regenerations,
                    ..Self::default()
                };
                self.header = Some(Header {
                    dubbing: *dubbing,
                    source_language: source_language.clone(),
                    language: language.clone(),
                    settings: settings.clone(),
                });
                self.make(lines);
            }
            TrackEvent::TrackRevised { settings } => self.revise(settings),
            TrackEvent::RunCalledOff { settings } => {
                self.revise(settings);
                self.flow.ended = true;
            }
            TrackEvent::TranslationEdited { .. } | TrackEvent::LineDirected { .. } => self.evolve_edit(event),
            TrackEvent::RegenerationStarted { request, lines } => {
                self.regenerations = *request;
                self.make(lines);
            }
            TrackEvent::TranslationRouted { languages, .. } => self.route.clone_from(languages),
            TrackEvent::UtteranceTranslated(line) => self.translated(line),
            TrackEvent::VoiceAssigned { speaker, voice } => self.voice_assigned(*speaker, voice),
            TrackEvent::UtteranceSynthesised(speech) => self.line(speech.utterance, |line| {
                line.speech.retain(|known| known.rate != speech.rate);
                line.speech.push(speech.clone());
            }),
            TrackEvent::SpeechRateChosen { utterance, rate } => self.line(*utterance, |line| line.rate = Some(*rate)),
            TrackEvent::UtteranceFitted(place) => self.line(place.utterance, |line| line.placement = Some(*place)),
            TrackEvent::UtteranceFlagged { utterance, stage, flag } => self.line(*utterance, |line| {
                line.flags.insert((*stage, *flag));
            }),
            TrackEvent::TrackMixed(mixed) => self.mixed = Some(mixed.clone()),
            TrackEvent::TrackMuxed(muxed) => self.muxed = Some(muxed.clone()),
            TrackEvent::QualityAssessed(assessed) => self.assessed = Some(assessed.clone()),
            TrackEvent::ProvenanceSigned(signed) => self.signed = Some(signed.clone()),
            TrackEvent::TrackPublished(published) => {
                self.published = Some(published.clone());
                self.published_with = Some(self.made_with());
                self.withdrawn = false;
                self.lines.values_mut().for_each(Line::publish);
            }
            TrackEvent::TrackDelivered { files } => self.delivered.extend(files.iter().cloned()),
            TrackEvent::TrackWithdrawn => self.withdraw(),
            TrackEvent::Flow(event) => self.evolve_flow(event),
        }
    }

    fn revise(&mut self, settings: &TrackSettings) {
        if let Some(header) = &mut self.header {
            header.settings = settings.clone();
        }
    }

    pub(super) fn line(&mut self, utterance: UtteranceId, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines.get_mut(&utterance) {
            change(line);
        }
    }

    /// New words need new speech, at a rate that is chosen anew.
    fn translated(&mut self, translation: &TranslatedUtterance) {
        self.line(translation.utterance, |line| {
            let same = line.translation.as_ref().is_some_and(|known| known.spoken == translation.spoken);
            if !same {
                line.forget_speech();
            }
            line.translation = Some(translation.clone());
        });
    }

    /// A speaker's new voice makes earlier speech useless. Whose lines those are the dubbing knows, so
    /// all lines forget theirs; the memo gives back at once what is still good.
    fn voice_assigned(&mut self, speaker: SpeakerId, voice: &str) {
        let earlier = self.voices.insert(speaker, voice.to_owned());
        if earlier.is_some_and(|earlier| earlier != voice) {
            self.lines.values_mut().for_each(Line::forget_speech);
        }
    }

    fn made_with(&self) -> PublishedWith {
        let producers = self.flow.summaries.iter().map(|(stage, summary)| (*stage, summary.producers.clone()));
        PublishedWith {
            sound: self.mixed.as_ref().map(|mixed| mixed.sound.clone()),
            signed: self.signed.clone(),
            producers: producers.collect(),
        }
    }

    fn withdraw(&mut self) {
        self.withdrawn |= self.published.is_some();
        self.published = None;
        self.published_with = None;
        self.cancelled = true;
        self.flow.ended = false;
        self.flow.undoing = true;
    }

    /// Stages that are asked for anew take their flags back, and so do those that begin anew after an attempt that
    /// came to nothing: they will say again what is wrong.
    fn evolve_flow(&mut self, event: &FlowEvent) {
        self.flow.evolve(event);
        let (flow, lines) = (&self.flow, &mut self.lines);
        match event {
            FlowEvent::StageReopened { stage } => {
                let anew = with_followers(flow.scope, *stage);
                retain_flags(lines, |stage| !anew.contains(&stage));
            }
            FlowEvent::StageStarted { fence } => retain_flags(lines, |stage| stage != fence.stage),
            FlowEvent::StageRequested { .. }
            | FlowEvent::StageCompleted { .. }
            | FlowEvent::StageInherited { .. }
            | FlowEvent::StageFailed { .. }
            | FlowEvent::StageLost { .. }
            | FlowEvent::StageReleased { .. }
            | FlowEvent::StageRetryScheduled { .. }
            | FlowEvent::StageParked { .. }
            | FlowEvent::StageSkipped { .. }
            | FlowEvent::StageUndone { .. }
            | FlowEvent::FlowPaused { .. }
            | FlowEvent::FlowResumed
            | FlowEvent::FlowCompensated => {}
        }
    }
}

fn retain_flags(lines: &mut BTreeMap<UtteranceId, Line>, of_stage: impl Fn(Stage) -> bool) {
    for line in lines.values_mut() {
        line.flags.retain(|(stage, _)| of_stage(*stage));
    }
}
