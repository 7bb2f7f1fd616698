//! Which blobs the state of a stream refers to: what is in force of all that its events told.
//!
//! A stage that was undone has released what it had made. What only led to something that is there now is of no more use:
//! the film before it was signed, and a source of which there is a signed copy. The compiler asks of each new field of an
//! aggregate whether it refers to blobs, and tests compare the answer with all that a state holds and with what a fork
//! takes over from it.

use crate::ports::event_log::{DomainEvent, StreamId};
use domain::{
    asset::Asset,
    decider::Decider,
    dubbing::{Dubbing, KeptTrack, Request, RequestedTrack, Transcript},
    flow::{Flow, Phase, Stage},
    glossary::Glossary,
    track::{Header, Line, PublishedWith, Track, TrackSettings},
    value::Artefact,
};

/// The state of a stream whose events can refer to blobs.
#[derive(Clone, Debug)]
pub enum BlobHolder {
    /// A dubbing's.
    Dubbing(Box<Dubbing>),
    /// A track's.
    Track(Box<Track>),
    /// An asset's.
    Asset(Box<Asset>),
    /// A glossary's.
    Glossary(Box<Glossary>),
}

impl BlobHolder {
    /// Before the first event; `None` for a stream that never refers to blobs.
    pub fn new(stream: &StreamId) -> Option<Self> {
        match stream {
            StreamId::Dubbing(_) => Some(Self::Dubbing(Box::default())),
            StreamId::Track(_) => Some(Self::Track(Box::default())),
            StreamId::Asset(_) => Some(Self::Asset(Box::default())),
            StreamId::Glossary(_) => Some(Self::Glossary(Box::default())),
            StreamId::Project(_) | StreamId::Tenancy(_) => None,
        }
    }

    /// Takes the next event of its stream.
    pub fn evolve(&mut self, event: &DomainEvent) {
        match (self, event) {
            (Self::Dubbing(state), DomainEvent::Dubbing(event)) => state.evolve(event),
            (Self::Track(state), DomainEvent::Track(event)) => state.evolve(event),
            (Self::Asset(state), DomainEvent::Asset(event)) => state.evolve(event),
            (Self::Glossary(state), DomainEvent::Glossary(event)) => <Glossary as Decider>::evolve(state, event),
            (Self::Dubbing(_) | Self::Track(_) | Self::Asset(_) | Self::Glossary(_), _) => {}
        }
    }

    /// Tells of every blob that it refers to.
    pub fn references(&self, tell: &mut dyn FnMut(&Artefact)) {
        match self {
            Self::Dubbing(state) => of_dubbing(state, tell),
            Self::Track(state) => of_track(state, tell),
            Self::Asset(state) => {
                let Asset { uploaded, not_scanned: _, phase: _ } = &**state;
                uploaded.iter().for_each(|file| tell(&file.media));
            }
            Self::Glossary(state) => {
                let Glossary { content, is_removed: _ } = &**state;
                content.iter().for_each(|content| tell(&content.terms));
            }
        }
    }
}

fn of_dubbing(state: &Dubbing, tell: &mut dyn FnMut(&Artefact)) {
    let Dubbing {
        phase: _,
        request,
        tracks,
        source,
        sound,
        planned: _,
        utterances: _,
        revisions: _,
        dropped: _,
        speakers: _,
        was_completed: _,
        rejection: _,
        flow,
    } = state;
    let copy = in_force(flow, Stage::Ingest, source.as_ref());
    if let Some(Request { source, transcript, order, .. }) = request {
        // Once all is done, a source that is no asset is needed only where its signed copy is not another file.
        let has_copy = copy.is_some_and(|copy| copy.media.sha256 != source.sha256);
        if !(has_copy && order.asset.is_none() && flow.is_done(Stage::Clean)) {
            tell(source);
        }
        if let Transcript::Imported { file } = transcript {
            tell(file);
        }
    }
    for RequestedTrack { settings, kept, .. } in tracks.values() {
        of_settings(settings, tell);
        kept.iter().for_each(|KeptTrack { settings, .. }| of_settings(settings, tell));
    }
    copy.iter().for_each(|copy| tell(&copy.media));
    if let Some(sound) = in_force(flow, Stage::Separate, sound.as_ref()) {
        [&sound.background, &sound.speech].into_iter().for_each(tell);
    }
}

fn of_track(state: &Track, tell: &mut dyn FnMut(&Artefact)) {
    let Track {
        header,
        regenerations: _,
        lines,
        route: _,
        voices: _,
        mixed,
        muxed,
        assessed,
        signed,
        published,
        published_with,
        withdrawn: _,
        delivered: _,
        flow,
        cancelled: _,
    } = state;
    header.iter().for_each(|Header { settings, .. }| of_settings(settings, tell));
    for line in lines.values() {
        let Line { speech, .. } = line;
        let speech = in_force(flow, Stage::Synthesise, Some(speech)).into_iter().flatten();
        speech.for_each(|spoken| tell(&spoken.speech));
    }
    if let Some(mixed) = in_force(flow, Stage::Mix, mixed.as_ref()) {
        tell(&mixed.sound);
    }
    if let Some(muxed) = in_force(flow, Stage::Mux, muxed.as_ref()) {
        [&muxed.srt, &muxed.vtt].into_iter().for_each(&mut *tell);
        if signed.is_none() || !flow.is_done(Stage::Sign) {
            tell(&muxed.media);
        }
    }
    if let Some(assessed) = in_force(flow, Stage::Assess, assessed.as_ref()) {
        tell(&assessed.report);
    }
    if let Some(signed) = in_force(flow, Stage::Sign, signed.as_ref()) {
        tell(&signed.media);
    }
    if let Some(published) = published {
        [&published.media, &published.srt, &published.vtt, &published.report].into_iter().for_each(&mut *tell);
    }
    if let Some(PublishedWith { sound, signed, producers: _ }) = published_with {
        sound.iter().for_each(&mut *tell);
        signed.iter().for_each(|signed| tell(&signed.media));
    }
}

fn of_settings(settings: &TrackSettings, tell: &mut dyn FnMut(&Artefact)) {
    settings.glossary.iter().for_each(tell);
}

/// What a stage has made, unless it was undone.
fn in_force<T>(flow: &Flow, stage: Stage, made: Option<T>) -> Option<T> {
    made.filter(|_| flow.phase(stage) != Phase::Undone)
}
