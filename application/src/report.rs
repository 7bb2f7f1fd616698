//! The fit-and-quality report of a track: what was placed where, and how good the finished file is.
//!
//! A pure function of the dubbing, the track and the inspection of the file. No text of speech.

use crate::stages::{assess::Inspection, assign_voices::means, sign::agents};
use domain::{
    dubbing::{Dubbing, Speaker, TranscribedUtterance},
    flow::{Flow, SKIPPED_BY_OPERATOR, Stage},
    track::{FittedUtterance, Flag, Line, Track},
    value::{LanguageTag, Percent, Span, SpeakerId, UtteranceId},
};
use serde::Serialize;

/// The name and version of the report's shape.
pub const SCHEMA: &str = "dragoman-report/1";
/// Highest true peak that a finished file may have, in dBTP.
pub const TRUE_PEAK_MAX_DBTP: f64 = -1.0;
/// How far the loudness may be from the source's, in LU.
pub const LOUDNESS_TOLERANCE_LU: f64 = 1.0;

/// The report, as it is written to `<stem>.<lang>.report.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name and version of this shape.
    pub schema: &'static str,
    /// The dubbing's id.
    pub dubbing: String,
    /// The language spoken in the source.
    pub source_language: LanguageTag,
    /// Nobody said so: it was assumed.
    pub source_language_assumed: bool,
    /// The track's language.
    pub language: LanguageTag,
    /// Languages that the translation went through; more than two: over a pivot.
    pub translation_route: Vec<LanguageTag>,
    /// The whole in figures.
    pub summary: Summary,
    /// Loudness and peak before and after.
    pub sound: Sound,
    /// Per line.
    pub lines: Vec<ReportLine>,
    /// Engines that took part.
    pub engines: Vec<ReportEngine>,
    /// How long finished stages took, up to this report.
    pub stages: Vec<ReportStage>,
    /// What was skipped, fell back or is not as asked, in words.
    pub notes: Vec<String>,
}

/// The whole in figures.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Lines of the track.
    pub lines: usize,
    /// Lines that are spoken.
    pub spoken: usize,
    /// Lines heard in the original: phrases to keep.
    pub kept: usize,
    /// Stretches that were heard but are no speech.
    pub dropped: usize,
    /// Lines that need attention.
    pub lines_to_attend: usize,
    /// Pairs of lines that sound at once. Always 0.
    pub overlaps: usize,
    /// Share of spoken lines at rate 1.2 or less, 0 to 1.
    pub share_rate_up_to_120: f64,
    /// Share of spoken lines at rate 1.3 or less, 0 to 1.
    pub share_rate_up_to_130: f64,
    /// Latest start against the original, in milliseconds.
    pub latest_shift_ms: i64,
    /// Earliest start against the original, in milliseconds.
    pub earliest_shift_ms: i64,
    /// Mean shift of the last fifth of the lines minus that of the first fifth, in milliseconds:
    /// near 0 unless lateness adds up.
    pub drift_ms: i64,
    /// Silences of at least 2 s in the finished file.
    pub dead_air: Vec<Span>,
    /// Terms of the glossary that lines hold.
    pub glossary_terms: u32,
    /// Of these, terms found in the translation.
    pub glossary_hits: u32,
    /// Words that the translator does not know.
    pub unknown_words: u32,
    /// Length of the source in milliseconds.
    pub source_ms: u64,
    /// Length of the finished file's sound in milliseconds.
    pub sound_ms: u64,
    /// Whether the picture's packets are the source's, bit for bit.
    pub video_copied: Option<bool>,
}

