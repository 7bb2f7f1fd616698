//! Phrases that are not dubbed: finding them in an utterance. What happens with the original sound
//! under them is not decided here.

use super::words::{Word, stands_at, words};
use std::ops::Range;

/// The phrases that a user wants left as they are.
#[derive(Clone, Debug, Default)]
pub struct KeepPhrases {
    /// Words of each phrase, the longest phrase first.
    phrases: Vec<Vec<Word>>,
}

/// An utterance's text, cut at kept phrases. All ranges are bytes, on character boundaries, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// What is dubbed: each part trimmed, with at least one letter or digit.
    pub dubbed: Vec<Range<usize>>,
    /// What is kept: from the first to the last letter of the phrase.
    pub kept: Vec<Range<usize>>,
}

impl Cut {
    /// Whether a kept phrase is all that is said: such an utterance is not dubbed.
    pub fn is_wholly_kept(&self) -> bool {
        self.dubbed.is_empty() && !self.kept.is_empty()
    }
}

impl KeepPhrases {
    /// Phrases as the user wrote them; those without a letter or digit are left out.
    pub fn new<T: AsRef<str>>(phrases: &[T]) -> Self {
        let mut phrases: Vec<Vec<Word>> = phrases.iter().map(|phrase| words(phrase.as_ref())).collect();
        phrases.retain(|phrase| !phrase.is_empty());
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        Self { phrases }
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

    /// Cuts a text: whole words, whatever their case and the punctuation between them, the longest
    /// phrase first where several begin.
    pub fn cut(&self, text: &str) -> Cut {
        let spoken = words(text);
        let mut cut = Cut::default();
        let (mut place, mut open) = (0, 0);
        while let Some(first) = spoken.get(place) {
            let Some(phrase) = self.phrases.iter().find(|phrase| stands_at(phrase, &spoken, place)) else {
                place += 1;
                continue;
            };
            let end = spoken.get(place + phrase.len() - 1).map_or(first.range.end, |last| last.range.end);
            cut.dubbed.extend(trimmed(text, open..first.range.start));
            cut.kept.push(first.range.start..end);
            open = end;
            place += phrase.len();
        }
        cut.dubbed.extend(trimmed(text, open..text.len()));
        cut
    }
}

/// The range from its first letter, digit or opening mark to its last character that is no space;
/// `None` when there is nothing to say in it.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = text.get(range.clone())?;
    if !part.chars().any(char::is_alphanumeric) {
        return None;
    }
    let says =
        |c: char| c.is_alphanumeric() || matches!(c, '¿' | '¡' | '"' | '“' | '«' | '(' | '$' | '€' | '£' | '#' | '+');
    let start = range.start + part.find(says)?;
    Some(start..range.start + part.trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(phrases: &[&str], text: &str, dubbed: &[&str], kept: &[&str]) {
        let cut = KeepPhrases::new(phrases).cut(text);
        let show =
            |ranges: &[Range<usize>]| ranges.iter().map(|range| text[range.clone()].to_owned()).collect::<Vec<_>>();
        assert_eq!(show(&cut.dubbed), dubbed, "{text}");
        assert_eq!(show(&cut.kept), kept, "{text}");
        assert_eq!(cut.is_wholly_kept(), dubbed.is_empty() && !kept.is_empty());
    }

    #[test]
    fn without_phrases_all_is_dubbed() {
        check(&[], "Hello there.", &["Hello there."], &[]);
        check(&["", "!?"], "Hello there!", &["Hello there!"], &[]);
        check(&["hi"], "", &[], &[]);
        assert!(KeepPhrases::new(&["…"]).is_empty());
    }

    #[test]
    fn phrases_are_found_whatever_their_case_and_punctuation() {
        check(&["may the force"], "May, the FORCE be with you.", &["be with you."], &["May, the FORCE"]);
        check(
            &["don't panic"],
            "He said: Don’t panic! Then he left.",
            &["He said:", "Then he left."],
            &["Don’t panic"],
        );
        check(&["Houston"], "Ok, Houston, we have a problem.", &["Ok,", "we have a problem."], &["Houston"]);
    }

    #[test]
    fn only_whole_words_count() {
        check(&["art"], "The start of art.", &["The start of"], &["art"]);
        check(&["the end"], "The ending", &["The ending"], &[]);
        check(&["a b"], "a", &["a"], &[]);
    }

    #[test]
    fn an_utterance_that_is_a_phrase_is_wholly_kept() {
        check(&["hello world"], "— Hello, world!", &[], &["Hello, world"]);
        check(&["no"], "No, no, no!", &[], &["No", "no", "no"]);
    }

    #[test]
    fn the_longest_phrase_wins() {
        check(&["new", "new york"], "New York is new to me", &["is", "to me"], &["New York", "new"]);
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_in_order_and_no_letter_is_lost(text in "(\\PC|no|No way){0,30}") {
            let cut = KeepPhrases::new(&["no", "no way"]).cut(&text);
            let mut all: Vec<_> = cut.dubbed.iter().chain(&cut.kept).cloned().collect();
            all.sort_by_key(|range| range.start);
            proptest::prop_assert!(all.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            let covered: usize = all.iter().map(|range| letters(&text[range.clone()])).sum();
            proptest::prop_assert_eq!(covered, letters(&text));
        }
    }
}
