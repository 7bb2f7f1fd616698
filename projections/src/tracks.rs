//! Tracks: one row per dubbing and target language. How far it is, and what came of it.

use crate::{
    lines::{FlaggedLines, LineSet},
    projection::{Projection, Touched},
    row::{is_set, job_of, number, or_blank, reopened, set, text},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::{
    dubbing::{DubbingEvent, Outcome},
    flow::FlowEvent,
    track::{AssessedTrack, PublishedTrack, TrackEvent},
    value::{LanguageTag, UtteranceId},
};
use serde_json::{Value, json};

/// One row per dubbing and target language.
///
/// `state` is one of `requested` (waits for the transcript), `processing`, `parked`, `completed`,
/// `needs_attention`, `cancelled`, `failed` (with its job); `phase` is the same without `parked`.
/// `lines` counts the track's lines; `translated`, `synthesised`, `fitted` those that ever came so far,
/// `flagged` and `to_attend` those with a flag now. The columns ending in `_lines` and `flags` hold
/// which lines these are. Levels are in hundredths of LUFS and dBTP, as measured in the finished file.
pub static TABLE: Table = Table {
    name: "tracks",
    key: &["job_id", "language"],
    columns: &[
        "job_id",
        "language",
        "state",
        "phase",
        "paused",
        "paused_code",
        "requests",
        "route",
        "lines",
        "translated",
        "synthesised",
        "fitted",
        "flagged",
        "to_attend",
        "overlaps",
        "translated_lines",
        "synthesised_lines",
        "fitted_lines",
        "flags",
        "loudness_lufs_centi",
        "true_peak_dbtp_centi",
        "loudness_reached",
        "video_copied",
        "media_sha256",
        "media_bytes",
        "srt_sha256",
        "vtt_sha256",
        "report_sha256",
        "manifest_sha256",
        "requested_at",
        "started_at",
        "published_at",
        "settled_at",
        "updated_at",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracks;

impl Projection for Tracks {
    fn name(&self) -> &'static str {
        "tracks"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        let job = job_of(&event.stream);
        let track = |language: &LanguageTag| Touched::one(vec![job.clone(), json!(language.as_str())]);
        match (&event.stream, &event.event) {
            (StreamId::Track(id), _) => track(&id.language),
            (
                StreamId::Dubbing(_),
                DomainEvent::Dubbing(
                    DubbingEvent::TrackRequested { language, .. }
                    | DubbingEvent::RegenerationRequested { language }
                    | DubbingEvent::TrackSettled { language, .. },
                ),
            ) => track(language),
            (
                StreamId::Dubbing(_),
                DomainEvent::Dubbing(
                    DubbingEvent::VideoGenerationFailed { .. } | DubbingEvent::VideoGenerationCancelled,
                ),
            ) => Touched::beneath(vec![job]),
            (StreamId::Dubbing(_) | StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_), _) => {
                Touched::none()
            }
        }
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        match &event.event {
            DomainEvent::Dubbing(happened) => dubbing(&mut row, event, happened),
            DomainEvent::Track(happened) => track(&mut row, event, happened),
            DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) => {}
        }
        set(&mut row, "updated_at", event.recorded_at.to_string());
        let is_parked = row.get("paused") == Some(&Value::Bool(true)) && is_live(&row);
        let state = if is_parked { "parked".to_owned() } else { text(&row, "phase").to_owned() };
        set(&mut row, "state", state);
        Some(row)
    }
}

fn is_live(row: &Row) -> bool {
    matches!(text(row, "phase"), "requested" | "processing")
}

fn dubbing(row: &mut Row, event: &Recorded, happened: &DubbingEvent) {
    match happened {
        DubbingEvent::TrackRequested { .. } | DubbingEvent::RegenerationRequested { .. } => requested(row, event),
        DubbingEvent::TrackSettled { outcome, .. } => {
            let phase = match outcome {
                Outcome::Completed => "completed",
                Outcome::NeedsAttention => "needs_attention",
                Outcome::Cancelled => "cancelled",
            };
            set(row, "phase", phase);
            set(row, "settled_at", event.recorded_at.to_string());
        }
        DubbingEvent::VideoGenerationFailed { .. } if is_live(row) => set(row, "phase", "failed"),
        DubbingEvent::VideoGenerationCancelled if is_live(row) => set(row, "phase", "cancelled"),
        DubbingEvent::VideoGenerationFailed { .. }
        | DubbingEvent::VideoGenerationCancelled
        | DubbingEvent::VideoGenerationStarted { .. }
        | DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::SourceIngested(_)
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
        | DubbingEvent::VideoGenerationCompleted { .. }
        | DubbingEvent::Flow(_) => {}
    }
}

fn requested(row: &mut Row, event: &Recorded) {
    let requests = row.get("requests").and_then(Value::as_i64).unwrap_or(0).saturating_add(1);
    set(row, "requests", requests);
    if requests == 1 {
        set(row, "requested_at", event.recorded_at.to_string());
        blank(row);
    }
    set(row, "phase", if is_set(row, "started_at") { "processing" } else { "requested" });
    set(row, "settled_at", Value::Null);
}