/// Loudness and peak before and after.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sound {
    /// Programme loudness of the source, LUFS; absent when silent.
    pub loudness_in_lufs: Option<f64>,
    /// Programme loudness of the finished file, LUFS; absent when silent.
    pub loudness_out_lufs: Option<f64>,
    /// Whether they are the same within 1 LU.
    pub loudness_reached: bool,
    /// True peak of the source, dBTP.
    pub true_peak_in_dbtp: f64,
    /// True peak of the finished file, dBTP.
    pub true_peak_out_dbtp: f64,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct ReportLine {
    /// Its id.
    pub utterance: UtteranceId,
    /// Its speaker.
    pub speaker: Option<String>,
    /// The voice it is spoken with.
    pub voice: Option<String>,
    /// When the original is spoken.
    pub slot: Span,
    /// Where it begins, in milliseconds; absent when it is not spoken.
    pub start_ms: Option<u64>,
    /// How long it lasts, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The rate it is spoken at, in percent.
    pub rate: Option<Percent>,
    /// Start against the original's, in milliseconds.
    pub shift_ms: Option<i64>,
    /// Stretches heard in the original.
    pub kept: Vec<Span>,
    /// Mean confidence of the recogniser, in percent; absent when imported.
    pub confidence: Option<Percent>,
    /// What is wrong with it.
    pub flags: Vec<Flag>,
}

