//! Capitals and stops for recognised English: a recogniser gives lower-case words without punctuation,
//! and a translator by rules takes `i` and `spain` for unknown words. Rules and short lists, no
//! statistics: what they do not know stays as it was. Not a grammar: commas come from pauses only.

mod lists;
mod question;

use lists::{ACRONYMS, AFTER_IN, MULTI_WORD_NAMES, NAMES, NEVER_LAST, TITLES};

/// A pause that may mean a comma, in milliseconds.
pub const COMMA_PAUSE_MS_MIN: u64 = 600;

/// A pause that may mean a full stop, in milliseconds.
pub const STOP_PAUSE_MS_MIN: u64 = 1_000;

/// Fewest words of a sentence that a pause may end; shorter ones are more often a hesitation.
const SENTENCE_WORDS_MIN: usize = 3;

/// A recognised word and the silence after it, in milliseconds (0 where it is not known).
pub type HeardWord = (String, u64);

/// One utterance, cased and punctuated. Text that already has capitals or punctuation stays as it is.
///
/// Understood besides plain words: the dictionary's spelled letters (`u. s. a.`), numbered
/// pronunciations (`the(2)`) and fillers (`<sil>`, `[NOISE]`, `++UM++`), which go.
pub fn restore(heard: &[HeardWord]) -> String {
    let joined = heard.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>().join(" ");
    if is_written(&joined) {
        return joined.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let mut words = spelled_out(clean(heard));
    names(&mut words);
    punctuated(&words)
}

/// As [`restore`], for words whose pauses are not known.
pub fn restore_text(text: &str) -> String {
    restore(&text.split_whitespace().map(|word| (word.to_owned(), 0)).collect::<Vec<_>>())
}

/// Whether someone has cased or punctuated the text: a full stop counts only after a word, as the
/// recogniser's dictionary writes letters (`u.`) and titles (`mr.`) with one.
fn is_written(text: &str) -> bool {
    let mut words = text.split_whitespace().filter(|word| !is_filler(word));
    words.any(|word| {
        let stopped = word.strip_suffix('.').is_some_and(|bare| bare.chars().count() > 1 && !TITLES.contains(&bare));
        stopped || word.chars().any(|c| c.is_uppercase() || matches!(c, '?' | '!' | ',' | ';' | ':' | '…'))
    })
}

/// A word on its way.
#[derive(Clone, Debug)]
struct Word {
    /// As it will be written, but for a sentence's capital.
    text: String,
    gap_after_ms: u64,
}

fn is_filler(word: &str) -> bool {
    let between = |open: &str, close: &str| word.len() > 2 && word.starts_with(open) && word.ends_with(close);
    between("<", ">") || between("[", "]") || between("++", "++")
}

/// Words without fillers and pronunciation numbers; a filler's pause goes to the word before it.
fn clean(heard: &[HeardWord]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::with_capacity(heard.len());
    for (text, gap_ms) in heard.iter().flat_map(|(text, gap_ms)| {
        let last = text.split_whitespace().count().saturating_sub(1);
        text.split_whitespace().enumerate().map(move |(place, word)| (word, if place == last { *gap_ms } else { 0 }))
    }) {
        if is_filler(text) {
            if let Some(before) = words.last_mut() {
                before.gap_after_ms = before.gap_after_ms.max(gap_ms);
            }
            continue;
        }
        let numbered = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
        let text = match numbered {
            Some((word, number)) if number.parse::<u8>().is_ok() => word,
            _ => text,
        };
        words.push(Word { text: text.to_owned(), gap_after_ms: gap_ms });
    }
    words
}

/// The letter of `u.` or `u.'s`, with what follows it.
fn spelled_letter(word: &str) -> Option<(char, &str)> {
    let mut characters = word.chars();
    let letter = characters.next().filter(char::is_ascii_lowercase)?;
    let rest = characters.as_str().strip_prefix('.')?;
    (rest.is_empty() || rest == "'s" || rest == "s").then_some((letter, rest))
}

/// Spelled letters in a row become an abbreviation: `n. a. s. a.` → `NASA`, `u. s.` → `U.S.`. A single
/// `a.` before another word is the article, said with stress.
fn spelled_out(words: Vec<Word>) -> Vec<Word> {
    let mut spelled: Vec<Word> = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let run = letters_in_a_row(rest);
        if run == 0 {
            spelled.push(first.clone());
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let (letters, after) = rest.split_at(run);
        let gap_after_ms = letters.last().map_or(0, |word| word.gap_after_ms);
        let ending = letters.last().and_then(|word| spelled_letter(&word.text)).map_or("", |(_, ending)| ending);
        let plain: String =
            letters.iter().filter_map(|word| spelled_letter(&word.text)).map(|(letter, _)| letter).collect();
        let text = match plain.as_str() {
            "a" if !after.is_empty() => "a".to_owned(),
            "us" => format!("U.S.{ending}"),
            plain => format!("{}{ending}", plain.to_ascii_uppercase()),
        };
        spelled.push(Word { text, gap_after_ms });
        rest = after;
    }
    spelled
}

/// How many spelled letters stand in front; an ending or a pause closes the row.
fn letters_in_a_row(words: &[Word]) -> usize {
    let mut run = 0;
    for word in words {
        let Some((_, ending)) = spelled_letter(&word.text) else { break };
        run += 1;
        if !ending.is_empty() || word.gap_after_ms >= COMMA_PAUSE_MS_MIN {
            break;
        }
    }
    run
}

/// Capitals of `I`, names and acronyms.
fn names(words: &mut [Word]) {
    for place in 0..words.len() {
        let length = MULTI_WORD_NAMES.iter().map(|name| match_len(words, place, name)).max().unwrap_or_default();
        for word in words.iter_mut().skip(place).take(length) {
            // Small words within a name stay small: Gulf of Mexico.
            if !matches!(word.text.as_str(), "of" | "the" | "and") {
                word.text = capitalised(&word.text);
            }
        }
    }
    let bare: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    for (place, word) in words.iter_mut().enumerate() {
        let (stem, ending) = stem_and_ending(&word.text);
        let before = place.checked_sub(1).and_then(|before| bare.get(before)).map_or("", String::as_str);
        let after = bare.get(place + 1).map_or("", String::as_str);
        if stem == "i" {
            word.text = format!("I{ending}");
        } else if ACRONYMS.contains(&stem) {
            word.text = format!("{}{ending}", stem.to_ascii_uppercase());
        } else if NAMES.contains(&stem)
            || stem.strip_suffix('.').is_some_and(|title| TITLES.contains(&title))
            || is_ambiguous_month(stem, before, after)
        {
            word.text = capitalised(&word.text);
        }
    }
}

/// Words of `name` when it stands at `place` (its last word may carry an ending); otherwise 0.
fn match_len(words: &[Word], place: usize, name: &str) -> usize {
    let length = name.split(' ').count();
    let found = words.get(place..place + length).unwrap_or_default();
    let matches = found.len() == length
        && found.iter().zip(name.split(' ')).enumerate().all(|(index, (word, part))| {
            let stem = if index + 1 == length { stem_and_ending(&word.text).0 } else { word.text.as_str() };
            stem == part
        });
    if matches { length } else { 0 }
}

/// `nasa` and `'s` of `nasa's`.
fn stem_and_ending(word: &str) -> (&str, &str) {
    word.find('\'').map_or((word, ""), |place| word.split_at(place))
}

/// Whether `may`, `march` or `august` is the month: after `in`, `last` … or before a day's number.
fn is_ambiguous_month(word: &str, before: &str, after: &str) -> bool {
    let is_day = |word: &str| lists::DAY_NUMBERS.contains(&word);
    matches!(word, "may" | "march" | "august") && (AFTER_IN.contains(&before) || is_day(after) || word == "august")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Sentences with their capitals, commas at pauses, and a stop at each end.
fn punctuated(words: &[Word]) -> String {
    let mut text = String::new();
    let mut sentence: Vec<&str> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        if !text.is_empty() {
            text.push(' ');
        }
        if sentence.is_empty() {
            text.push_str(&capitalised(&word.text));
        } else {
            text.push_str(&word.text);
        }
        sentence.push(&word.text);
        let is_last = place + 1 == words.len();
        let may_pause = !NEVER_LAST.contains(&word.text.as_str());
        if is_last || (may_pause && word.gap_after_ms >= STOP_PAUSE_MS_MIN && sentence.len() >= SENTENCE_WORDS_MIN) {
            let stop = if question::is_question(&sentence) { '?' } else { '.' };
            if !(stop == '.' && text.ends_with('.')) {
                text.push(stop);
            }
            sentence.clear();
        } else if may_pause && word.gap_after_ms >= COMMA_PAUSE_MS_MIN {
            text.push(',');
        }
    }
    text
}

#[cfg(test)]
mod tests;
