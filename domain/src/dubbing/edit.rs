//! What people correct in a transcript: words, times and speakers; cutting and joining utterances.
//!
//! An edit changes what the dubbing knows and nothing else. What was made from the utterance before is stale, and
//! stays as it is until somebody asks for it anew. Deliberately absent: which languages that concerns.

use super::{Dubbing, DubbingEvent, DubbingRejection, Speaker, TranscribedUtterance, UtterancePart};
use crate::value::{Personal, Span, SpeakerId, UtteranceId};

/// Most characters of what is said in one utterance: a minute of fast speech.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// A correction of the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Other words, times or another speaker; what is `None` stays as it is.
    Change {
        /// Which utterance.
        utterance: UtteranceId,
        /// What is said; not empty, and at most [`TEXT_CHARS_MAX`] characters.
        text: Option<Personal<String>>,
        /// When it begins, in milliseconds of the source.
        start_ms: Option<u64>,
        /// When it has ended; after it begins.
        end_ms: Option<u64>,
        /// Who says it: a known speaker, or the next number.
        speaker: Option<SpeakerId>,
    },
    /// Cut in two at a moment.
    Split {
        /// Which utterance.
        utterance: UtteranceId,
        /// Where the second part begins, in milliseconds of the source.
        at_ms: u64,
        /// What is said in each part; as bounded as any text.
        texts: Box<[Personal<String>; 2]>,
    },
    /// Join with the utterance that follows.
    Merge {
        /// The one that stays.
        utterance: UtteranceId,
        /// The one after it, which goes.
        with: UtteranceId,
    },
}

/// The events that an edit brings about.
pub(super) fn decide(dubbing: &Dubbing, edit: Edit) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    if !dubbing.flow.is_done(crate::flow::Stage::Transcribe) {
        return Err(DubbingRejection::NotTranscribed);
    }
    match edit {
        Edit::Change { utterance, text, start_ms, end_ms, speaker } => {
            change(dubbing, utterance, text, (start_ms, end_ms), speaker)
        }
        Edit::Split { utterance, at_ms, texts } => split(dubbing, utterance, at_ms, *texts),
        Edit::Merge { utterance, with } => merge(dubbing, utterance, with),
    }
}

fn known(dubbing: &Dubbing, utterance: UtteranceId) -> Result<&TranscribedUtterance, DubbingRejection> {
    dubbing.utterances.get(&utterance).ok_or(DubbingRejection::UnknownUtterance)
}

/// What is as it was already is no news.
fn change(
    dubbing: &Dubbing,
    utterance: UtteranceId,
    text: Option<Personal<String>>,
    (start_ms, end_ms): (Option<u64>, Option<u64>),
    speaker: Option<SpeakerId>,
) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let line = known(dubbing, utterance)?;
    let text = text.filter(|text| *text != line.text);
    let times = (start_ms.unwrap_or(line.span.start_ms()), end_ms.unwrap_or(line.span.end_ms()));
    let span = Span::try_new(times.0, times.1).map_err(|_| DubbingRejection::EndsBeforeItBegins)?;
    let span = Some(span).filter(|span| *span != line.span);
    let speaker = speaker.filter(|speaker| Some(*speaker) != dubbing.speaker_of(utterance));
    if let Some(span) = span {
        check_place(dubbing, utterance, span)?;
    }
    if let Some(speaker) = speaker {
        let next = SpeakerId(dubbing.speakers.keys().next_back().map_or(0, |last| last.0).saturating_add(1));
        if !dubbing.speakers.contains_key(&speaker) && speaker != next {
            return Err(DubbingRejection::UnknownSpeaker);
        }
    }
    if text.is_none() && span.is_none() && speaker.is_none() {
        return Ok(vec![]);
    }
    Ok(vec![DubbingEvent::UtteranceEdited { utterance, text, span, speaker }])
}

fn check_place(dubbing: &Dubbing, utterance: UtteranceId, span: Span) -> Result<(), DubbingRejection> {
    let end_ms = dubbing.sound.as_ref().map_or(u64::MAX, |sound| sound.duration_ms);
    if span.end_ms() > end_ms {
        return Err(DubbingRejection::PastTheEnd);
    }
    let mut others = dubbing.utterances.values().filter(|line| line.utterance != utterance);
    if others.any(|line| line.span.overlaps(span)) { Err(DubbingRejection::OverlapsNeighbour) } else { Ok(()) }
}