/// An engine that took part.
#[derive(Clone, Debug, Serialize)]
pub struct ReportEngine {
    /// In which stage.
    pub stage: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How long a stage took.
#[derive(Clone, Debug, Serialize)]
pub struct ReportStage {
    /// Which.
    pub stage: &'static str,
    /// Wall time of its last attempt, in milliseconds.
    pub wall_ms: u64,
    /// Results made.
    pub made: u32,
    /// Results taken over.
    pub reused: u32,
}

/// Builds the report.
pub fn build(id: &str, dubbing: &Dubbing, track: &Track, inspection: &Inspection) -> Option<Report> {
    let (header, source) = (track.header.as_ref()?, dubbing.source.as_ref()?);
    let lines: Vec<ReportLine> =
        dubbing.lines_of(track).map(|(id, source, line)| report_line(id, source, line, dubbing, track)).collect();
    let sound = sound(dubbing, inspection)?;
    let engines = [agents(&dubbing.flow), agents(&track.flow)].concat();
    Some(Report {
        schema: SCHEMA,
        dubbing: id.to_owned(),
        source_language: header.source_language.clone(),
        source_language_assumed: dubbing.request.as_ref().is_some_and(|request| request.language_assumed),
        language: header.language.clone(),
        translation_route: track.route.clone(),
        summary: summary(dubbing, track, inspection, source.duration_ms),
        sound,
        lines,
        engines: engines
            .into_iter()
            .map(|agent| ReportEngine { stage: agent.stage, name: agent.name, version: agent.version })
            .collect(),
        stages: [stages(&dubbing.flow), stages(&track.flow)].concat(),
        notes: notes(dubbing, track, &sound),
    })
}

fn report_line(
    id: UtteranceId,
    utterance: &TranscribedUtterance,
    line: &Line,
    dubbing: &Dubbing,
    track: &Track,
) -> ReportLine {
    let speaker = dubbing.speaker_of(id);
    let of_speaker = speaker.and_then(|speaker| track.voices.get(&speaker));
    ReportLine {
        utterance: id,
        speaker: speaker.map(|speaker| speaker.to_string()),
        voice: line.direction.made_with.as_ref().or(of_speaker).cloned(),
        slot: utterance.span,
        start_ms: line.placement.map(|place| place.start_ms),
        duration_ms: line.placement.map(|place| place.duration_ms),
        rate: line.placement.map(|place| place.rate),
        shift_ms: line.placement.map(|place| place.shift_ms),
        kept: line.translation.as_ref().map(|translation| translation.kept.clone()).unwrap_or_default(),
        confidence: utterance.confidence,
        flags: line.flags.iter().map(|(_, flag)| *flag).collect(),
    }
}

fn summary(dubbing: &Dubbing, track: &Track, inspection: &Inspection, source_ms: u64) -> Summary {
    let lines = || dubbing.lines_of(track).map(|(_, _, line)| line);
    let mut placed: Vec<FittedUtterance> = lines().filter_map(|line| line.placement).collect();
    placed.sort_by_key(|place| place.start_ms);
    let share = |rate: u16| {
        let within = placed.iter().filter(|place| place.rate.get() <= rate).count();
        if placed.is_empty() { 1.0 } else { within as f64 / placed.len() as f64 }
    };
    let translations = || lines().filter_map(|line| line.translation.as_ref());
    let terms: u32 = translations().map(|translation| translation.terms).sum();
    let missing: u32 = translations().map(|translation| translation.terms_missing).sum();
    Summary {
        lines: lines().count(),
        spoken: placed.len(),
        kept: translations().filter(|translation| !translation.kept.is_empty()).count(),
        dropped: dubbing.dropped.len(),
        lines_to_attend: lines().filter(|line| line.needs_attention()).count(),
        overlaps: overlaps(&placed),
        share_rate_up_to_120: share(120),
        share_rate_up_to_130: share(130),
        latest_shift_ms: placed.iter().map(|place| place.shift_ms).max().unwrap_or(0),
        earliest_shift_ms: placed.iter().map(|place| place.shift_ms).min().unwrap_or(0),
        drift_ms: drift_ms(&placed),
        dead_air: inspection.silences.clone(),
        glossary_terms: terms,
        glossary_hits: terms.saturating_sub(missing),
        unknown_words: translations().map(|translation| translation.unknown_words).sum(),
        source_ms,
        sound_ms: inspection.sound_ms,
        video_copied: track.muxed.as_ref().and_then(|muxed| muxed.video_copied),
    }
}

/// Pairs of neighbours, in order of their start, that sound at once.
pub fn overlaps(placed: &[FittedUtterance]) -> usize {
    let sound_at_once = |pair: &&[FittedUtterance]| match pair {
        [first, second] => first.start_ms + first.duration_ms > second.start_ms,
        _ => false,
    };
    placed.windows(2).filter(sound_at_once).count()
}

fn drift_ms(placed: &[FittedUtterance]) -> i64 {
    let fifth = placed.len().div_ceil(5).max(1);
    let mean = |lines: &[FittedUtterance]| {
        let count = i64::try_from(lines.len().max(1)).unwrap_or(1);
        lines.iter().map(|place| place.shift_ms).sum::<i64>() / count
    };
    let first = placed.get(..fifth).unwrap_or_default();
    let last = placed.get(placed.len().saturating_sub(fifth)..).unwrap_or_default();
    mean(last) - mean(first)
}

fn sound(dubbing: &Dubbing, inspection: &Inspection) -> Option<Sound> {
    let source = dubbing.sound.as_ref()?;
    let audible = |level: domain::value::Decibel| (!level.is_silence()).then(|| level.db());
    let (before, after) = (audible(source.loudness), audible(inspection.loudness));
    let reached = match (before, after) {
        (Some(before), Some(after)) => (before - after).abs() <= LOUDNESS_TOLERANCE_LU,
        (None, _) | (_, None) => before == after,
    };
    Some(Sound {
        loudness_in_lufs: before,
        loudness_out_lufs: after,
        loudness_reached: reached,
        true_peak_in_dbtp: source.true_peak.db(),
        true_peak_out_dbtp: inspection.true_peak.db(),
    })
}

fn stages(flow: &Flow) -> Vec<ReportStage> {
    let finished = flow.summaries.iter().map(|(stage, summary)| ReportStage {
        stage: stage.name(),
        wall_ms: summary.wall_ms,
        made: summary.made,
        reused: summary.reused,
    });
    finished.collect()
}

/// What a person should know beside the figures: warnings of the command line and notes of the report.
pub fn notes(dubbing: &Dubbing, track: &Track, sound: &Sound) -> Vec<String> {
    let mut notes = [remarks_on_dubbing(dubbing), remarks_on_track(dubbing, track)].concat();
    if !sound.loudness_reached {
        notes.push("the loudness differs from the source's by more than 1 LU: the peak did not allow more".to_owned());
    }
    if sound.true_peak_out_dbtp > TRUE_PEAK_MAX_DBTP {
        notes.push(format!("the true peak is {:.1} dBTP, above -1 dBTP", sound.true_peak_out_dbtp));
    }
    notes
}

/// What was assumed, skipped or fell back before the languages part.
pub fn remarks_on_dubbing(dubbing: &Dubbing) -> Vec<String> {
    let mut notes = Vec::new();
    if dubbing.request.as_ref().is_some_and(|request| request.language_assumed) {
        notes.push("the source language was not given: English was assumed (--from says it)".to_owned());
    }
    if dubbing.speakers.len() == 1 {
        notes.push("one speaker was found".to_owned());
    }
    if !dubbing.dropped.is_empty() {
        let dropped = dubbing.dropped.len();
        notes.push(format!("{dropped} stretches in silence or music were heard as words and left out"));
    }
    if dubbing.sound.as_ref().is_some_and(|sound| !sound.separated) {
        notes.push("separate (engine none): speech and background were not parted; the bed is the original".to_owned());
    }
    notes.extend(passed_over(&dubbing.flow));
    notes
}

/// What was skipped or fell back in one track.
pub fn remarks_on_track(dubbing: &Dubbing, track: &Track) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(passed_over(&track.flow));
    if let [first, pivots @ .., last] = track.route.as_slice()
        && !pivots.is_empty()
    {
        let over: Vec<&str> = pivots.iter().map(LanguageTag::as_str).collect();
        notes.push(format!("translated from {first} to {last} over {}", over.join(", ")));
    }
    notes.extend(unheard_voices(dubbing, track));
    notes.extend(foreign_voices(dubbing, track));
    notes.extend(glossaries_of_others(dubbing, track));
    if track.muxed.as_ref().is_some_and(|muxed| muxed.video_copied == Some(false)) {
        notes.push("the picture was encoded anew as H.264: MP4 cannot hold the source's".to_owned());
    }
    notes
}

