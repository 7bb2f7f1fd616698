//! Utterances: one row per utterance of a dubbing's transcript, and one per line of each track.
//! Where they are and what is wrong with them; never what is said.

use crate::{
    lines::LineFlags,
    projection::{Projection, Touched},
    row::{job_of, language_of, number, or_blank, reopened, set, text},
};
use application::ports::{
    event_log::{DomainEvent, Recorded},
    read_store::{Row, RowKey, Table},
};
use domain::{
    dubbing::DubbingEvent,
    flow::FlowEvent,
    track::{FittedUtterance, TrackEvent},
    value::{Span, UtteranceId},
};
use serde_json::json;

/// One row per utterance and language; `language` is empty for the transcript itself.
///
/// `state` is `planned`, `transcribed` or `dropped` in the transcript; in a track it is the farthest
/// that the line ever came: `waiting`, `translated`, `synthesised`, `fitted`. Times are in milliseconds
/// of the source in the transcript, of the dub in a track. `confidence` and `rate` are whole percent;
/// `flags` names stage and flag, `fit:late,translate:unknown-word`.
pub static TABLE: Table = Table {
    name: "utterances",
    key: &["job_id", "language", "utterance"],
    columns: &[
        "job_id",
        "language",
        "utterance",
        "state",
        "start_ms",
        "end_ms",
        "speaker",
        "confidence",
        "rate",
        "shift_ms",
        "duration_ms",
        "unknown_words",
        "terms",
        "terms_missing",
        "flags",
        "needs_attention",
        "updated_at",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utterances;

impl Projection for Utterances {
    fn name(&self) -> &'static str {
        "utterances"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        let job = job_of(&event.stream);
        let language = json!(language_of(&event.stream));
        let key = |id: UtteranceId| vec![job.clone(), language.clone(), json!(id.0)];
        match &event.event {
            DomainEvent::Dubbing(DubbingEvent::SpeechSegmented { utterances }) => {
                Touched::many(utterances.iter().map(|planned| key(planned.utterance)))
            }
            DomainEvent::Dubbing(DubbingEvent::UtteranceTranscribed(line)) => Touched::one(key(line.utterance)),
            DomainEvent::Dubbing(DubbingEvent::UtteranceDropped { utterance, .. }) => Touched::one(key(*utterance)),
            DomainEvent::Dubbing(DubbingEvent::SpeakerIdentified { utterances, .. }) => {
                Touched::many(utterances.iter().copied().map(key))
            }
            DomainEvent::Track(
                TrackEvent::TrackStarted { lines, .. } | TrackEvent::RegenerationStarted { lines, .. },
            ) => Touched::many(lines.iter().map(|line| key(line.utterance))),
            DomainEvent::Dubbing(_) => Touched::none(),
            DomainEvent::Track(TrackEvent::Flow(FlowEvent::StageReopened { .. })) => {
                Touched::beneath(vec![job, language])
            }
            DomainEvent::Track(TrackEvent::Flow(FlowEvent::StageStarted { fence })) if fence.attempt > 1 => {
                Touched::beneath(vec![job, language])
            }
            DomainEvent::Track(happened) => happened.utterance().map_or_else(Touched::none, |id| Touched::one(key(id))),
            DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) => Touched::none(),
        }
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        match &event.event {
            DomainEvent::Dubbing(happened) => transcript(&mut row, key, happened),
            DomainEvent::Track(happened) => track(&mut row, happened),
            DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) => {}
        }
        set(&mut row, "updated_at", event.recorded_at.to_string());
        Some(row)
    }
}

