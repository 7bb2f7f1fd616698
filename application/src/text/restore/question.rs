//! Whether an English sentence clearly opens like a question.

/// Verbs that, before their subject, ask.
const AUXILIARIES: &[&str] = &[
    "is",
    "isn't",
    "are",
    "aren't",
    "am",
    "was",
    "wasn't",
    "were",
    "weren't",
    "do",
    "don't",
    "does",
    "doesn't",
    "did",
    "didn't",
    "have",
    "haven't",
    "has",
    "hasn't",
    "had",
    "can",
    "can't",
    "could",
    "couldn't",
    "will",
    "won't",
    "would",
    "wouldn't",
    "should",
    "shouldn't",
    "may",
    "might",
    "must",
    "shall",
];

/// Subjects that show, after an auxiliary, that it is asked.
const SUBJECTS: &[&str] = &[
    "i", "you", "he", "she", "it", "we", "they", "this", "that", "these", "those", "there", "anyone", "anybody",
    "someone", "everyone",
];

/// Words that ask.
const ASKING: &[&str] = &["what", "who", "whom", "whose", "where", "when", "why", "how", "which"];

/// Words between an asking word and its verb: how many people are …
const MEASURES: &[&str] = &["many", "much", "long", "far", "old", "big", "often", "fast", "time", "kind"];

/// Short forms of an asking word with `is`, `are` or `did`.
const ASKING_SHORT: &[&str] =
    &["what's", "who's", "where's", "how's", "why's", "what're", "who're", "how'd", "where'd", "why'd"];

/// Whether the words, in lower case but for names, open a question: `what is …`, `how many …`,
/// `are you …`, `isn't it …`. `when` and `how` before a statement (`when we came`) do not.
pub fn is_question(words: &[&str]) -> bool {
    let word = |place: usize| words.get(place).map(|word| word.to_lowercase()).unwrap_or_default();
    // A word that only opens the sentence: and, so, but, well.
    let start = usize::from(matches!(word(0).as_str(), "and" | "so" | "but" | "well" | "now" | "then"));
    let (first, second, third) = (word(start), word(start + 1), word(start + 2));
    let is = |list: &[&str], word: &str| list.contains(&word);
    if is(ASKING_SHORT, &first) {
        return true;
    }
    if is(ASKING, &first) {
        // “who was here” asks; “when is” too; “what i know is” does not; “who” and “what” alone do.
        return second.is_empty()
            || is(AUXILIARIES, &second)
            || (is(MEASURES, &second) && first != "when" && !third.is_empty());
    }
    if matches!(first.as_str(), "don't" | "do" | "may" | "have" | "had" | "must") {
        return is(AUXILIARIES, &first)
            && is(SUBJECTS, &second)
            && !matches!(second.as_str(), "this" | "that" | "it" | "these" | "those");
    }
    is(AUXILIARIES, &first) && is(SUBJECTS, &second)
}
