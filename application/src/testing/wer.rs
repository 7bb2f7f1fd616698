//! Word error rate: how far recognised text is from what was said. It knows no synonyms and no grammar.

/// Word errors: how many words must be inserted, dropped or replaced to make `heard` of `said`, over the words of
/// `said`. 0 is perfect; it can exceed 1. Both are normalised by [`words`]. An empty `said` counts as one word.
///
/// The Levenshtein distance over words, as NIST's `sclite` counts it with equal weights.
pub fn word_error_rate(said: &str, heard: &str) -> f64 {
    let (said, heard) = (words(said), words(heard));
    // One row of the table: the distance from the words of `said` so far to each beginning of `heard`.
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (dropped, word) in said.iter().enumerate() {
        let mut diagonal = dropped;
        let mut left = dropped + 1;
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(&heard) {
            left = (diagonal + usize::from(word != other)).min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0) as f64 / said.len().max(1) as f64
}

/// The words of a text in lower case without punctuation; apostrophes inside a word stay, hyphens part words.
pub fn words(text: &str) -> Vec<String> {
    let plain = |character: char| match character {
        '’' => '\'',
        letter if letter.is_alphanumeric() || letter == '\'' => letter,
        _ => ' ',
    };
    let text: String = text.chars().map(plain).flat_map(char::to_lowercase).collect();
    text.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, heard: &str, errors: usize, of: usize) {
        let rate = word_error_rate(said, heard);
        assert!((rate - errors as f64 / of as f64).abs() < 1e-9, "{said:?} {heard:?}: {rate}");
    }

    #[test]
    fn counts_replaced_dropped_and_inserted_words() {
        check("a b c", "a b c", 0, 3);
        check("a b c", "a x c", 1, 3);
        check("a b c", "a c", 1, 3);
        check("a b c", "a b b c", 1, 3);
        check("a b c", "", 3, 3);
        check("a b", "x y z", 3, 2);
        check("", "a", 1, 1);
        check("", "", 0, 1);
        check("the cat sat on the mat", "cat sat in the mat today", 3, 6);
    }

    #[test]
    fn neither_case_nor_punctuation_counts_but_apostrophes_do() {
        check("It’s NASA's “clean-room”, here.", "it's nasa's clean room here", 0, 5);
        check("well", "we'll", 1, 1);
    }
}
