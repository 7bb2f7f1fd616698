//! Jobs: one row per dubbing. What a list of jobs shows, and how an existing job is found again.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{is_set, language_of, number, or_blank, set, text},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::{
    dubbing::{DubbingEvent, IngestedSource, Order, Transcript},
    flow::{FlowEvent, PAUSED_BY_USER},
    track::TrackEvent,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One row per dubbing.
///
/// `state` is one of `queued`, `preparing` (source and transcript), `processing` (tracks), `parked` (out of
/// attempts: somebody must see to it), `paused` (by a user), `completed`, `needs_attention`, `failed`, `cancelled`;
/// `phase` is the same without `parked` and `paused`. `paused` names the streams whose flow stands still, by
/// language, the dubbing's own as `*`; `held` those that a user paused, `parked` those with a stage out of attempts.
/// `revision` is that of the dubbing's stream. `identity` and `source_sha256` are hexadecimal digests. `languages`
/// are the targets, joined by commas. `undoing` names the streams in which finished stages are being undone; `owes` says
/// whether anything may be left to do, so that a server that starts looks at no others. `priority` is `low`, `normal` or `high`.
pub static TABLE: Table = Table {
    name: "jobs",
    key: &["job_id"],
    columns: &[
        "job_id",
        "tenant",
        "revision",
        "project_id",
        "asset_id",
        "client_reference",
        "priority",
        "forked_from",
        "state",
        "phase",
        "paused",
        "paused_code",
        "held",
        "parked",
        "failure_code",
        "identity",
        "source_sha256",
        "source_media_type",
        "source_bytes",
        "source_language",
        "language_assumed",
        "transcript",
        "container",
        "duration_ms",
        "width",
        "height",
        "languages",
        "started_at",
        "updated_at",
        "ended_at",
        "undoing",
        "owes",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jobs;

impl Projection for Jobs {
    fn name(&self) -> &'static str {
        "jobs"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        event.stream.dubbing().map_or_else(Touched::none, |job| Touched::one(vec![json!(job.to_string())]))
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        stream.dubbing().map(|job| vec![json!(job.to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        match &event.event {
            DomainEvent::Dubbing(DubbingEvent::Flow(happened)) | DomainEvent::Track(TrackEvent::Flow(happened)) => {
                flow(&mut row, event, happened);
            }
            DomainEvent::Dubbing(happened) => dubbing(&mut row, event, happened),
            DomainEvent::Track(happened) => track(&mut row, event, happened),
            DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => {}
        }
        if matches!(event.stream, StreamId::Dubbing(_)) {
            set(&mut row, "revision", number(event.revision));
        }
        set(&mut row, "updated_at", event.recorded_at.to_string());
        let owes = is_live(&row) || !text(&row, "undoing").is_empty();
        set(&mut row, "owes", owes);
        name_state(&mut row);
        Some(row)
    }
}

fn name_state(row: &mut Row) {
    let state = match text(row, "phase") {
        "queued" | "preparing" | "processing" if !text(row, "parked").is_empty() => "parked",
        "queued" | "preparing" | "processing" if !text(row, "paused").is_empty() => "paused",
        phase => phase,
    };
    let state = state.to_owned();
    set(row, "state", state);
}

fn is_live(row: &Row) -> bool {
    matches!(text(row, "phase"), "queued" | "preparing" | "processing")
}

fn dubbing(row: &mut Row, event: &Recorded, happened: &DubbingEvent) {
    match happened {
        DubbingEvent::VideoGenerationStarted { .. } => begin(row, event, happened),
        DubbingEvent::TrackRequested { language, .. } => {
            add_language(row, language.as_str());
            reopen(row);
        }
        DubbingEvent::RegenerationRequested { .. } => reopen(row),
        DubbingEvent::SourceIngested(source) => ingested(row, source),
        DubbingEvent::VideoGenerationCompleted { needs_attention } => {
            end(row, event, if *needs_attention { "needs_attention" } else { "completed" });
        }
        DubbingEvent::VideoGenerationFailed { code } => {
            set(row, "failure_code", code.as_str());
            change(row, "undoing", |undoing| undoing.insert("*".to_owned()));
            end(row, event, "failed");
        }
        DubbingEvent::VideoGenerationCancelled => {
            change(row, "undoing", |undoing| undoing.insert("*".to_owned()));
            end(row, event, "cancelled");
        }
        DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::SourceRejected { .. }
        | DubbingEvent::SpeechSeparated(_)
        | DubbingEvent::SpeechSegmented { .. }
        | DubbingEvent::UtteranceTranscribed(_)
        | DubbingEvent::UtteranceDropped { .. }
        | DubbingEvent::SpeakerIdentified { .. }
        | DubbingEvent::TranscriptImported { .. }
        | DubbingEvent::UtteranceEdited { .. }
        | DubbingEvent::UtteranceSplit { .. }
        | DubbingEvent::UtterancesMerged { .. }
        | DubbingEvent::TrackSettled { .. }
        | DubbingEvent::TrackRestored { .. }
        | DubbingEvent::Flow(_) => {}
    }
}

/// Something is owed again.
fn reopen(row: &mut Row) {
    if matches!(text(row, "phase"), "completed" | "needs_attention") {
        set(row, "phase", "processing");
        set(row, "ended_at", Value::Null);
    }
}

fn begin(row: &mut Row, event: &Recorded, happened: &DubbingEvent) {
    let DubbingEvent::VideoGenerationStarted {
        identity,
        source,
        source_language,
        language_assumed,
        transcript,
        order,
        ..
    } = happened
    else {
        return;
    };
    set(row, "tenant", event.tenant.0.as_str());
    set(row, "phase", "queued");
    for streams in ["paused", "held", "parked"] {
        set(row, streams, "");
    }
    ordered(row, order);
    set(row, "identity", identity.to_string());
    set(row, "source_sha256", source.sha256.to_string());
    set(row, "source_media_type", source.media_type.as_str());
    set(row, "source_bytes", number(source.bytes));
    set(row, "source_language", source_language.as_str());
    set(row, "language_assumed", *language_assumed);
    set(
        row,
        "transcript",
        match transcript {
            Transcript::Recognised => "recognised",
            Transcript::Imported { .. } => "imported",
            Transcript::Embedded => "embedded",
        },
    );
    set(row, "languages", "");
    set(row, "started_at", event.recorded_at.to_string());
}

fn ordered(row: &mut Row, order: &Order) {
    set(row, "project_id", order.project.map(|project| project.to_string()));
    set(row, "asset_id", order.asset.map(|asset| asset.to_string()));
    set(row, "client_reference", order.client_reference.clone());
    set(row, "priority", order.priority.name());
    set(row, "forked_from", order.forked_from.map(|fork| fork.dubbing.to_string()));
}

fn ingested(row: &mut Row, source: &IngestedSource) {
    set(row, "container", source.container.as_str());
    set(row, "duration_ms", number(source.duration_ms));
    set(row, "width", source.picture.as_ref().map(|picture| picture.width));
    set(row, "height", source.picture.as_ref().map(|picture| picture.height));
}

fn track(row: &mut Row, event: &Recorded, happened: &TrackEvent) {
    match happened {
        TrackEvent::TrackWithdrawn => {
            let language = language_of(&event.stream).to_owned();
            change(row, "undoing", |undoing| undoing.insert(language));
        }
        TrackEvent::TrackStarted { .. } if is_live(row) => set(row, "phase", "processing"),
        TrackEvent::TrackStarted { .. }
        | TrackEvent::TrackRevised { .. }
        | TrackEvent::TranslationEdited { .. }
        | TrackEvent::LineDirected { .. }
        | TrackEvent::RegenerationStarted { .. }
        | TrackEvent::RunCalledOff { .. }
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
        | TrackEvent::TrackPublished(_)
        | TrackEvent::TrackDelivered { .. }
        | TrackEvent::Flow(_) => {}
    }
}

fn flow(row: &mut Row, event: &Recorded, happened: &FlowEvent) {
    let name = Some(language_of(&event.stream)).filter(|language| !language.is_empty()).unwrap_or("*");
    match happened {
        FlowEvent::StageStarted { .. } if text(row, "phase") == "queued" => set(row, "phase", "preparing"),
        FlowEvent::FlowPaused { code } => {
            set(row, "paused_code", code.as_str());
            let why = if code == PAUSED_BY_USER { "held" } else { "parked" };
            for streams in ["paused", why] {
                change(row, streams, |paused| paused.insert(name.to_owned()));
            }
        }
        FlowEvent::StageParked { .. } => change(row, "parked", |parked| parked.insert(name.to_owned())),
        FlowEvent::FlowResumed => {
            for streams in ["paused", "held", "parked"] {
                change(row, streams, |paused| paused.remove(name));
            }
            if text(row, "paused").is_empty() {
                set(row, "paused_code", Value::Null);
            }
        }
        FlowEvent::StageStarted { .. }
        | FlowEvent::StageRequested { .. }
        | FlowEvent::StageCompleted { .. }
        | FlowEvent::StageInherited { .. }
        | FlowEvent::StageFailed { .. }
        | FlowEvent::StageLost { .. }
        | FlowEvent::StageReleased { .. }
        | FlowEvent::StageRetryScheduled { .. }
        | FlowEvent::StageSkipped { .. }
        | FlowEvent::StageReopened { .. }
        | FlowEvent::StageUndone { .. } => {}
        FlowEvent::FlowCompensated => change(row, "undoing", |undoing| undoing.remove(name)),
    }
}

fn add_language(row: &mut Row, language: &str) {
    change(row, "languages", |languages| languages.insert(language.to_owned()));
}

/// Changes a column that holds names, joined by commas.
fn change(row: &mut Row, column: &'static str, change: impl FnOnce(&mut BTreeSet<String>) -> bool) {
    let mut names = split(text(row, column));
    change(&mut names);
    set(row, column, join(&names));
}

fn split(text: &str) -> BTreeSet<String> {
    text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn join(parts: &BTreeSet<String>) -> String {
    parts.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

fn end(row: &mut Row, event: &Recorded, phase: &'static str) {
    set(row, "phase", phase);
    if !is_set(row, "ended_at") {
        set(row, "ended_at", event.recorded_at.to_string());
    }
}
