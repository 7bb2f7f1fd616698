//! What those outside see of a dubbing.

use super::{
    PublicEventType as Type,
    data::{Told, flow},
};
use domain::{
    dubbing::{DubbingEvent, Order, TranscribedUtterance, Transcript},
    value::LanguageTag,
};
use serde_json::json;

pub(super) fn told(event: &DubbingEvent) -> Option<Told> {
    let told = match event {
        DubbingEvent::VideoGenerationStarted { source_language, transcript, order, .. } => {
            queued(source_language, transcript, order)
        }
        // Where files are put on this machine is nobody else's business; the sound's stems are no result.
        DubbingEvent::DeliveryChosen { .. } | DubbingEvent::SpeechSeparated(_) => return None,
        DubbingEvent::TrackRequested { language, .. } => Told::new(Type::TrackRequested).in_language(language),
        DubbingEvent::SourceIngested(source) => Told::with(
            Type::DubbingSourceReady,
            json!({"duration_ms": source.duration_ms, "has_picture": source.picture.is_some()}),
        ),
        DubbingEvent::SourceRejected { code, .. } => Told::with(Type::DubbingSourceRejected, json!({"code": code})),
        DubbingEvent::SpeechSegmented { utterances } => {
            Told::with(Type::TranscriptPlanned, json!({"utterances": utterances.len()}))
        }
        DubbingEvent::TranscriptImported { cues, left_out } => {
            Told::with(Type::TranscriptImported, json!({"cues": cues, "left_out": left_out}))
        }
        DubbingEvent::SpeakerIdentified { speaker, utterances, .. } => {
            Told::with(Type::SpeakerIdentified, json!({"speaker": speaker.to_string(), "utterances": utterances.len()}))
        }
        DubbingEvent::UtteranceTranscribed(_)
        | DubbingEvent::UtteranceDropped { .. }
        | DubbingEvent::UtteranceEdited { .. }
        | DubbingEvent::UtteranceSplit { .. }
        | DubbingEvent::UtterancesMerged { .. } => return line(event),
        DubbingEvent::RegenerationRequested { language, .. } => {
            Told::new(Type::TrackRegenerationRequested).in_language(language)
        }
        DubbingEvent::TrackSettled { language, outcome } => {
            Told::with(Type::TrackSettled, json!({"outcome": outcome})).in_language(language)
        }
        DubbingEvent::TrackRestored { language, outcome, .. } => {
            Told::with(Type::TrackRestored, json!({"outcome": outcome})).in_language(language)
        }
        DubbingEvent::VideoGenerationCompleted { needs_attention } => {
            Told::with(Type::DubbingCompleted, json!({"needs_attention": needs_attention}))
        }
        DubbingEvent::VideoGenerationFailed { code } => Told::with(Type::DubbingFailed, json!({"code": code})),
        DubbingEvent::VideoGenerationCancelled => Told::new(Type::DubbingCancelled),
        DubbingEvent::Flow(event) => flow(event),
    };
    Some(told)
}

fn queued(source_language: &LanguageTag, transcript: &Transcript, order: &Order) -> Told {
    let transcript = match transcript {
        Transcript::Recognised => "recognised",
        Transcript::Imported { .. } => "imported",
        Transcript::Embedded => "embedded",
    };
    let fields = json!({
        "source_language": source_language,
        "transcript": transcript,
        "priority": order.priority.name(),
        "forked_from": order.forked_from.map(|fork| fork.dubbing.0),
    });
    let told = Told::with(Type::DubbingQueued, fields);
    Told { asset: order.asset.map(|id| id.0), project: order.project.map(|id| id.0), ..told }
}

/// What happened to a line of the transcript.
fn line(event: &DubbingEvent) -> Option<Told> {
    let told = match event {
        DubbingEvent::UtteranceTranscribed(TranscribedUtterance { utterance, span, confidence, .. }) => Told::with(
            Type::UtteranceTranscribed,
            json!({
                "utterance": utterance.to_string(),
                "start_ms": span.start_ms(),
                "end_ms": span.end_ms(),
                "confidence_percent": confidence,
            }),
        ),
        DubbingEvent::UtteranceDropped { utterance, reason } => {
            Told::with(Type::UtteranceDropped, json!({"utterance": utterance.to_string(), "reason": reason}))
        }
        DubbingEvent::UtteranceEdited { utterance, text, span, speaker } => {
            let changed = [("text", text.is_some()), ("times", span.is_some()), ("speaker", speaker.is_some())];
            let changed: Vec<&str> = changed.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
            Told::with(Type::UtteranceEdited, json!({"utterance": utterance.to_string(), "changed": changed}))
        }
        DubbingEvent::UtteranceSplit { utterance, added, .. } => {
            Told::with(Type::UtteranceSplit, json!({"utterance": utterance.to_string(), "added": added.to_string()}))
        }
        DubbingEvent::UtterancesMerged { utterance, absorbed, .. } => Told::with(
            Type::UtterancesMerged,
            json!({"utterance": utterance.to_string(), "absorbed": absorbed.to_string()}),
        ),
        DubbingEvent::VideoGenerationStarted { .. }
        | DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::TrackRequested { .. }
        | DubbingEvent::SourceIngested(_)
        | DubbingEvent::SourceRejected { .. }
        | DubbingEvent::SpeechSeparated(_)
        | DubbingEvent::SpeechSegmented { .. }
        | DubbingEvent::SpeakerIdentified { .. }
        | DubbingEvent::TranscriptImported { .. }
        | DubbingEvent::RegenerationRequested { .. }
        | DubbingEvent::TrackSettled { .. }
        | DubbingEvent::TrackRestored { .. }
        | DubbingEvent::VideoGenerationCompleted { .. }
        | DubbingEvent::VideoGenerationFailed { .. }
        | DubbingEvent::VideoGenerationCancelled
        | DubbingEvent::Flow(_) => return None,
    };
    Some(told)
}
