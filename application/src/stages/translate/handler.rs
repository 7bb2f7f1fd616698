//! How translate is done.

use super::{Route, Sentence, Translated, Translator};
use crate::{
    ports::engine::EngineError,
    stages::handler::{Done, StageError, TrackJob, TrackStage, memo_key, producer},
    text::{
        glossary::{Glossary, Term},
        keep::{Cut, KeepPhrases},
    },
};
use async_trait::async_trait;
use domain::{
    dubbing::TranscribedUtterance,
    flow::Stage,
    track::{Flag, TrackEvent, TranslatedUtterance},
    value::{Percent, Personal, Producer, Sha256, Span, UtteranceId},
};
use serde::{Deserialize, Serialize};
use std::{ops::Range, sync::Arc};

/// Lines handed to the engine in one go: what is done is recorded after each.
const BATCH: usize = 64;
/// Mean confidence below which a recognised line is flagged: the recogniser was unsure of it.
pub const CONFIDENCE_MIN: Percent = Percent::new(50);

/// The handler.
pub struct Translate {
    /// Translates.
    pub translator: Arc<dyn Translator>,
}

/// A line, cut into what is dubbed and what is heard in the original.
struct Draft<'a> {
    line: &'a TranscribedUtterance,
    text: &'a str,
    key: Sha256,
    pieces: Vec<Piece>,
    kept: Vec<Span>,
}

/// A piece of a line.
enum Piece {
    /// To be translated, with terms of the glossary in place.
    Dubbed(Sentence),
    /// Heard in the original.
    Kept(String),
}

/// A line's translation as the memo remembers it: one text per dubbed piece.
#[derive(Serialize, Deserialize)]
struct Memo {
    texts: Vec<String>,
    unknown_words: u32,
}

#[async_trait]
impl TrackStage for Translate {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let header = job.track.header.as_ref().ok_or(StageError::Absent("the track"))?;
        let route = self.translator.route(&header.source_language, &header.language).await?;
        let engine = producer(&*self.translator).await?;
        let glossary = glossary(job).await?;
        let keep = KeepPhrases::new(header.settings.keep_phrases.reveal().ok_or(StageError::Erased)?);
        if job.track.route != route.languages {
            let routed =
                TrackEvent::TranslationRouted { languages: route.languages.clone(), modes: route.modes.clone() };
            job.record(vec![routed]).await?;
        }
        let (mut owed, mut reused) = (Vec::new(), 0);
        for (utterance, line, _) in job.lines() {
            if self.is_worded(job, utterance).await? {
                reused += 1;
                continue;
            }
            let draft = draft(line, &glossary, &keep, &route, &engine)?;
            if self.is_known(job, &draft, &glossary).await? {
                reused += 1;
            } else {
                owed.push(draft);
            }
        }
        for batch in owed.chunks(BATCH) {
            job.attempt.safe_point()?;
            self.translate(job, &route, batch, &glossary).await?;
        }
        let made = u32::try_from(owed.len()).unwrap_or(u32::MAX);
        Ok(Done { facts: vec![], producers: vec![engine], made, reused, reopen: None, skipped: None })
    }
}

impl Translate {
    /// Whether a person worded the line: then there is nothing to translate, and nothing is known to be wrong.
    async fn is_worded(&self, job: &TrackJob, utterance: UtteranceId) -> Result<bool, StageError> {
        let Some(line) = job.track.lines.get(&utterance) else {
            return Ok(false);
        };
        let Some(text) = line.wording() else {
            return Ok(false);
        };
        let words = text.reveal().ok_or(StageError::Erased)?;
        let key = memo_key(Stage::Translate, &("worded by a person", words))?;
        if line.translation.as_ref().is_none_or(|known| known.key != key) {
            let (text, spoken) = (text.clone(), text.clone());
            let (kept, unknown_words, terms, terms_missing) = (vec![], 0, 0, 0);
            let worded =
                TranslatedUtterance { utterance, key, text, spoken, kept, unknown_words, terms, terms_missing };
            job.record(vec![TrackEvent::UtteranceTranslated(worded)]).await?;
        }
        Ok(true)
    }

