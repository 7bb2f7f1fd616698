//! Whole words in a text: what glossary and kept phrases have in common. Nothing here knows inflection.

use std::ops::Range;

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case, with the typewriter's apostrophe.
    pub folded: String,
    /// Its bytes in the text; on character boundaries.
    pub range: Range<usize>,
}

/// The words of a text: runs of letters and digits, with apostrophes, hyphens and full stops between
/// them (`don't`, `twenty-one`, `U.S`), and the signs that are part of names such as `C++` and `C#`.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, c)) = characters.next() {
        if !c.is_alphanumeric() {
            continue;
        }
        let mut end = start + c.len_utf8();
        while let Some(&(place, c)) = characters.peek() {
            let after = text.get(place + c.len_utf8()..).unwrap_or_default();
            let joins = matches!(c, '\'' | '’' | '-' | '.') && after.starts_with(char::is_alphanumeric);
            let names = matches!(c, '+' | '#')
                && after.trim_start_matches(['+', '#']).chars().next().is_none_or(|c| !c.is_alphanumeric());
            if !(c.is_alphanumeric() || joins || names) {
                break;
            }
            end = place + c.len_utf8();
            characters.next();
        }
        words.push(Word { folded: fold(text.get(start..end).unwrap_or_default()), range: start..end });
    }
    words
}

/// As words are compared: lower case, one kind of apostrophe.
pub fn fold(text: &str) -> String {
    text.replace('’', "'").to_lowercase()
}

/// Whether the words of `needle` stand at `place` in `text`.
pub fn stands_at(needle: &[Word], text: &[Word], place: usize) -> bool {
    text.get(place..place + needle.len())
        .is_some_and(|found| !needle.is_empty() && needle.iter().zip(found).all(|(a, b)| a.folded == b.folded))
}

/// Whether the words of `needle` stand anywhere in `text`.
pub fn stands_in(needle: &[Word], text: &[Word]) -> bool {
    (0..text.len()).any(|place| stands_at(needle, text, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_a_word() {
        let check = |text: &str, expected: &[&str]| {
            let found = words(text);
            assert_eq!(found.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>(), expected);
            for word in found {
                assert_eq!(fold(&text[word.range.clone()]), word.folded);
            }
        };
        check("", &[]);
        check("— … !", &[]);
        check("Hello, World!", &["hello", "world"]);
        check("Don’t 'quote' twenty-one.", &["don't", "quote", "twenty-one"]);
        check("The U.S. and C++, C# or A+B", &["the", "u.s", "and", "c++", "c#", "or", "a", "b"]);
        check("Ünïcode ÑANDÚ 3.5", &["ünïcode", "ñandú", "3.5"]);
    }
}
