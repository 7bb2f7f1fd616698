//! Terms whose translation the user has fixed: reading them, laying them into a sentence, and verifying
//! that they arrived. Terms match as written: inflected forms (`engine`, `engines`) are terms of their own.

use super::words::{Word, fold, stands_at, stands_in, words};
use crate::stages::translate::{Sentence, SentencePart};
use std::collections::HashMap;
use thiserror::Error;

/// Most terms of a glossary.
pub const TERMS_MAX: usize = 100_000;

/// A word or phrase and its translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// In the source language.
    pub source: String,
    /// In the target language, as it is to appear.
    pub target: String,
}

/// The terms of a dubbing into one language.
#[derive(Clone, Debug, Default)]
pub struct Glossary {
    terms: Vec<Term>,
    /// Words of each term's source, and of its target.
    words: Vec<(Vec<Word>, Vec<Word>)>,
    /// First word of a source → terms that begin with it, the longest first.
    by_first_word: HashMap<String, Vec<usize>>,
}

/// Why a glossary cannot be used. Lines count from 1 and are those of the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GlossaryError {
    /// A row is not text.
    #[error("line {line} of the glossary is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// Where.
        line: u64,
    },
    /// A row has no target.
    #[error("line {line} of the glossary has one column; write source,target")]
    MissingColumn {
        /// Where.
        line: u64,
    },
    /// A term has no letter or digit.
    #[error("line {line} of the glossary has an empty {column}")]
    EmptyTerm {
        /// Where.
        line: u64,
        /// `source` or `target`.
        column: &'static str,
    },
    /// The same source stands there twice, with different targets.
    #[error(
        "line {line} of the glossary gives another translation for the term of line {first_line}; keep one of the two"
    )]
    Contradiction {
        /// The second row.
        line: u64,
        /// The first row.
        first_line: u64,
    },
    /// More than [`TERMS_MAX`] terms.
    #[error("the glossary has more than {TERMS_MAX} terms; split it")]
    TooMany,
}

impl Glossary {
    /// Reads `source,target` rows: CSV (RFC 4180), UTF-8, with or without a byte order mark and a header
    /// row `source,target`. Further columns are notes. A repeated row counts once.
    pub fn parse(csv: &[u8]) -> Result<Self, GlossaryError> {
        let csv = csv.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(csv);
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(csv);
        let mut glossary = Self::default();
        let mut lines: HashMap<Vec<String>, (u64, usize)> = HashMap::new();
        let mut row = csv::ByteRecord::new();
        let mut is_first = true;
        loop {
            let line = reader.position().line();
            match reader.read_byte_record(&mut row) {
                Ok(true) => {}
                // Reading bytes from memory in flexible mode has no other failures than text's.
                Ok(false) => break,
                Err(_) => return Err(GlossaryError::NotUtf8 { line }),
            }
            let line = row.position().map_or(line, csv::Position::line);
            let term = term(&row, line)?;
            let is_header =
                std::mem::take(&mut is_first) && fold(&term.source) == "source" && fold(&term.target) == "target";
            if is_header {
                continue;
            }
            let key: Vec<String> = words(&term.source).into_iter().map(|word| word.folded).collect();
            match lines.get(&key).and_then(|&(first_line, place)| Some((first_line, glossary.terms.get(place)?))) {
                Some((_, same)) if same.target == term.target => continue,
                Some((first_line, _)) => return Err(GlossaryError::Contradiction { line, first_line }),
                None => {}
            }
            if glossary.terms.len() == TERMS_MAX {
                return Err(GlossaryError::TooMany);
            }
            lines.insert(key, (line, glossary.terms.len()));
            glossary.add(term);
        }
        Ok(glossary)
    }

    fn add(&mut self, term: Term) {
        let (source, target) = (words(&term.source), words(&term.target));
        let place = self.terms.len();
        if let Some(first) = source.first() {
            let starters = self.by_first_word.entry(first.folded.clone()).or_default();
            let longer = |&other: &usize| self.words.get(other).is_some_and(|(words, _)| words.len() >= source.len());
            let at = starters.iter().take_while(|other| longer(other)).count();
            starters.insert(at, place);
        }
        self.words.push((source, target));
        self.terms.push(term);
    }

