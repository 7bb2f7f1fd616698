//! Tracks: one row per dubbing and target language. How far it is, and what came of it.

use crate::{
    lines::{FlaggedLines, LineSet},
    making,
    numbers::LineNumbers,
    projection::{Beside, Projection, Touched, by_job_and_language},
    row::{add, centi, is_set, is_true, job_of, number, or_blank, set, text},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::{
    dubbing::{DubbingEvent, Outcome},
    flow::{FlowEvent, PAUSED_BY_USER, Scope, with_followers},
    track::{AssessedTrack, PublishedTrack, TrackEvent},
    value::{LanguageTag, UtteranceId},
};
use serde_json::{Value, json};

mod revisions;

/// One row per dubbing and target language; and one whose language is empty: the transcript, which all languages
/// are made from. Whoever lists tracks leaves that one out ([`is_track`]).
///
/// `state` is one of `requested` (waits for the transcript), `processing`, `parked` (out of attempts), `paused` (by
/// a user), `completed`, `needs_attention`, `cancelled`, `failed` (with its job); `phase` is the same without
/// `parked` and `paused`. `revision` is the stream's. `lines` counts the track's lines; `translated`, `synthesised`,
/// `fitted` those that ever came so far, `flagged` and `to_attend` those with a flag now, `stale` those that
/// changed, came or went since they were made. The columns ending in `_lines` and `flags` hold which lines these are,
/// as ranges: `1-12,14`. `published` says whether the result is visible; `withdrawn_at` when it last ceased to be.
/// Levels are in hundredths of LUFS and dBTP, as measured in the finished file. The columns ending in `_revisions`,
/// `line_edits` and `translate_phase` are the fold's own.
pub static TABLE: Table = Table {
    name: "tracks",
    key: &["job_id", "language"],
    columns: &[
        "job_id",
        "language",
        "tenant",
        "revision",
        "state",
        "phase",
        "paused",
        "paused_code",
        "held",
        "parked",
        "requests",
        "route",
        "lines",
        "translated",
        "synthesised",
        "fitted",
        "flagged",
        "to_attend",
        "stale",
        "overlaps",
        "translated_lines",
        "synthesised_lines",
        "fitted_lines",
        "stale_lines",
        "flags",
        "source_revisions",
        "line_edits",
        "making_revisions",
        "output_revisions",
        "translate_phase",
        "loudness_lufs_centi",
        "true_peak_dbtp_centi",
        "loudness_reached",
        "video_copied",
        "published",
        "media_sha256",
        "media_bytes",
        "srt_sha256",
        "vtt_sha256",
        "report_sha256",
        "manifest_sha256",
        "requested_at",
        "started_at",
        "published_at",
        "withdrawn_at",
        "settled_at",
        "updated_at",
    ],
};

/// Whether a row is of a track, and not of the transcript.
pub fn is_track(row: &Row) -> bool {
    !text(row, "language").is_empty()
}

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
        match (&event.stream, &event.event) {
            (StreamId::Track(id), DomainEvent::Track(happened)) => {
                let touched = Touched::one(vec![job.clone(), json!(id.language.as_str())]);
                if revisions::needs_transcript(happened) { touched.and_read([transcript_of(job)]) } else { touched }
            }
            (StreamId::Dubbing(_), DomainEvent::Dubbing(happened)) => of_dubbing(job, happened),
            (
                StreamId::Dubbing(_)
                | StreamId::Track(_)
                | StreamId::Asset(_)
                | StreamId::Project(_)
                | StreamId::Glossary(_)
                | StreamId::Tenancy(_),
                _,
            ) => Touched::none(),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        by_job_and_language(stream)
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, beside: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        set(&mut row, "tenant", event.tenant.0.as_str());
        let transcript = || beside(&transcript_of(key.first().cloned().unwrap_or_default()));
        if is_track(&row) {
            match &event.event {
                DomainEvent::Dubbing(happened) => dubbing(&mut row, event, happened),
                DomainEvent::Track(happened) => {
                    set(&mut row, "revision", number(event.revision));
                    track(&mut row, event, happened);
                }
                DomainEvent::Asset(_)
                | DomainEvent::Project(_)
                | DomainEvent::Glossary(_)
                | DomainEvent::Tenancy(_) => {}
            }
            revisions::of_track(&mut row, &event.event, &transcript);
            name_state(&mut row);
        } else if let DomainEvent::Dubbing(happened) = &event.event {
            revisions::of_transcript(&mut row, happened);
        }
        set(&mut row, "updated_at", event.recorded_at.to_string());
        Some(row)
    }
}