fn split(
    dubbing: &Dubbing,
    utterance: UtteranceId,
    at_ms: u64,
    [first, second]: [Personal<String>; 2],
) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let line = known(dubbing, utterance)?;
    let part = |start_ms, end_ms| Span::try_new(start_ms, end_ms).map_err(|_| DubbingRejection::NothingToSplit);
    let spans = (part(line.span.start_ms(), at_ms)?, part(at_ms, line.span.end_ms())?);
    Ok(vec![DubbingEvent::UtteranceSplit {
        utterance,
        first: UtterancePart { span: spans.0, text: first },
        added: dubbing.next_utterance(),
        second: UtterancePart { span: spans.1, text: second },
    }])
}

fn merge(dubbing: &Dubbing, utterance: UtteranceId, with: UtteranceId) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let (line, other) = (known(dubbing, utterance)?, known(dubbing, with)?);
    let is_between = |between: &&TranscribedUtterance| between.span > line.span && between.span < other.span;
    if line.span >= other.span || dubbing.utterances.values().any(|between| is_between(&between)) {
        return Err(DubbingRejection::NotNeighbours);
    }
    // Erased words stay erased.
    let text = match (line.text.reveal(), other.text.reveal()) {
        (Some(first), Some(second)) => Personal::new(format!("{first} {second}")),
        (None, _) | (_, None) => Personal::erased(),
    };
    if text.reveal().is_some_and(|text| text.chars().nth(TEXT_CHARS_MAX).is_some()) {
        return Err(DubbingRejection::TooLong);
    }
    let joined = UtterancePart { span: line.span.join(other.span), text };
    Ok(vec![DubbingEvent::UtterancesMerged { utterance, absorbed: with, joined }])
}

impl Dubbing {
    /// The id of the next utterance that is added.
    fn next_utterance(&self) -> UtteranceId {
        let planned = self.planned.iter().map(|planned| planned.utterance);
        let known = planned.chain(self.utterances.keys().copied()).chain(self.revisions.keys().copied());
        UtteranceId(known.max().map_or(0, |last| last.0).saturating_add(1))
    }

    /// An utterance as it was understood, or is after an edit.
    pub(super) fn put(&mut self, line: TranscribedUtterance) {
        *self.revisions.entry(line.utterance).or_insert(0) += 1;
        self.utterances.insert(line.utterance, line);
    }

    /// Folds an edit; other events change nothing.
    pub(super) fn evolve_edit(&mut self, event: &DubbingEvent) {
        if let DubbingEvent::UtteranceEdited { utterance, text, span, speaker } = event {
            let Some(mut line) = self.utterances.get(utterance).cloned() else {
                return;
            };
            if let Some(text) = text {
                line.reword(text.clone());
            }
            if let Some(span) = span {
                line.move_to(*span);
            }
            if let Some(speaker) = speaker {
                self.ascribe(*utterance, *speaker);
            }
            self.put(line);
        } else if let DubbingEvent::UtteranceSplit { utterance, first, added, second } = event {
            self.cut(*utterance, first, *added, second);
        } else if let DubbingEvent::UtterancesMerged { utterance, absorbed, joined } = event {
            self.utterances.remove(absorbed);
            self.speakers.values_mut().for_each(|speaker| speaker.utterances.retain(|id| id != absorbed));
            if let Some(line) = self.utterances.get(utterance) {
                self.put(line.with(*utterance, joined));
            }
        }
    }

    fn cut(&mut self, utterance: UtteranceId, first: &UtterancePart, added: UtteranceId, second: &UtterancePart) {
        let Some(line) = self.utterances.get(&utterance).cloned() else {
            return;
        };
        self.put(line.with(utterance, first));
        self.put(line.with(added, second));
        if let Some(speaker) = self.speaker_of(utterance) {
            self.ascribe(added, speaker);
        }
    }

    fn ascribe(&mut self, utterance: UtteranceId, to: SpeakerId) {
        self.speakers.values_mut().for_each(|speaker| speaker.utterances.retain(|id| *id != utterance));
        let nobody = Speaker { name: None, pitch_hz: None, utterances: vec![] };
        self.speakers.entry(to).or_insert(nobody).utterances.push(utterance);
    }
}

impl TranscribedUtterance {
    /// A person's words: nobody heard when each one sounds, and nobody doubts them.
    fn reword(&mut self, text: Personal<String>) {
        self.text = text;
        self.words = Personal::new(vec![]);
        self.confidence = None;
    }

    fn move_to(&mut self, span: Span) {
        self.span = span;
        self.cues = vec![span];
    }

    fn with(&self, utterance: UtteranceId, part: &UtterancePart) -> Self {
        let mut line = Self { utterance, ..self.clone() };
        line.reword(part.text.clone());
        line.move_to(part.span);
        line
    }
}
