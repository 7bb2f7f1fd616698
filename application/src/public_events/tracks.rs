//! What those outside see of a track.

use super::{
    PublicEventType as Type,
    data::{Told, flow},
};
use domain::track::TrackEvent;
use serde_json::json;

pub(super) fn told(event: &TrackEvent) -> Option<Told> {
    let told = match event {
        TrackEvent::TrackStarted { lines, source_language, .. } => {
            Told::with(Type::TrackStarted, json!({"lines": lines.len(), "source_language": source_language}))
        }
        TrackEvent::TrackRevised { .. } => Told::new(Type::TrackRevised),
        TrackEvent::RegenerationStarted { request, lines } => {
            Told::with(Type::TrackRegenerationStarted, json!({"request": request, "lines": lines.len()}))
        }
        TrackEvent::RunCalledOff { .. } => Told::new(Type::TrackRunCalledOff),
        TrackEvent::TranslationRouted { languages, .. } => {
            Told::with(Type::TrackRouted, json!({"languages": languages}))
        }
        TrackEvent::VoiceAssigned { speaker, voice } => {
            Told::with(Type::VoiceAssigned, json!({"speaker": speaker.to_string(), "voice": voice}))
        }
        TrackEvent::TranslationEdited { .. }
        | TrackEvent::LineDirected { .. }
        | TrackEvent::UtteranceTranslated(_)
        | TrackEvent::UtteranceSynthesised(_)
        | TrackEvent::SpeechRateChosen { .. }
        | TrackEvent::UtteranceFitted(_)
        | TrackEvent::UtteranceFlagged { .. } => return line(event),
        TrackEvent::TrackMixed(mixed) => Told::with(
            Type::TrackMixed,
            json!({
                "loudness_lufs": mixed.loudness.db(),
                "true_peak_dbtp": mixed.true_peak.db(),
                "loudness_reached": mixed.loudness_reached,
            }),
        ),
        TrackEvent::TrackMuxed(muxed) => Told::with(Type::TrackMuxed, json!({"bytes": muxed.media.bytes})),
        TrackEvent::QualityAssessed(assessed) => Told::with(
            Type::TrackAssessed,
            json!({
                "lines_to_attend": assessed.lines_to_attend,
                "loudness_lufs": assessed.loudness.db(),
                "true_peak_dbtp": assessed.true_peak.db(),
            }),
        ),
        TrackEvent::ProvenanceSigned(signed) => Told::with(Type::TrackSigned, json!({"bytes": signed.media.bytes})),
        TrackEvent::TrackPublished(published) => Told::with(
            Type::TrackPublished,
            json!({"bytes": published.media.bytes, "media_type": published.media.media_type}),
        ),
        TrackEvent::TrackWithdrawn => Told::new(Type::TrackWithdrawn),
        // Where files are put on this machine is nobody else's business.
        TrackEvent::TrackDelivered { .. } => return None,
        TrackEvent::Flow(event) => flow(event),
    };
    Some(told)
}

/// What happened to a line of the track.
fn line(event: &TrackEvent) -> Option<Told> {
    let told = match event {
        TrackEvent::TranslationEdited { utterance, text, .. } => {
            Told::with(Type::TranslationEdited, json!({"utterance": utterance.to_string(), "cleared": text.is_none()}))
        }
        TrackEvent::LineDirected { utterance, voice, rate } => Told::with(
            Type::LineDirected,
            json!({"utterance": utterance.to_string(), "voice": voice, "rate_percent": rate}),
        ),
        TrackEvent::UtteranceTranslated(line) => Told::with(
            Type::UtteranceTranslated,
            json!({
                "utterance": line.utterance.to_string(),
                "unknown_words": line.unknown_words,
                "terms": line.terms,
                "terms_missing": line.terms_missing,
            }),
        ),
        TrackEvent::UtteranceSynthesised(line) => Told::with(
            Type::UtteranceSynthesised,
            json!({"utterance": line.utterance.to_string(), "duration_ms": line.duration_ms, "rate_percent": line.rate}),
        ),
        TrackEvent::SpeechRateChosen { utterance, rate } => {
            Told::with(Type::UtteranceRateChosen, json!({"utterance": utterance.to_string(), "rate_percent": rate}))
        }
        TrackEvent::UtteranceFitted(line) => Told::with(
            Type::UtteranceFitted,
            json!({
                "utterance": line.utterance.to_string(),
                "start_ms": line.start_ms,
                "duration_ms": line.duration_ms,
                "rate_percent": line.rate,
                "shift_ms": line.shift_ms,
            }),
        ),
        TrackEvent::UtteranceFlagged { utterance, stage, flag } => Told::with(
            Type::UtteranceFlagged,
            json!({"utterance": utterance.to_string(), "flag": flag, "needs_attention": flag.needs_attention()}),
        )
        .at_stage(*stage),
        TrackEvent::TrackStarted { .. }
        | TrackEvent::TrackRevised { .. }
        | TrackEvent::RegenerationStarted { .. }
        | TrackEvent::RunCalledOff { .. }
        | TrackEvent::TranslationRouted { .. }
        | TrackEvent::VoiceAssigned { .. }
        | TrackEvent::TrackMixed(_)
        | TrackEvent::TrackMuxed(_)
        | TrackEvent::QualityAssessed(_)
        | TrackEvent::ProvenanceSigned(_)
        | TrackEvent::TrackPublished(_)
        | TrackEvent::TrackDelivered { .. }
        | TrackEvent::TrackWithdrawn
        | TrackEvent::Flow(_) => return None,
    };
    Some(told)
}