fn transcript_of(job: Value) -> RowKey {
    vec![job, json!("")]
}

/// The rows that an event of the dubbing touches. Only edits, and the end, look at those of all languages.
fn of_dubbing(job: Value, happened: &DubbingEvent) -> Touched {
    match happened {
        DubbingEvent::TrackRequested { language, .. }
        | DubbingEvent::RegenerationRequested { language, .. }
        | DubbingEvent::TrackSettled { language, .. }
        | DubbingEvent::TrackRestored { language, .. } => Touched::one(vec![job, json!(language.as_str())]),
        DubbingEvent::UtteranceTranscribed(_) => Touched::one(transcript_of(job)),
        DubbingEvent::UtteranceEdited { .. }
        | DubbingEvent::UtteranceSplit { .. }
        | DubbingEvent::UtterancesMerged { .. } => Touched::one(transcript_of(job.clone())).and_alike(vec![Some(job)]),
        DubbingEvent::VideoGenerationFailed { .. } | DubbingEvent::VideoGenerationCancelled => {
            Touched::beneath(vec![job])
        }
        DubbingEvent::VideoGenerationStarted { .. }
        | DubbingEvent::DeliveryChosen { .. }
        | DubbingEvent::SourceIngested(_)
        | DubbingEvent::SourceRejected { .. }
        | DubbingEvent::SpeechSeparated(_)
        | DubbingEvent::SpeechSegmented { .. }
        | DubbingEvent::UtteranceDropped { .. }
        | DubbingEvent::SpeakerIdentified { .. }
        | DubbingEvent::TranscriptImported { .. }
        | DubbingEvent::VideoGenerationCompleted { .. }
        | DubbingEvent::Flow(_) => Touched::none(),
    }
}

fn name_state(row: &mut Row) {
    let state = match text(row, "phase") {
        "requested" | "processing" if is_true(row, "parked") => "parked",
        "requested" | "processing" if is_true(row, "paused") => "paused",
        phase => phase,
    };
    let state = state.to_owned();
    set(row, "state", state);
}

fn is_live(row: &Row) -> bool {
    matches!(text(row, "phase"), "requested" | "processing")
}