    /// Whether the line is translated already: in this track, or remembered from elsewhere.
    async fn is_known(&self, job: &TrackJob, draft: &Draft<'_>, glossary: &Glossary) -> Result<bool, StageError> {
        let known = job.track.lines.get(&draft.line.utterance).and_then(|line| line.translation.as_ref());
        if let Some(known) = known.filter(|known| known.key == draft.key) {
            let flags = flags(draft, known, job);
            if !flags.is_empty() {
                job.record(flags).await?;
            }
            return Ok(true);
        }
        let Some(memo) = job.attempt.recall::<Memo>(&draft.key).await? else {
            return Ok(false);
        };
        job.record(facts(draft, &memo, glossary, job)).await?;
        Ok(true)
    }

    async fn translate(
        &self,
        job: &TrackJob,
        route: &Route,
        batch: &[Draft<'_>],
        glossary: &Glossary,
    ) -> Result<(), StageError> {
        let sentences: Vec<Sentence> = batch.iter().flat_map(|draft| draft.sentences().cloned()).collect();
        let mut translated = self.translator.translate(route, &sentences).await?.into_iter();
        let mut found = Vec::new();
        for draft in batch {
            let own: Vec<Translated> = translated.by_ref().take(draft.sentences().count()).collect();
            let unknown_words = own.iter().map(|piece| piece.unknown.len()).sum::<usize>();
            let memo = Memo {
                texts: own.into_iter().map(|piece| piece.text).collect(),
                unknown_words: u32::try_from(unknown_words).unwrap_or(u32::MAX),
            };
            job.attempt.remember(&draft.key, &memo).await?;
            found.extend(facts(draft, &memo, glossary, job));
        }
        job.record(found).await
    }
}

impl Draft<'_> {
    fn sentences(&self) -> impl Iterator<Item = &Sentence> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Dubbed(sentence) => Some(sentence),
            Piece::Kept(_) => None,
        })
    }
}

async fn glossary(job: &TrackJob) -> Result<Glossary, StageError> {
    let Some(file) = job.track.header.as_ref().and_then(|header| header.settings.glossary.as_ref()) else {
        return Ok(Glossary::default());
    };
    let bytes = job.attempt.kit.blobs.get_bytes(&file.sha256).await?.ok_or(StageError::Absent("the glossary"))?;
    let rejected = |error: crate::text::glossary::GlossaryError| EngineError::Rejected {
        code: "bad-glossary",
        message: error.to_string(),
    };
    Ok(Glossary::parse(&bytes).map_err(rejected)?)
}

/// Cuts a line, fixes its terms and names everything that its translation depends on.
fn draft<'a>(
    line: &'a TranscribedUtterance,
    glossary: &Glossary,
    keep: &KeepPhrases,
    route: &Route,
    engine: &Producer,
) -> Result<Draft<'a>, StageError> {
    let text = line.text.reveal().ok_or(StageError::Erased)?.as_str();
    let cut = with_marks(text, keep.cut(text));
    let piece = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default().trim().to_owned();
    let mut ranges: Vec<(&Range<usize>, bool)> = cut.dubbed.iter().map(|range| (range, true)).collect();
    ranges.extend(cut.kept.iter().map(|range| (range, false)));
    ranges.sort_by_key(|(range, _)| range.start);
    let pieces = ranges.iter().map(|(range, dubbed)| match dubbed {
        true => Piece::Dubbed(glossary.apply(&piece(range))),
        false => Piece::Kept(piece(range)),
    });
    let terms: Vec<(&str, &str)> =
        glossary.relevant(text).iter().map(|term| (term.source.as_str(), term.target.as_str())).collect();
    let kept: Vec<String> = cut.kept.iter().map(piece).collect();
    let key = memo_key(Stage::Translate, &(text, &terms, &kept, &route.modes, engine))?;
    let kept = cut.kept.iter().filter_map(|range| time_of(line, text, range)).collect();
    Ok(Draft { line, text, key, pieces: pieces.collect(), kept })
}