/// The stages of a flow that were passed over, by whom, and why.
fn passed_over(flow: &Flow) -> impl Iterator<Item = String> + '_ {
    flow.skips.iter().map(|(stage, (engine, reason))| match engine.as_str() {
        SKIPPED_BY_OPERATOR => format!("{stage} was skipped by an operator: {reason}"),
        engine => format!("{stage} (engine {engine}): {reason}"),
    })
}

/// Voices chosen for speakers that do not exist.
fn unheard_voices(dubbing: &Dubbing, track: &Track) -> Vec<String> {
    let chosen = track.header.as_ref().and_then(|header| header.settings.voices.reveal());
    let unheard = |label: &&String| !dubbing.speakers.iter().any(|(id, speaker)| means(label, *id, speaker));
    let count = chosen.map_or(0, |chosen| chosen.keys().filter(unheard).count());
    let speakers: Vec<String> = dubbing.speakers.keys().map(ToString::to_string).collect();
    (count > 0)
        .then(|| {
            format!(
                "{count} of the voices were given to speakers that are not there; there are {}",
                speakers.join(", ")
            )
        })
        .into_iter()
        .collect()
}

/// Voices chosen for speakers that do not speak the track's language, once it is known who speaks with which.
fn foreign_voices(dubbing: &Dubbing, track: &Track) -> Option<String> {
    let header = track.header.as_ref().filter(|_| track.flow.is_done(Stage::AssignVoices))?;
    let chosen = header.settings.voices.reveal()?;
    let is_foreign = |(id, speaker): &(&SpeakerId, &Speaker)| {
        let mut own = chosen.iter().filter(|(label, _)| means(label, **id, speaker)).map(|(_, voice)| voice).peekable();
        own.peek().is_some() && track.voices.get(id).is_some_and(|given| !own.any(|voice| voice == given))
    };
    let count = dubbing.speakers.iter().filter(is_foreign).count();
    (count > 0).then(|| {
        format!(
            "{count} of the speakers have another voice than the one chosen, which does not speak {}",
            header.language
        )
    })
}

/// That no glossary is used, where other languages have one.
fn glossaries_of_others(dubbing: &Dubbing, track: &Track) -> Option<String> {
    let header = track.header.as_ref().filter(|header| header.settings.glossary.is_none())?;
    let with_one = dubbing.tracks.iter().filter(|(_, other)| other.settings.glossary.is_some());
    let with_one: Vec<&str> = with_one.map(|(language, _)| language.as_str()).collect();
    let note = || format!("no glossary is used in {}, only in {}", header.language, with_one.join(", "));
    (!with_one.is_empty()).then(note)
}

#[cfg(test)]
mod tests;