/// As nothing has been made.
fn blank(row: &mut Row) {
    set(row, "paused", false);
    set(row, "paused_code", Value::Null);
    for count in ["lines", "translated", "synthesised", "fitted", "flagged", "to_attend"] {
        set(row, count, 0);
    }
    for lines in ["translated_lines", "synthesised_lines", "fitted_lines", "flags"] {
        set(row, lines, "");
    }
}

fn track(row: &mut Row, event: &Recorded, happened: &TrackEvent) {
    match happened {
        TrackEvent::TrackStarted { lines, .. } => {
            // One that was called off begins anew.
            blank(row);
            set(row, "phase", "processing");
            set(row, "lines", number(lines.len()));
            set(row, "started_at", event.recorded_at.to_string());
        }
        TrackEvent::TrackRevised { .. } => set(row, "phase", "processing"),
        TrackEvent::RegenerationStarted { lines, .. } => {
            set(row, "phase", "processing");
            set(row, "lines", number(lines.len()));
        }
        TrackEvent::TranslationRouted { languages, .. } => {
            set(row, "route", languages.iter().map(LanguageTag::as_str).collect::<Vec<_>>().join(","));
        }
        TrackEvent::UtteranceTranslated(line) => reached(row, "translated", "translated_lines", line.utterance),
        TrackEvent::UtteranceSynthesised(line) => reached(row, "synthesised", "synthesised_lines", line.utterance),
        TrackEvent::UtteranceFitted(line) => reached(row, "fitted", "fitted_lines", line.utterance),
        TrackEvent::UtteranceFlagged { utterance, stage, flag } => {
            flags(row, |flags| flags.insert(*stage, *flag, *utterance));
        }
        TrackEvent::TrackMixed(mixed) => set(row, "loudness_reached", mixed.loudness_reached),
        TrackEvent::TrackMuxed(muxed) => set(row, "video_copied", muxed.video_copied),
        TrackEvent::QualityAssessed(found) => assessed(row, found),
        TrackEvent::ProvenanceSigned(signed) => set(row, "manifest_sha256", signed.manifest_sha256.to_string()),
        TrackEvent::TrackPublished(result) => published(row, event, Some(result)),
        TrackEvent::TrackWithdrawn => {
            published(row, event, None);
            set(row, "phase", "cancelled");
        }
        TrackEvent::Flow(happened) => flow(row, happened),
        TrackEvent::VoiceAssigned { .. } | TrackEvent::SpeechRateChosen { .. } | TrackEvent::TrackDelivered { .. } => {}
        TrackEvent::TranslationEdited { .. } | TrackEvent::LineDirected { .. } => {}
    }
}

fn flow(row: &mut Row, happened: &FlowEvent) {
    match happened {
        // Stages that are asked for anew take their flags back: they will say again what is wrong.
        FlowEvent::StageReopened { stage } => flags(row, |flags| flags.take_back(&reopened(*stage))),
        // An attempt before came to nothing, and what it said is not so any more.
        FlowEvent::StageStarted { fence } => flags(row, |flags| flags.take_back(&[fence.stage])),
        FlowEvent::FlowPaused { code } => {
            set(row, "paused", true);
            set(row, "paused_code", code.as_str());
        }
        FlowEvent::FlowResumed => {
            set(row, "paused", false);
            set(row, "paused_code", Value::Null);
        }
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
        | FlowEvent::FlowCompensated => {}
    }
}

/// A line has come so far. It counts once, however often it is made anew.
fn reached(row: &mut Row, count: &'static str, which: &'static str, line: UtteranceId) {
    let mut lines = LineSet::read(text(row, which));
    lines.insert(line);
    set(row, count, number(lines.len()));
    set(row, which, lines.write());
}

fn flags(row: &mut Row, change: impl FnOnce(&mut FlaggedLines)) {
    let mut flags = FlaggedLines::read(text(row, "flags"));
    change(&mut flags);
    set(row, "flagged", number(flags.all().len()));
    set(row, "to_attend", number(flags.to_attend().len()));
    set(row, "flags", flags.write());
}

fn assessed(row: &mut Row, found: &AssessedTrack) {
    set(row, "overlaps", found.overlaps);
    set(row, "loudness_lufs_centi", centi(found.loudness.db()));
    set(row, "true_peak_dbtp_centi", centi(found.true_peak.db()));
}

/// Levels are kept in hundredths already, so that nothing is lost here.
fn centi(level: f64) -> i64 {
    (level * 100.0).round() as i64
}

fn published(row: &mut Row, event: &Recorded, result: Option<&PublishedTrack>) {
    set(row, "media_sha256", result.map(|result| result.media.sha256.to_string()));
    set(row, "media_bytes", result.map(|result| number(result.media.bytes)));
    set(row, "srt_sha256", result.map(|result| result.srt.sha256.to_string()));
    set(row, "vtt_sha256", result.map(|result| result.vtt.sha256.to_string()));
    set(row, "report_sha256", result.map(|result| result.report.sha256.to_string()));
    set(row, "published_at", result.map(|_| event.recorded_at.to_string()));
}