/// Kept phrases with the marks around them: a full stop is shown with the phrase that it ends.
fn with_marks(text: &str, mut cut: Cut) -> Cut {
    let is_spoken = |part: Option<&str>| part.is_some_and(|part| part.contains(char::is_alphanumeric));
    let starts: Vec<usize> = cut.dubbed.iter().chain(&cut.kept).map(|range| range.start).collect();
    for phrase in &mut cut.kept {
        let next = starts.iter().copied().filter(|start| *start >= phrase.end).min().unwrap_or(text.len());
        let after = text.get(phrase.end..next).unwrap_or_default();
        phrase.end += after.find(char::is_whitespace).unwrap_or(after.len());
        if !is_spoken(text.get(..phrase.start)) {
            phrase.start = 0;
        }
    }
    cut
}

/// When a part of a line sounds: by its words where they were heard, else in proportion to characters.
fn time_of(line: &TranscribedUtterance, text: &str, range: &Range<usize>) -> Option<Span> {
    let words = line.words.reveal().map(Vec::as_slice).unwrap_or_default();
    let before = text.get(..range.start)?.split_whitespace().count();
    let within = text.get(range.clone())?.split_whitespace().count();
    if let (Some(first), Some(last)) = (words.get(before), words.get((before + within).saturating_sub(1))) {
        return Some(first.span.join(last.span));
    }
    let chars = |part: &str| part.chars().count() as u64;
    let total = chars(text).max(1);
    let at = |chars: u64| line.span.start_ms() + line.span.len_ms() * chars / total;
    let (start, end) = (chars(text.get(..range.start)?), chars(text.get(..range.end)?));
    Span::try_new(at(start), at(end)).ok()
}

fn facts(draft: &Draft<'_>, memo: &Memo, glossary: &Glossary, job: &TrackJob) -> Vec<TrackEvent> {
    let translation = put_together(draft, memo, glossary);
    let flags = flags(draft, &translation, job);
    [TrackEvent::UtteranceTranslated(translation)].into_iter().chain(flags).collect()
}

fn put_together(draft: &Draft<'_>, memo: &Memo, glossary: &Glossary) -> TranslatedUtterance {
    let mut texts = memo.texts.iter();
    let shown = draft.pieces.iter().filter_map(|piece| match piece {
        Piece::Dubbed(_) => texts.next().map(String::as_str),
        Piece::Kept(original) => Some(original.as_str()),
    });
    let text = shown.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ");
    let spoken = memo.texts.iter().map(String::as_str).filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ");
    let count = |terms: Vec<&Term>| u32::try_from(terms.len()).unwrap_or(u32::MAX);
    TranslatedUtterance {
        utterance: draft.line.utterance,
        key: draft.key,
        kept: draft.kept.clone(),
        unknown_words: memo.unknown_words,
        terms: count(glossary.relevant(draft.text)),
        terms_missing: count(glossary.missing(draft.text, &text)),
        text: Personal::new(text),
        spoken: Personal::new(spoken),
    }
}

/// What is wrong with a translation, as far as it is news.
fn flags(draft: &Draft<'_>, translation: &TranslatedUtterance, job: &TrackJob) -> Vec<TrackEvent> {
    let utterance: UtteranceId = translation.utterance;
    let is_empty = translation.text.reveal().is_some_and(|text| text.is_empty());
    let unsure = draft.line.confidence.is_some_and(|confidence| confidence < CONFIDENCE_MIN);
    let wrong = [
        (translation.unknown_words > 0, Flag::UnknownWord),
        (translation.terms_missing > 0, Flag::MissingTerm),
        (is_empty, Flag::NotTranslated),
        (unsure, Flag::LowConfidence),
    ];
    let known = job.track.lines.get(&utterance).map(|line| &line.flags);
    let is_news = |flag: &Flag| !known.is_some_and(|known| known.contains(&(Stage::Translate, *flag)));
    let flags = wrong.into_iter().filter_map(|(is_so, flag)| is_so.then_some(flag)).filter(is_news);
    flags.map(|flag| TrackEvent::UtteranceFlagged { utterance, stage: Stage::Translate, flag }).collect()
}
