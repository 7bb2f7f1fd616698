//! Which blobs an event refers to. The compiler asks it of every new event, and a test compares it with what is stored.

use crate::ports::event_log::DomainEvent;
use domain::{
    asset::AssetEvent,
    dubbing::{DubbingEvent, Transcript},
    glossary::GlossaryEvent,
    track::{TrackEvent, TrackSettings},
    value::Artefact,
};

/// Tells of every blob that an event refers to.
pub fn references(event: &DomainEvent, tell: &mut dyn FnMut(&Artefact)) {
    match event {
        DomainEvent::Dubbing(event) => of_dubbing(event, tell),
        DomainEvent::Track(event) => of_track(event, tell),
        DomainEvent::Asset(AssetEvent::AssetUploaded { media, .. }) => tell(media),
        DomainEvent::Asset(
            AssetEvent::AssetScanned { .. }
            | AssetEvent::AssetNotScanned { .. }
            | AssetEvent::AssetValidated(_)
            | AssetEvent::AssetQuarantined(_)
            | AssetEvent::AssetErased,
        ) => {}
        DomainEvent::Glossary(GlossaryEvent::GlossaryCreated(content) | GlossaryEvent::GlossaryReplaced(content)) => {
            tell(&content.terms);
        }
        DomainEvent::Glossary(GlossaryEvent::GlossaryRemoved) => {}
        DomainEvent::Project(_) | DomainEvent::Tenancy(_) => {}
    }
}

fn of_dubbing(event: &DubbingEvent, tell: &mut dyn FnMut(&Artefact)) {
    match event {
        DubbingEvent::VideoGenerationStarted { source, transcript, .. } => {
            tell(source);
            match transcript {
                Transcript::Imported { file } => tell(file),
                Transcript::Recognised | Transcript::Embedded => {}
            }
        }
        DubbingEvent::TrackRequested { settings, .. } | DubbingEvent::TrackRestored { settings, .. } => {
            of_settings(settings, tell);
        }
        DubbingEvent::SourceIngested(source) => tell(&source.media),
        DubbingEvent::SpeechSeparated(sound) => [&sound.background, &sound.speech].into_iter().for_each(tell),
        DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::SourceRejected { .. }
        | DubbingEvent::SpeechSegmented { .. }
        | DubbingEvent::UtteranceTranscribed(_)
        | DubbingEvent::UtteranceDropped { .. }
        | DubbingEvent::SpeakerIdentified { .. }
        | DubbingEvent::TranscriptImported { .. }
        | DubbingEvent::UtteranceEdited { .. }
        | DubbingEvent::UtteranceSplit { .. }
        | DubbingEvent::UtterancesMerged { .. }
        | DubbingEvent::RegenerationRequested { .. }
        | DubbingEvent::TrackSettled { .. }
        | DubbingEvent::VideoGenerationCompleted { .. }
        | DubbingEvent::VideoGenerationFailed { .. }
        | DubbingEvent::VideoGenerationCancelled
        | DubbingEvent::Flow(_) => {}
    }
}

fn of_track(event: &TrackEvent, tell: &mut dyn FnMut(&Artefact)) {
    match event {
        TrackEvent::TrackStarted { settings, .. }
        | TrackEvent::TrackRevised { settings }
        | TrackEvent::RunCalledOff { settings } => of_settings(settings, tell),
        TrackEvent::UtteranceSynthesised(line) => tell(&line.speech),
        TrackEvent::TrackMixed(mixed) => tell(&mixed.sound),
        TrackEvent::TrackMuxed(muxed) => [&muxed.media, &muxed.srt, &muxed.vtt].into_iter().for_each(tell),
        TrackEvent::QualityAssessed(assessed) => tell(&assessed.report),
        TrackEvent::ProvenanceSigned(signed) => tell(&signed.media),
        TrackEvent::TrackPublished(published) => {
            [&published.media, &published.srt, &published.vtt, &published.report].into_iter().for_each(tell);
        }
        TrackEvent::TranslationEdited { .. }
        | TrackEvent::LineDirected { .. }
        | TrackEvent::RegenerationStarted { .. }
        | TrackEvent::TranslationRouted { .. }
        | TrackEvent::UtteranceTranslated(_)
        | TrackEvent::VoiceAssigned { .. }
        | TrackEvent::SpeechRateChosen { .. }
        | TrackEvent::UtteranceFitted(_)
        | TrackEvent::UtteranceFlagged { .. }
        | TrackEvent::TrackDelivered { .. }
        | TrackEvent::TrackWithdrawn
        | TrackEvent::Flow(_) => {}
    }
}

fn of_settings(settings: &TrackSettings, tell: &mut dyn FnMut(&Artefact)) {
    settings.glossary.iter().for_each(tell);
}
