//! The rows of the transcript.

use super::{InTranscript, begin, count, key_of, span};
use crate::{projection::Touched, row::set};
use application::ports::read_store::{Row, RowKey};
use domain::{
    dubbing::DubbingEvent,
    value::{Span, UtteranceId},
};
use serde_json::{Value, json};

/// The rows that an event touches. An edit looks at the same line of all languages.
pub(super) fn touches(job: &Value, happened: &DubbingEvent) -> Touched {
    let key = |id: &UtteranceId| key_of(job, "", *id);
    let in_tracks = |id: &UtteranceId| vec![Some(job.clone()), None, Some(json!(id.0))];
    match happened {
        DubbingEvent::SpeechSegmented { utterances } => {
            Touched::many(utterances.iter().map(|planned| key(&planned.utterance)))
        }
        DubbingEvent::UtteranceTranscribed(line) => Touched::one(key(&line.utterance)),
        DubbingEvent::UtteranceDropped { utterance, .. } => Touched::one(key(utterance)),
        DubbingEvent::SpeakerIdentified { utterances, .. } => Touched::many(utterances.iter().map(key)),
        DubbingEvent::UtteranceEdited { utterance, .. } => Touched::one(key(utterance)).and_alike(in_tracks(utterance)),
        DubbingEvent::UtteranceSplit { utterance, added, .. } => {
            Touched::many([key(utterance), key(added)]).and_alike(in_tracks(utterance))
        }
        DubbingEvent::UtterancesMerged { utterance, absorbed, .. } => {
            let touched = Touched::many([key(utterance), key(absorbed)]);
            touched.and_alike(in_tracks(utterance)).and_alike(in_tracks(absorbed))
        }
        DubbingEvent::VideoGenerationStarted { .. }
        | DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::TrackRequested { .. }
        | DubbingEvent::SourceIngested(_)
        | DubbingEvent::SourceRejected { .. }
        | DubbingEvent::SpeechSeparated(_)
        | DubbingEvent::TranscriptImported { .. }
        | DubbingEvent::RegenerationRequested { .. }
        | DubbingEvent::TrackSettled { .. }
        | DubbingEvent::TrackRestored { .. }
        | DubbingEvent::VideoGenerationCompleted { .. }
        | DubbingEvent::VideoGenerationFailed { .. }
        | DubbingEvent::VideoGenerationCancelled
        | DubbingEvent::Flow(_) => Touched::none(),
    }
}

/// A line of the transcript after an event; `None` when it is a line no more.
pub(super) fn apply(
    mut row: Row,
    key: &RowKey,
    happened: &DubbingEvent,
    in_transcript: &InTranscript<'_>,
) -> Option<Row> {
    let is = |id: &UtteranceId| key.last() == Some(&json!(id.0));
    match happened {
        DubbingEvent::SpeechSegmented { utterances } => {
            if let Some(planned) = utterances.iter().find(|planned| is(&planned.utterance)) {
                begin(&mut row, "planned");
                span(&mut row, planned.span);
            }
        }
        DubbingEvent::UtteranceTranscribed(line) => {
            revise(&mut row, Some(line.span));
            set(&mut row, "confidence", line.confidence.map(|confidence| confidence.get()));
        }
        DubbingEvent::UtteranceDropped { .. } => begin(&mut row, "dropped"),
        DubbingEvent::SpeakerIdentified { speaker, .. } => set(&mut row, "speaker", speaker.0),
        DubbingEvent::UtteranceEdited { text, span, speaker, .. } => {
            revise(&mut row, *span);
            if text.is_some() {
                // Nobody doubts a person's words.
                set(&mut row, "confidence", Value::Null);
            }
            if let Some(speaker) = speaker {
                set(&mut row, "speaker", speaker.0);
            }
        }
        DubbingEvent::UtteranceSplit { utterance, first, added, second } => {
            let part = if is(added) { second } else { first };
            revise(&mut row, Some(part.span));
            set(&mut row, "confidence", Value::Null);
            if is(added) {
                let speaker = in_transcript(Some(&json!(utterance.0))).and_then(|line| line.get("speaker").cloned());
                set(&mut row, "speaker", speaker);
            }
        }
        DubbingEvent::UtterancesMerged { absorbed, .. } if is(absorbed) => return None,
        DubbingEvent::UtterancesMerged { joined, .. } => {
            revise(&mut row, Some(joined.span));
            set(&mut row, "confidence", Value::Null);
        }
        DubbingEvent::VideoGenerationStarted { .. }
        | DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::TrackRequested { .. }
        | DubbingEvent::SourceIngested(_)
        | DubbingEvent::SourceRejected { .. }
        | DubbingEvent::SpeechSeparated(_)
        | DubbingEvent::TranscriptImported { .. }
        | DubbingEvent::RegenerationRequested { .. }
        | DubbingEvent::TrackSettled { .. }
        | DubbingEvent::TrackRestored { .. }
        | DubbingEvent::VideoGenerationCompleted { .. }
        | DubbingEvent::VideoGenerationFailed { .. }
        | DubbingEvent::VideoGenerationCancelled
        | DubbingEvent::Flow(_) => {}
    }
    Some(row)
}

/// It is different from now on, or known for the first time.
fn revise(row: &mut Row, when: Option<Span>) {
    begin(row, "transcribed");
    let revision = count(row, "revision").saturating_add(1);
    set(row, "revision", revision);
    if let Some(when) = when {
        span(row, when);
    }
}