fn dubbing(row: &mut Row, event: &Recorded, happened: &DubbingEvent) {
    match happened {
        DubbingEvent::TrackRequested { .. } | DubbingEvent::RegenerationRequested { .. } => requested(row, event),
        DubbingEvent::TrackSettled { outcome, .. } | DubbingEvent::TrackRestored { outcome, .. } => {
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
    if !is_set(row, "requests") {
        set(row, "requested_at", event.recorded_at.to_string());
        blank(row);
    }
    add(row, "requests", 1);
    set(row, "phase", if is_set(row, "started_at") { "processing" } else { "requested" });
    set(row, "settled_at", Value::Null);
}

/// As nothing has been made.
fn blank(row: &mut Row) {
    for flag in ["paused", "held", "parked", "published"] {
        set(row, flag, false);
    }
    for count in ["lines", "translated", "synthesised", "fitted", "flagged", "to_attend", "stale"] {
        set(row, count, 0);
    }
    for lines in ["translated_lines", "synthesised_lines", "fitted_lines", "stale_lines", "flags"] {
        set(row, lines, "");
    }
    for numbers in revisions::COLUMNS {
        set(row, numbers, "");
    }
    let found = ["overlaps", "loudness_lufs_centi", "true_peak_dbtp_centi", "loudness_reached", "video_copied"];
    for result in found.into_iter().chain(["paused_code", "route", "manifest_sha256"]) {
        set(row, result, Value::Null);
    }
    making::wait(row);
}

fn track(row: &mut Row, event: &Recorded, happened: &TrackEvent) {
    match happened {
        TrackEvent::TrackStarted { .. } => {
            // One that was called off begins anew.
            blank(row);
            set(row, "phase", "processing");
            set(row, "started_at", event.recorded_at.to_string());
        }
        TrackEvent::TrackRevised { .. } => made_anew(row),
        TrackEvent::RegenerationStarted { lines, .. } => {
            made_anew(row);
            keep(row, &lines.iter().map(|line| (line.utterance.0, line.revision)).collect::<LineNumbers>().lines());
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
            if is_true(row, "published") {
                set(row, "withdrawn_at", event.recorded_at.to_string());
            }
            published(row, event, None);
            set(row, "phase", "cancelled");
        }
        TrackEvent::Flow(happened) => flow(row, happened),
        TrackEvent::VoiceAssigned { .. } | TrackEvent::SpeechRateChosen { .. } | TrackEvent::TrackDelivered { .. } => {}
        TrackEvent::TranslationEdited { .. } | TrackEvent::LineDirected { .. } | TrackEvent::RunCalledOff { .. } => {}
    }
}

/// A run begins, unless it was called off before it did.
fn made_anew(row: &mut Row) {
    if !is_set(row, "settled_at") {
        set(row, "phase", "processing");
    }
}

fn flow(row: &mut Row, happened: &FlowEvent) {
    making::flow(row, happened);
    match happened {
        // Stages that are asked for anew take their flags back: they will say again what is wrong.
        FlowEvent::StageReopened { stage } => {
            flags(row, |flags| flags.take_back(&with_followers(Scope::Track, *stage)))
        }
        // An attempt before came to nothing, and what it said is not so any more.
        FlowEvent::StageStarted { fence } => flags(row, |flags| flags.take_back(&[fence.stage])),
        FlowEvent::FlowPaused { code } => {
            set(row, "paused", true);
            set(row, "paused_code", code.as_str());
            set(row, if code == PAUSED_BY_USER { "held" } else { "parked" }, true);
        }
        FlowEvent::StageParked { .. } => set(row, "parked", true),
        FlowEvent::FlowResumed => {
            for flag in ["paused", "held", "parked"] {
                set(row, flag, false);
            }
            set(row, "paused_code", Value::Null);
        }
        FlowEvent::StageRequested { .. }
        | FlowEvent::StageCompleted { .. }
        | FlowEvent::StageInherited { .. }
        | FlowEvent::StageFailed { .. }
        | FlowEvent::StageLost { .. }
        | FlowEvent::StageReleased { .. }
        | FlowEvent::StageRetryScheduled { .. }
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

/// These are the lines from now on: what was counted of others is forgotten.
fn keep(row: &mut Row, lines: &LineSet) {
    for (count, which) in
        [("translated", "translated_lines"), ("synthesised", "synthesised_lines"), ("fitted", "fitted_lines")]
    {
        let mut reached = LineSet::read(text(row, which));
        reached.retain(lines);
        set(row, count, number(reached.len()));
        set(row, which, reached.write());
    }
    flags(row, |flags| flags.retain(lines));
}

fn assessed(row: &mut Row, found: &AssessedTrack) {
    set(row, "overlaps", found.overlaps);
    set(row, "loudness_lufs_centi", centi(found.loudness));
    set(row, "true_peak_dbtp_centi", centi(found.true_peak));
}

fn published(row: &mut Row, event: &Recorded, result: Option<&PublishedTrack>) {
    set(row, "published", result.is_some());
    if result.is_some() {
        set(row, "withdrawn_at", Value::Null);
    }
    set(row, "media_sha256", result.map(|result| result.media.sha256.to_string()));
    set(row, "media_bytes", result.map(|result| number(result.media.bytes)));
    set(row, "srt_sha256", result.map(|result| result.srt.sha256.to_string()));
    set(row, "vtt_sha256", result.map(|result| result.vtt.sha256.to_string()));
    set(row, "report_sha256", result.map(|result| result.report.sha256.to_string()));
    set(row, "published_at", result.map(|_| event.recorded_at.to_string()));
}
