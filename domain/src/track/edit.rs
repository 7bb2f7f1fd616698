//! What people correct in a track: the wording of a line, its voice and its rate; and making anew what has changed.
//!
//! A line's revision counts what was said about it, in the transcript and here. It is stale when what can be heard was
//! made from an earlier revision.

use super::{Line, SourceLine, Track, TrackEvent, TrackRejection};
use crate::{
    flow::{self, Phase, Stage},
    value::{Percent, Personal, UtteranceId},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be different in a line. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineChange {
    /// Its translation, not empty; `Some(None)` leaves it to the engine again.
    pub translation: Option<Option<Personal<String>>>,
    /// The engine's name of its voice; `Some(None)` is the speaker's.
    pub voice: Option<Option<String>>,
    /// Its rate; `Some(None)` leaves it to the planner.
    pub rate: Option<Option<Percent>>,
}

/// What people said about a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Direction {
    /// Its translation, and the transcript's revision that it was worded for.
    pub wording: Option<(Personal<String>, u32)>,
    /// The engine's name of its voice; `None` is the speaker's.
    pub voice: Option<String>,
    /// Its rate; `None` leaves it to the planner.
    pub rate: Option<Percent>,
    /// How often something was said.
    pub edits: u32,
    /// The transcript's revision that it is made from.
    pub source_revision: u32,
    /// The voice that its speech is made with, as far as a person chose it: what is chosen while it is being made
    /// counts the next time.
    pub made_with: Option<String>,
}

impl Line {
    /// It is made as it is said to be now. What another voice spoke is of no use then.
    fn begin(&mut self) {
        self.making = self.revision(self.direction.source_revision);
        if self.direction.made_with != self.direction.voice {
            self.direction.made_with.clone_from(&self.direction.voice);
            self.forget_speech();
        }
        if self.direction.rate.is_some() {
            self.rate = None;
        }
    }

    /// Its revision, given how often the transcript's line was said to be different.
    pub fn revision(&self, source_revision: u32) -> u32 {
        source_revision.saturating_add(self.direction.edits)
    }

    /// Whether what can be heard was made before the last change; never before it can be heard.
    pub fn is_stale(&self, source_revision: u32) -> bool {
        self.output_revision.is_some_and(|output| output < self.revision(source_revision))
    }

    /// The wording that a person gave, unless the transcript has changed since.
    pub fn wording(&self) -> Option<&Personal<String>> {
        let (text, worded_for) = self.direction.wording.as_ref()?;
        (*worded_for >= self.direction.source_revision).then_some(text)
    }
}

impl Track {
    /// Lines that are stale, added or gone, given the transcript's lines as they are now, in order of id.
    pub fn stale_lines(&self, transcript: &[SourceLine]) -> Vec<UtteranceId> {
        let now: BTreeMap<UtteranceId, u32> = transcript.iter().map(|line| (line.utterance, line.revision)).collect();
        let gone = self.lines.keys().filter(|id| !now.contains_key(id)).copied();
        let changed = now.iter().filter(|(id, revision)| {
            self.lines.get(id).is_none_or(|line| self.published.is_some() && line.is_stale(**revision))
        });
        let mut stale: Vec<UtteranceId> = changed.map(|(id, _)| *id).chain(gone).collect();
        stale.sort_unstable();
        stale
    }

    /// Lines that are different, added or gone since the run under way began, or the last one, in order of id.
    pub fn lines_owed_anew(&self, transcript: &[SourceLine]) -> Vec<UtteranceId> {
        let is_made = |line: &SourceLine| {
            self.lines.get(&line.utterance).is_some_and(|known| known.making >= known.revision(line.revision))
        };
        let now: BTreeSet<UtteranceId> = transcript.iter().map(|line| line.utterance).collect();
        let gone = self.lines.keys().filter(|id| !now.contains(id)).copied();
        let changed = transcript.iter().filter(|line| !is_made(line)).map(|line| line.utterance);
        changed.chain(gone).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// From now on these are the lines, and they are made as they are now.
    pub(super) fn make(&mut self, lines: &[SourceLine]) {
        let mut known = std::mem::take(&mut self.lines);
        for SourceLine { utterance, revision } in lines {
            let mut line = known.remove(utterance).unwrap_or_default();
            line.direction.source_revision = *revision;
            line.begin();
            self.lines.insert(*utterance, line);
        }
    }

    /// Folds an edit; other events change nothing.
    pub(super) fn evolve_edit(&mut self, event: &TrackEvent) {
        // What is said before anything is made goes into what is made.
        let is_untouched = self.flow.phase(Stage::Translate) == Phase::Waiting;
        let said = |line: &mut Line| {
            line.direction.edits += 1;
            if is_untouched {
                line.begin();
            }
        };
        if let TrackEvent::TranslationEdited { utterance, text, source_revision } = event {
            self.line(*utterance, |line| {
                line.direction.wording = text.clone().map(|text| (text, *source_revision));
                said(line);
            });
        } else if let TrackEvent::LineDirected { utterance, voice, rate } = event {
            self.line(*utterance, |line| {
                line.direction.voice.clone_from(voice);
                line.direction.rate = *rate;
                said(line);
            });
        }
    }
}

/// A line's wording and how it is spoken, in one append. What is as it was already is no news.
pub(super) fn correct(
    track: &Track,
    utterance: UtteranceId,
    change: LineChange,
    source_revision: u32,
) -> Result<Vec<TrackEvent>, TrackRejection> {
    let now = &track.lines.get(&utterance).ok_or(TrackRejection::UnknownUtterance)?.direction;
    let is_worded = |text: &Option<Personal<String>>| {
        let wanted = text.as_ref().map(|text| (text, source_revision));
        now.wording.as_ref().map(|(text, worded_for)| (text, *worded_for)) != wanted
    };
    let worded = change.translation.filter(is_worded);
    let worded = worded.map(|text| TrackEvent::TranslationEdited { utterance, text, source_revision });
    let (voice, rate) = (change.voice.unwrap_or_else(|| now.voice.clone()), change.rate.unwrap_or(now.rate));
    let is_directed = (&now.voice, now.rate) != (&voice, rate);
    let directed = is_directed.then_some(TrackEvent::LineDirected { utterance, voice, rate });
    Ok(worded.into_iter().chain(directed).collect())
}

/// Asked for again by the same number, it has begun already.
pub(super) fn regenerate(track: &Track, from: Option<Stage>, request: u32, lines: Vec<SourceLine>) -> Vec<TrackEvent> {
    if request <= track.regenerations {
        return vec![];
    }
    // What did not change is found again by its key at each stage, so that where lines have changed it is always the
    // first one.
    let from = from.filter(|stage| flow::is_in(track.flow.scope, *stage) && track.lines_owed_anew(&lines).is_empty());
    let stage = match from.unwrap_or(Stage::Translate) {
        // The container is kept no longer than until it is signed.
        Stage::Assess | Stage::Sign if track.signed.is_some() => Stage::Mux,
        stage => stage,
    };
    let reopened = flow::reopen(&track.flow, stage).into_iter().map(TrackEvent::Flow);
    [TrackEvent::RegenerationStarted { request, lines }].into_iter().chain(reopened).collect()
}
