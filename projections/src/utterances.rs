//! Utterances: one row per utterance of a dubbing's transcript, and one per line of each track.
//! Where they are, what is wrong with them, which of them are stale; never what is said.

use crate::{
    lines::LineFlags,
    making,
    projection::{Beside, KeyPattern, Projection, Touched, by_job_and_language},
    row::{count, job_of, language_of, number, or_blank, set, text},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::{
    flow::{FlowEvent, Scope, with_followers},
    track::{FittedUtterance, TrackEvent},
    value::{Span, UtteranceId},
};
use serde_json::{Value, json};

mod revisions;
mod transcript;

/// One row per utterance and language; `language` is empty for the transcript itself.
///
/// `state` is `planned`, `transcribed` or `dropped` in the transcript; in a track it is the farthest
/// that the line ever came: `waiting`, `translated`, `synthesised`, `fitted`. `revision` counts how often the line
/// was said to be different, in the transcript and in the track; in a track, `output_revision` is the one that can be
/// heard, `stale` says whether that is an older one, and `removed` that the transcript has the line no more: it goes
/// when the track is made anew. Times are in milliseconds of the source in the transcript, of the dub in a track.
/// `confidence` and `rate` are whole percent; `flags` names stage and flag, `fit:late,translate:unknown-word`.
/// `source_revision`, `edits`, `making_revision`, `made_from` and `translate_phase` are the fold's own.
pub static TABLE: Table = Table {
    name: "utterances",
    key: &["job_id", "language", "utterance"],
    columns: &[
        "job_id",
        "language",
        "utterance",
        "tenant",
        "state",
        "revision",
        "output_revision",
        "stale",
        "removed",
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
        "source_revision",
        "edits",
        "made_from",
        "making_revision",
        "translate_phase",
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
        match &event.event {
            DomainEvent::Dubbing(happened) => transcript::touches(&job, happened),
            DomainEvent::Track(happened) => of_track(job, language_of(&event.stream), happened),
            DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => {
                Touched::none()
            }
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        by_job_and_language(stream)
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, beside: &Beside<'_>) -> Option<Row> {
        let before = row.clone();
        let mut row = or_blank(row, &TABLE, key);
        let in_transcript =
            |id: Option<&Value>| -> Option<Row> { beside(&vec![key.first()?.clone(), json!(""), id?.clone()]) };
        set(&mut row, "tenant", event.tenant.0.as_str());
        match &event.event {
            DomainEvent::Dubbing(happened) if text(&row, "language").is_empty() => {
                row = transcript::apply(row, key, happened, &in_transcript)?;
            }
            DomainEvent::Dubbing(_) => revisions::of_source(&mut row, in_transcript(key.last()).as_ref()),
            DomainEvent::Track(happened) => row = track(row, key, happened, &in_transcript)?,
            DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => {}
        }
        if before.as_ref() != Some(&row) {
            set(&mut row, "updated_at", event.recorded_at.to_string());
        }
        Some(row)
    }
}

/// Finds the transcript's row of a line.
type InTranscript<'a> = dyn Fn(Option<&Value>) -> Option<Row> + 'a;

fn key_of(job: &Value, language: &str, id: UtteranceId) -> RowKey {
    vec![job.clone(), json!(language), json!(id.0)]
}

/// The rows that an event of a track touches. Only what concerns all lines looks at them all.
fn of_track(job: Value, language: &str, happened: &TrackEvent) -> Touched {
    let all: KeyPattern = vec![Some(job.clone()), Some(json!(language))];
    match happened {
        TrackEvent::TrackStarted { lines, .. } | TrackEvent::RegenerationStarted { lines, .. } => {
            let keys = |language: &str| lines.iter().map(|line| key_of(&job, language, line.utterance)).collect();
            Touched { keys: keys(language), alike: vec![all], read: keys("") }
        }
        TrackEvent::TrackPublished(_) => Touched::none().and_alike(all),
        TrackEvent::Flow(FlowEvent::StageReopened { .. }) => Touched::none().and_alike(all),
        TrackEvent::Flow(FlowEvent::StageStarted { fence }) if fence.attempt > 1 => Touched::none().and_alike(all),
        TrackEvent::Flow(happened) if making::is_news(happened) => Touched::none().and_alike(all),
        TrackEvent::TrackRevised { .. }
        | TrackEvent::RunCalledOff { .. }
        | TrackEvent::TranslationEdited { .. }
        | TrackEvent::LineDirected { .. }
        | TrackEvent::TranslationRouted { .. }
        | TrackEvent::UtteranceTranslated(_)
        | TrackEvent::VoiceAssigned { .. }
        | TrackEvent::UtteranceSynthesised(_)
        | TrackEvent::SpeechRateChosen { .. }
        | TrackEvent::UtteranceFitted(_)
        | TrackEvent::UtteranceFlagged { .. }
        | TrackEvent::TrackMixed(_)
        | TrackEvent::TrackMuxed(_)
        | TrackEvent::QualityAssessed(_)
        | TrackEvent::ProvenanceSigned(_)
        | TrackEvent::TrackDelivered { .. }
        | TrackEvent::TrackWithdrawn
        | TrackEvent::Flow(_) => {
            happened.utterance().map_or_else(Touched::none, |id| Touched::one(key_of(&job, language, id)))
        }
    }
}

/// A track's line after an event; `None` when it is a line no more.
fn track(mut row: Row, key: &RowKey, happened: &TrackEvent, in_transcript: &InTranscript<'_>) -> Option<Row> {
    match happened {
        TrackEvent::TrackStarted { lines, .. } => {
            let line = lines.iter().find(|line| key.last() == Some(&json!(line.utterance.0)))?;
            let tenant = row.get("tenant").cloned();
            row = or_blank(None, &TABLE, key);
            set(&mut row, "tenant", tenant);
            begin(&mut row, "waiting");
            making::wait(&mut row);
            revisions::make(&mut row, line.revision, in_transcript(key.last()).as_ref());
        }
        TrackEvent::RegenerationStarted { lines, .. } => {
            let line = lines.iter().find(|line| key.last() == Some(&json!(line.utterance.0)))?;
            if text(&row, "state").is_empty() {
                begin(&mut row, "waiting");
                // The flow's next word is that its first stage is asked for anew.
                making::wait(&mut row);
            }
            revisions::make(&mut row, line.revision, in_transcript(key.last()).as_ref());
        }
        TrackEvent::TranslationEdited { .. } | TrackEvent::LineDirected { .. } => revisions::said(&mut row),
        TrackEvent::TrackPublished(_) => revisions::published(&mut row),
        TrackEvent::UtteranceTranslated(line) => {
            advance(&mut row, "translated");
            set(&mut row, "unknown_words", line.unknown_words);
            set(&mut row, "terms", line.terms);
            set(&mut row, "terms_missing", line.terms_missing);
        }
        TrackEvent::UtteranceSynthesised(_) => advance(&mut row, "synthesised"),
        TrackEvent::UtteranceFitted(place) => fitted(&mut row, place),
        TrackEvent::UtteranceFlagged { stage, flag, .. } => flags(&mut row, |flags| flags.insert(*stage, *flag)),
        TrackEvent::SpeechRateChosen { rate, .. } => set(&mut row, "rate", rate.get()),
        TrackEvent::Flow(happened) => flow(&mut row, happened),
        TrackEvent::TrackRevised { .. }
        | TrackEvent::RunCalledOff { .. }
        | TrackEvent::TranslationRouted { .. }
        | TrackEvent::VoiceAssigned { .. }
        | TrackEvent::TrackMixed(_)
        | TrackEvent::TrackMuxed(_)
        | TrackEvent::QualityAssessed(_)
        | TrackEvent::ProvenanceSigned(_)
        | TrackEvent::TrackDelivered { .. }
        | TrackEvent::TrackWithdrawn => {}
    }
    Some(row)
}

fn flow(row: &mut Row, happened: &FlowEvent) {
    making::flow(row, happened);
    match happened {
        FlowEvent::StageReopened { stage } => {
            flags(row, |flags| flags.take_back(&with_followers(Scope::Track, *stage)));
        }
        // An attempt before came to nothing, and what it said is not so any more.
        FlowEvent::StageStarted { fence } => flags(row, |flags| flags.take_back(&[fence.stage])),
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