    /// All terms, in the file's order.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The line with its terms translated: whole words, whatever their case, the longest term first.
    /// A target at the start of a sentence takes the capital of what it replaces.
    pub fn apply(&self, line: &str) -> Sentence {
        let mut parts = Vec::new();
        let mut open = 0;
        let text = |range: std::ops::Range<usize>| {
            line.get(range)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(|text| SentencePart::Text(text.to_owned()))
        };
        for hit in self.hits(line) {
            parts.extend(text(open..hit.start));
            let source = line.get(hit.start..hit.end).unwrap_or_default();
            let before = line.get(..hit.start).unwrap_or_default();
            let target =
                if starts_sentence(before) { with_case_of(source, &hit.term.target) } else { hit.term.target.clone() };
            parts.push(SentencePart::Fixed(target));
            open = hit.end;
        }
        parts.extend(text(open..line.len()));
        Sentence { parts }
    }

    /// The terms that a line uses, each once, in the order of the line: they belong into the key under
    /// which the line's translation is remembered.
    pub fn relevant(&self, line: &str) -> Vec<&Term> {
        let mut terms: Vec<&Term> = Vec::new();
        for hit in self.hits(line) {
            if !terms.contains(&hit.term) {
                terms.push(hit.term);
            }
        }
        terms
    }

    /// The terms that a line uses and whose targets are not in its translation, as whole words,
    /// whatever their case.
    pub fn missing(&self, line: &str, translation: &str) -> Vec<&Term> {
        let translated = words(translation);
        let mut missing = self.relevant(line);
        missing.retain(|term| !stands_in(&words(&term.target), &translated));
        missing
    }

    fn hits(&self, line: &str) -> Vec<Hit<'_>> {
        let spoken = words(line);
        let mut hits = Vec::new();
        let mut place = 0;
        while let Some(first) = spoken.get(place) {
            let starters = self.by_first_word.get(&first.folded).map(Vec::as_slice).unwrap_or_default();
            let found = starters.iter().find_map(|&term| {
                let (source, _) = self.words.get(term)?;
                stands_at(source, &spoken, place).then_some((self.terms.get(term)?, source.len()))
            });
            match found {
                Some((term, length)) => {
                    let end = spoken.get(place + length - 1).map_or(first.range.end, |last| last.range.end);
                    hits.push(Hit { term, start: first.range.start, end });
                    place += length;
                }
                None => place += 1,
            }
        }
        hits
    }
}

/// The rows that [`Glossary::parse`] reads as these terms, under the heading `source,target`.
pub fn to_csv(terms: &[Term]) -> Vec<u8> {
    let mut csv = String::from("source,target\n");
    for term in terms {
        let [source, target] = [&term.source, &term.target].map(|text| text.replace('"', "\"\""));
        csv.extend(["\"", &source, "\",\"", &target, "\"\n"]);
    }
    csv.into_bytes()
}

/// A term in a line.
struct Hit<'a> {
    term: &'a Term,
    start: usize,
    end: usize,
}

fn term(row: &csv::ByteRecord, line: u64) -> Result<Term, GlossaryError> {
    let text = |column: usize| {
        row.get(column).map(|bytes| std::str::from_utf8(bytes).map_err(|_| GlossaryError::NotUtf8 { line })).transpose()
    };
    let source = text(0)?.unwrap_or_default().trim();
    let target = text(1)?.ok_or(GlossaryError::MissingColumn { line })?.trim();
    if words(source).is_empty() {
        return Err(GlossaryError::EmptyTerm { line, column: "source" });
    }
    if words(target).is_empty() {
        return Err(GlossaryError::EmptyTerm { line, column: "target" });
    }
    Ok(Term { source: source.to_owned(), target: target.to_owned() })
}

/// Whether what comes before ends a sentence, or there is nothing before.
fn starts_sentence(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches(['"', '“', '«', '(', '¿', '¡', '‘', '\'']).trim_end();
    before.is_empty() || before.ends_with(['.', '!', '?', '…', ':'])
}

/// The target with an upper-case first letter where the source has one.
fn with_case_of(source: &str, target: &str) -> String {
    let mut letters = target.chars();
    match letters.next() {
        Some(first) if source.starts_with(char::is_uppercase) => first.to_uppercase().chain(letters).collect(),
        _ => target.to_owned(),
    }
}

#[cfg(test)]
mod tests;
