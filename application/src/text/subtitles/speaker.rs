//! Who speaks: names written before the text.
//!
//! A prefix is what stands before the first colon of a line, at most four words and 40 characters, each
//! word beginning with a capital or digit, the first with a capital, and followed by a space or the
//! line's end (so `12:30` and `http://` are none). It is a name when
//!
//! - it is written in capitals (`NAR:`, `JOHN SMITH:`, `MAN #2:`), at least two letters; or
//! - it begins with a title (`Dr. Who:`); or
//! - it stands before lines of at least two cues of the file (`Alice:` … `Alice:`);
//!
//! and when it is none of the words that introduce a sentence ([`INTRODUCTIONS`]). `(V.O.)` and the like
//! between name and colon are dropped.

use std::collections::{HashMap, HashSet};

/// Words before a colon that are no names.
const INTRODUCTIONS: &[&str] = &[
    "again",
    "also",
    "and",
    "answer",
    "anyway",
    "attention",
    "because",
    "breaking",
    "but",
    "caution",
    "chapter",
    "conclusion",
    "danger",
    "example",
    "fact",
    "finally",
    "first",
    "fyi",
    "headline",
    "hint",
    "however",
    "i",
    "important",
    "listen",
    "live",
    "look",
    "no",
    "note",
    "ok",
    "okay",
    "one",
    "or",
    "part",
    "plus",
    "ps",
    "p.s.",
    "question",
    "remember",
    "result",
    "rule",
    "second",
    "see",
    "so",
    "step",
    "subtitles",
    "summary",
    "then",
    "therefore",
    "third",
    "tip",
    "today",
    "todo",
    "two",
    "update",
    "warning",
    "well",
    "yes",
    "you",
];

/// Titles that make a prefix a name.
const TITLES: &[&str] = &[
    "capt.",
    "captain",
    "col.",
    "dr.",
    "dr",
    "gen.",
    "lt.",
    "miss",
    "mr.",
    "mr",
    "mrs.",
    "mrs",
    "ms.",
    "ms",
    "prof.",
    "professor",
    "rev.",
    "sgt.",
    "sir",
    "st.",
];

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 40;

/// Most words of a name.
const NAME_WORDS_MAX: usize = 4;

/// The names that a file uses as prefixes.
#[derive(Clone, Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// Learns the names from the lines of all cues.
    pub fn of<'a>(cues: impl Iterator<Item = &'a str>) -> Self {
        let mut cues_with: HashMap<&str, usize> = HashMap::new();
        for cue in cues {
            let prefixes: HashSet<&str> = cue.lines().filter_map(|line| Some(prefix(line)?.0)).collect();
            for prefix in prefixes {
                *cues_with.entry(prefix).or_default() += 1;
            }
        }
        let names = cues_with.into_iter().filter(|(prefix, cues)| is_name(prefix, *cues));
        Self(names.map(|(prefix, _)| prefix.to_owned()).collect())
    }

    /// A line's speaker and the rest of the line; `None` when it names nobody.
    pub fn split<'a>(&self, line: &'a str) -> Option<(&'a str, &'a str)> {
        prefix(line).filter(|(name, _)| self.0.contains(*name))
    }
}

/// What could be a name, and what comes after its colon.
fn prefix(line: &str) -> Option<(&str, &str)> {
    let (before, after) = line.split_once(':')?;
    if !(after.is_empty() || after.starts_with(char::is_whitespace)) {
        return None;
    }
    let name = before.split('(').next().unwrap_or(before).trim();
    if before.contains('(') && !before.trim_end().ends_with(')') {
        return None;
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    let has_form = (1..=NAME_WORDS_MAX).contains(&words.len())
        && name.chars().count() <= NAME_CHARS_MAX
        && name.starts_with(char::is_uppercase)
        && words
            .iter()
            .all(|word| word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '#' | '&')))
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | '\'' | '’' | '-' | '#' | '&' | '_' | '/'));
    has_form.then_some((name, after.trim_start()))
}

fn is_name(prefix: &str, cues: usize) -> bool {
    let lower = prefix.to_lowercase();
    let first = lower.split_whitespace().next().unwrap_or_default();
    if INTRODUCTIONS.contains(&lower.as_str()) || INTRODUCTIONS.contains(&first) {
        return false;
    }
    let letters = prefix.chars().filter(|c| c.is_alphabetic()).count();
    let is_capitals = letters >= 2 && !prefix.chars().any(char::is_lowercase);
    let has_title = TITLES.contains(&first) && lower.contains(' ');
    is_capitals || has_title || cues >= 2
}