fn transcript(row: &mut Row, key: &RowKey, happened: &DubbingEvent) {
    match happened {
        DubbingEvent::SpeechSegmented { utterances } => {
            let planned = utterances.iter().find(|planned| key.last() == Some(&json!(planned.utterance.0)));
            if let Some(planned) = planned {
                begin(row, "planned");
                span(row, planned.span);
            }
        }
        DubbingEvent::UtteranceTranscribed(line) => {
            begin(row, "transcribed");
            span(row, line.span);
            set(row, "confidence", line.confidence.map(|confidence| confidence.get()));
        }
        DubbingEvent::UtteranceDropped { .. } => begin(row, "dropped"),
        DubbingEvent::SpeakerIdentified { speaker, .. } => set(row, "speaker", speaker.0),
        DubbingEvent::VideoGenerationStarted { .. }
        | DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::TrackRequested { .. }
        | DubbingEvent::SourceIngested(_)
        | DubbingEvent::SourceRejected { .. }
        | DubbingEvent::SpeechSeparated(_)
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

fn track(row: &mut Row, happened: &TrackEvent) {
    match happened {
        TrackEvent::TrackStarted { .. } | TrackEvent::RegenerationStarted { .. } => begin(row, "waiting"),
        TrackEvent::UtteranceTranslated(line) => {
            advance(row, "translated");
            set(row, "unknown_words", line.unknown_words);
            set(row, "terms", line.terms);
            set(row, "terms_missing", line.terms_missing);
        }
        TrackEvent::UtteranceSynthesised(_) => advance(row, "synthesised"),
        TrackEvent::UtteranceFitted(place) => fitted(row, place),
        TrackEvent::UtteranceFlagged { stage, flag, .. } => flags(row, |flags| flags.insert(*stage, *flag)),
        TrackEvent::Flow(FlowEvent::StageReopened { stage }) => flags(row, |flags| flags.take_back(&reopened(*stage))),
        // An attempt before came to nothing, and what it said is not so any more.
        TrackEvent::Flow(FlowEvent::StageStarted { fence }) => flags(row, |flags| flags.take_back(&[fence.stage])),
        TrackEvent::SpeechRateChosen { rate, .. } => set(row, "rate", rate.get()),
        TrackEvent::TrackRevised { .. }
        | TrackEvent::TranslationEdited { .. }
        | TrackEvent::LineDirected { .. }
        | TrackEvent::TranslationRouted { .. }
        | TrackEvent::VoiceAssigned { .. }
        | TrackEvent::TrackMixed(_)
        | TrackEvent::TrackMuxed(_)
        | TrackEvent::QualityAssessed(_)
        | TrackEvent::ProvenanceSigned(_)
        | TrackEvent::TrackPublished(_)
        | TrackEvent::TrackDelivered { .. }
        | TrackEvent::TrackWithdrawn
        | TrackEvent::Flow(_) => {}
    }
}

fn begin(row: &mut Row, state: &'static str) {
    set(row, "state", state);
    if text(row, "flags").is_empty() {
        set(row, "flags", "");
        set(row, "needs_attention", false);
    }
}

/// How far a line can come in a track, in order.
const STEPS: [&str; 4] = ["waiting", "translated", "synthesised", "fitted"];

/// A line that is made anew keeps the farthest state: what did not change is not said again.
fn advance(row: &mut Row, step: &'static str) {
    let place = |step: &str| STEPS.iter().position(|known| *known == step);
    if place(text(row, "state")) < place(step) {
        set(row, "state", step);
    }
}

fn fitted(row: &mut Row, place: &FittedUtterance) {
    advance(row, "fitted");
    set(row, "start_ms", number(place.start_ms));
    set(row, "end_ms", number(place.start_ms.saturating_add(place.duration_ms)));
    set(row, "duration_ms", number(place.duration_ms));
    set(row, "rate", place.rate.get());
    set(row, "shift_ms", place.shift_ms);
}

fn span(row: &mut Row, span: Span) {
    set(row, "start_ms", number(span.start_ms()));
    set(row, "end_ms", number(span.end_ms()));
    set(row, "duration_ms", number(span.len_ms()));
}

fn flags(row: &mut Row, change: impl FnOnce(&mut LineFlags)) {
    let mut flags = LineFlags::read(text(row, "flags"));
    change(&mut flags);
    set(row, "needs_attention", flags.needs_attention());
    set(row, "flags", flags.write());
}
