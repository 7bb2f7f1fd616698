//! A sentence on its way through the hops: text that is translated and pieces that are not.
//! Spaces are part of the text here; joining the pieces gives the whole line.

use application::stages::translate::{Sentence, SentencePart};

/// A sentence before a hop.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Line {
    /// In order.
    pub pieces: Vec<Piece>,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// To be translated by the next hop.
    Text(String),
    /// To stay as it is: fixed by the caller, or unknown to an earlier hop.
    Kept(String),
}

/// Punctuation that stands close to the word before it.
const CLOSE_TO_THE_LEFT: &[char] = &['.', ',', ';', ':', '!', '?', '…', ')', ']', '}', '%', '\'', '’', '»', '”'];

/// Punctuation that stands close to the word after it.
const CLOSE_TO_THE_RIGHT: &[char] = &['(', '[', '{', '«', '“', '‘', '¿', '¡'];

impl Line {
    /// The parts joined by single spaces except before punctuation and after opening marks; white space within text is one
    /// space, and control characters are gone.
    pub fn of_sentence(sentence: &Sentence) -> Self {
        let mut line = Self::default();
        for part in &sentence.parts {
            match part {
                SentencePart::Text(text) => {
                    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    let text: String = text.chars().filter(|&c| !is_unspeakable(c)).collect();
                    if text.is_empty() {
                        continue;
                    }
                    if !text.starts_with(CLOSE_TO_THE_LEFT) {
                        line.push_space();
                    }
                    line.push(Piece::Text(text));
                }
                SentencePart::Fixed(fixed) => {
                    line.push_space();
                    line.push(Piece::Kept(fixed.clone()));
                }
            }
        }
        line
    }

    /// Parts the next piece from what is there, unless that ends with an opening mark.
    fn push_space(&mut self) {
        let opens = matches!(self.pieces.last(), Some(Piece::Text(text)) if text.ends_with(CLOSE_TO_THE_RIGHT));
        if !self.is_empty() && !opens {
            self.push(Piece::Text(" ".to_owned()));
        }
    }

    /// Adds a piece; text that follows text becomes one with it.
    pub fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether there is a letter to translate.
    pub fn has_words(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.chars().any(char::is_alphabetic)))
    }

    /// The whole line.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(Piece::Text(text) | Piece::Kept(text))| text.as_str()).collect()
    }

    /// Bytes of the whole line.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|(Piece::Text(text) | Piece::Kept(text))| text.len()).sum()
    }
}

/// A translated line without the traces that Apertium leaves: doubled spaces where it dropped a word,
/// a space before a comma, a second full stop, and a capital that it moved from a kept word to the next one.
pub fn tidied(line: Line, source: &Line) -> Line {
    let mut tidy = Line::default();
    let last = line.pieces.len().saturating_sub(1);
    let mut starts_sentence = true;
    let has_double_stop = source.text().contains("..") || source.text().contains('…');
    for (place, piece) in line.pieces.into_iter().enumerate() {
        let text = match piece {
            Piece::Kept(kept) => {
                tidy.push(Piece::Kept(kept));
                continue;
            }
            Piece::Text(text) => text,
        };
        let mut text = single_spaced(&text, place == 0, place == last);
        if !has_double_stop {
            // An abbreviation's own stop beside the sentence's: `EE.UU..`
            text = text.replace("...", "…").replace("..", ".").replace('…', "...");
        }
        if let (true, Some(Piece::Kept(kept))) = (starts_sentence, tidy.pieces.last())
            && source.goes_on_in_lower_case_after(kept)
        {
            text = with_first_letter(&text, |c| c.to_lowercase().collect());
        }
        if text.chars().any(char::is_alphanumeric) {
            starts_sentence = text.trim_end().ends_with(['.', '!', '?', ':']);
        }
        tidy.push(Piece::Text(text));
    }
    let begins_in_upper_case = source.text().chars().find(|c| c.is_alphabetic()).is_some_and(char::is_uppercase);
    if let (true, Some(Piece::Text(text))) = (begins_in_upper_case, tidy.pieces.first_mut()) {
        *text = with_first_letter(text, |c| c.to_uppercase().collect());
    }
    tidy
}

impl Line {
    fn goes_on_in_lower_case_after(&self, kept: &str) -> bool {
        let text = self.text();
        let after = text.find(kept).and_then(|place| text.get(place + kept.len()..)).unwrap_or_default();
        after.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_lowercase)
    }
}

fn single_spaced(text: &str, is_first: bool, is_last: bool) -> String {
    let mut single = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let c = if c.is_whitespace() { ' ' } else { c };
        let ends_a_word = matches!(c, ',' | '.') && !rest.peek().is_some_and(|next| next.is_alphanumeric());
        if ends_a_word && single.ends_with(' ') && (!is_first || single.len() > 1) {
            single.pop();
        }
        if c == ' ' && (single.ends_with(' ') || (is_first && single.is_empty())) {
            continue;
        }
        single.push(c);
    }
    if is_last && single.ends_with(' ') {
        single.pop();
    }
    single
}

/// Changes the first letter, unless something else than a space or an opening mark comes before it.
fn with_first_letter(text: &str, change: impl Fn(char) -> String) -> String {
    let place = text.char_indices().find(|(_, c)| !matches!(c, ' ' | '¿' | '¡' | '"' | '«' | '“' | '(' | '—' | '-'));
    match place {
        Some((place, c)) if c.is_alphabetic() => {
            let (before, rest) = text.split_at(place);
            format!("{before}{}{}", change(c), rest.get(c.len_utf8()..).unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

/// Control characters and code points that are no characters: no engine can say them, and some of
/// them end a stream.
fn is_unspeakable(c: char) -> bool {
    c.is_control() || matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_by_spaces_except_before_punctuation() {
        let text = |text: &str| SentencePart::Text(text.to_owned());
        let fixed = |text: &str| SentencePart::Fixed(text.to_owned());
        let check = |parts: Vec<SentencePart>, whole: &str| {
            assert_eq!(Line::of_sentence(&Sentence { parts }).text(), whole);
        };
        check(vec![], "");
        check(vec![text("a\n b\t\r\nc\u{0}\u{FFFF}")], "a b c");
        check(vec![text("The"), fixed("X"), text("opens"), text("the door.")], "The X opens the door.");
        check(vec![fixed("X"), text(", and"), fixed("Y"), text("!")], "X, and Y!");
        check(vec![text("the"), fixed("X"), text("'s house")], "the X's house");
        check(vec![text("the (big"), text("("), fixed("X"), text(") house")], "the (big (X) house");
        check(vec![text(""), fixed(" X  Y "), text(" ")], " X  Y ");
    }
}
