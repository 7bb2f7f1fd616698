//! Which lines of a track are stale.
//!
//! A line's revision counts what was said about it, in the transcript and in the track. It is stale when what can be
//! heard was made from an earlier one. The row of the transcript holds the revisions as they are now; a track's row
//! holds those that it is made from, what was said about its lines, and what came out.

use crate::{
    lines::LineSet,
    making,
    numbers::LineNumbers,
    row::{is_set, is_true, number, set, text},
};
use application::ports::{event_log::DomainEvent, read_store::Row};
use domain::{
    dubbing::DubbingEvent,
    track::{SourceLine, TrackEvent},
    value::UtteranceId,
};

/// The transcript's revision of each line: as it is now, or as the track is made from it.
const SOURCE: &str = "source_revisions";
/// How often something was said about each line in the track.
const EDITS: &str = "line_edits";
/// The revision of each line that is being made, or was made last.
const MAKING: &str = "making_revisions";
/// The revision of each line that can be heard.
const OUTPUT: &str = "output_revisions";

/// The columns that hold revisions.
pub(super) const COLUMNS: [&str; 4] = [SOURCE, EDITS, MAKING, OUTPUT];

/// Whether an event of a track can change which lines are stale.
pub(super) fn needs_transcript(happened: &TrackEvent) -> bool {
    match happened {
        TrackEvent::TrackStarted { .. }
        | TrackEvent::RegenerationStarted { .. }
        | TrackEvent::TranslationEdited { .. }
        | TrackEvent::LineDirected { .. }
        | TrackEvent::TrackPublished(_)
        | TrackEvent::TrackWithdrawn => true,
        TrackEvent::TrackRevised { .. }
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
        | TrackEvent::TrackDelivered { .. }
        | TrackEvent::Flow(_) => false,
    }
}

/// Whether an event of a dubbing says that a line is different.
fn is_edit(happened: &DubbingEvent) -> bool {
    matches!(
        happened,
        DubbingEvent::UtteranceEdited { .. }
            | DubbingEvent::UtteranceSplit { .. }
            | DubbingEvent::UtterancesMerged { .. }
    )
}

/// Folds an event into the transcript's row.
pub(super) fn of_transcript(row: &mut Row, happened: &DubbingEvent) {
    let mut lines = read(row, SOURCE);
    if let DubbingEvent::UtteranceTranscribed(line) = happened {
        lines.increment(line.utterance.0);
    } else if let DubbingEvent::UtteranceEdited { utterance, .. } = happened {
        lines.increment(utterance.0);
    } else if let DubbingEvent::UtteranceSplit { utterance, added, .. } = happened {
        lines.increment(utterance.0);
        lines.increment(added.0);
    } else if let DubbingEvent::UtterancesMerged { utterance, absorbed, .. } = happened {
        lines.remove(absorbed.0);
        lines.increment(utterance.0);
    }
    set(row, "lines", number(lines.len()));
    set(row, SOURCE, lines.write());
}

/// Folds an event into a track's row.
pub(super) fn of_track(row: &mut Row, event: &DomainEvent, transcript: &dyn Fn() -> Option<Row>) {
    let is_news = match event {
        DomainEvent::Track(happened) => {
            track(row, happened);
            needs_transcript(happened)
        }
        DomainEvent::Dubbing(happened) => is_edit(happened),
        DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => false,
    };
    if is_news && is_set(row, "started_at") {
        let now = transcript().map(|transcript| read(&transcript, SOURCE)).unwrap_or_default();
        let stale = stale(row, &now);
        set(row, "stale", number(stale.len()));
        set(row, "stale_lines", stale.write());
    }
}

fn track(row: &mut Row, happened: &TrackEvent) {
    if let TrackEvent::TrackStarted { lines, .. } | TrackEvent::RegenerationStarted { lines, .. } = happened {
        make(row, lines);
    } else if let TrackEvent::TranslationEdited { utterance, .. } | TrackEvent::LineDirected { utterance, .. } =
        happened
    {
        said(row, *utterance);
    } else if let TrackEvent::TrackPublished(_) = happened {
        let making = text(row, MAKING).to_owned();
        set(row, OUTPUT, making);
    }
}

/// From now on these are the lines, and they are made as they are now.
fn make(row: &mut Row, lines: &[SourceLine]) {
    let from: LineNumbers = lines.iter().map(|line| (line.utterance.0, line.revision)).collect();
    let (mut edits, mut output) = (read(row, EDITS), read(row, OUTPUT));
    edits.retain(&from);
    output.retain(&from);
    let making: LineNumbers = from.iter().map(|(line, revision)| (line, with_edits(revision, line, &edits))).collect();
    set(row, "lines", number(from.len()));
    for (column, numbers) in [(SOURCE, &from), (EDITS, &edits), (MAKING, &making), (OUTPUT, &output)] {
        set(row, column, numbers.write());
    }
}

/// What is said before anything is made goes into what is made.
fn said(row: &mut Row, UtteranceId(line): UtteranceId) {
    let Some(from) = read(row, SOURCE).get(line) else {
        return;
    };
    let mut edits = read(row, EDITS);
    edits.increment(line);
    if making::is_waiting(row) {
        let mut making = read(row, MAKING);
        making.set(line, with_edits(from, line, &edits));
        set(row, MAKING, making.write());
    }
    set(row, EDITS, edits.write());
}

/// Lines that are stale, added or gone.
fn stale(row: &Row, now: &LineNumbers) -> LineSet {
    let [made, edits, _, output] = COLUMNS.map(|column| read(row, column));
    let is_published = is_true(row, "published");
    let is_stale = |line: u32, revision: u32| {
        is_published && output.get(line).is_some_and(|output| output < with_edits(revision, line, &edits))
    };
    let mut stale = LineSet::default();
    let changed = now.iter().filter(|(line, revision)| made.get(*line).is_none() || is_stale(*line, *revision));
    let gone = made.iter().filter(|(line, _)| now.get(*line).is_none());
    changed.chain(gone).for_each(|(line, _)| stale.insert(UtteranceId(line)));
    stale
}

fn with_edits(revision: u32, line: u32, edits: &LineNumbers) -> u32 {
    revision.saturating_add(edits.get(line).unwrap_or(0))
}

fn read(row: &Row, column: &str) -> LineNumbers {
    LineNumbers::read(text(row, column))
}
