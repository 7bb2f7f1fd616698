//! Whether recognised words can have been spoken: recognisers find words in music and silence, too.
//!
//! It judges no meaning and no grammar, only times, lengths and confidence.

use crate::value::Span;

/// A word as recognised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard<'a> {
    /// The word as the dictionary spells it.
    pub text: &'a str,
    /// When it sounds.
    pub span: Span,
    /// Posterior probability, 0 to 1.
    pub confidence: f32,
}

/// The least share of an utterance that its words fill. Slow oratory fills 0.62 and more once pauses are cut away,
/// a legato melody that was taken for speech 0.49 and less.
const FILLED_MIN: f64 = 0.5;
/// The least letters per second while words sound. Speech has 8 to 18; the words found in held notes or
/// silence are stretched over them and have 5.3 and less.
const LETTERS_PER_SECOND_MIN: f64 = 6.0;
/// The same for a single word in a short utterance: a drawn-out “yes” has 3.7 to 6.8.
const LETTERS_PER_SECOND_MIN_ALONE: f64 = 3.0;
/// An utterance of one word that is longer is no drawn-out “yes”, in milliseconds.
const ALONE_MS_MAX: u64 = 1_000;
/// The least mean confidence. Correct words of a distant or noisy voice fall to 0.2, guesses over drums are below 0.1.
const CONFIDENCE_MIN: f64 = 0.1;

/// Whether `words`, recognised in `utterance`, can be speech: they fill it, at the pace of speech, and are not mere
/// guesses. No words are not plausible.
///
/// The bounds were measured with PocketSphinx on recordings, flite's voices, speech over music, and music alone; the
/// figures are in that engine's `docs.md`. They are loose on the side of speech: a wrong line can be
/// edited, a missing one is not noticed.
pub fn is_plausible(words: &[Heard<'_>], utterance: Span) -> bool {
    if words.is_empty() {
        return false;
    }
    let sounding_ms: u64 = words.iter().map(|word| word.span.len_ms()).sum();
    let letters: usize =
        words.iter().map(|word| word.text.chars().filter(|letter| letter.is_alphanumeric()).count()).sum();
    let confidence = words.iter().map(|word| f64::from(word.confidence)).sum::<f64>() / words.len() as f64;
    let alone = words.len() == 1 && utterance.len_ms() <= ALONE_MS_MAX;
    let letters_per_second_min = if alone { LETTERS_PER_SECOND_MIN_ALONE } else { LETTERS_PER_SECOND_MIN };
    let filled = sounding_ms as f64 / utterance.len_ms() as f64;
    let letters_per_second = letters as f64 * 1_000.0 / sounding_ms as f64;
    filled >= FILLED_MIN && letters_per_second >= letters_per_second_min && confidence >= CONFIDENCE_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words one after the other, together this long, in an utterance of this length.
    fn check(text: &str, words_ms: u64, utterance_ms: u64, confidence: f32, expected: bool) {
        let count = text.split_whitespace().count() as u64;
        let place = |(number, text)| Heard {
            text,
            span: Span::lasting(number * words_ms / count, words_ms / count),
            confidence,
        };
        let words: Vec<Heard> = (0..).zip(text.split_whitespace()).map(place).collect();
        assert_eq!(is_plausible(&words, Span::lasting(0, utterance_ms)), expected, "{text:?}");
    }

    #[test]
    fn words_at_the_pace_of_speech_are_plausible() {
        check("this is the article in science segment", 3_000, 3_500, 0.8, true);
        check("like your nintendo for you", 1_750, 2_272, 0.27, true);
        check("and not", 750, 1_200, 0.93, true);
        check("yes", 440, 448, 0.97, true);
        check("us", 540, 544, 0.78, true);
    }

    #[test]
    fn nothing_is_not_plausible() {
        assert!(!is_plausible(&[], Span::lasting(0, 1_000)));
    }

    #[test]
    fn words_stretched_over_held_notes_are_not() {
        check("says uses loses uses loses", 6_500, 10_000, 0.46, false);
        check("in new songs in new songs", 9_500, 9_500, 0.89, false);
        check("a new name is and how he and a thing need to", 7_900, 10_000, 0.6, false);
        check("dog", 10_000, 10_000, 1.0, false);
        check("an", 570, 1_840, 1.0, false);
    }

    #[test]
    fn a_few_words_in_a_long_stretch_are_not() {
        check("oh man", 440, 1_680, 0.9, false);
        check("ask ask ask ask ask ask ask ask ask ask ask ask", 3_200, 10_000, 0.5, false);
    }

    #[test]
    fn mere_guesses_are_not() {
        check("ask ask ask ask ask ask", 1_800, 2_000, 0.09, false);
    }
}
