//! Apertium's stream format: writing lines into it so that nothing of them can be taken for markup,
//! and reading what comes back so that nothing can be taken for a neighbour's.
//!
//! Between sentences stands a superblank with the sentence's number, after the artificial full stop
//! that Apertium's own deformatters write. Characters with a meaning in the stream travel as numbered
//! superblanks. Kept pieces travel as words that no dictionary knows: unlike a superblank, which other
//! words may pass, such a word holds its place. Every number occurs once in a run, so a word that
//! strayed into another sentence is seen.

use crate::line::{Line, Piece};

mod reader;
pub use reader::{Out, read};

/// Characters that mean something to some program of the pipeline, in the stream or as a mark.
const SPECIAL: &[char] = &['*', '@', '#', '^', '$', '[', ']', '{', '}', '\\', '<', '>', '/', '~', '+', '_'];

/// How a stand-in begins. No word of a language does.
const STAND_IN: &str = "Zqx";

/// Letters after [`STAND_IN`]: 26³ kept pieces in one run.
const STAND_IN_LETTERS: usize = 3;

/// Most kept pieces in one run.
pub const STAND_INS_MAX: usize = 26 * 26 * 26;

/// A run's input and what must come back.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What the child reads.
    pub input: String,
    /// What each sentence holds.
    pub sentences: Vec<Held>,
    /// Kept pieces of all sentences by number.
    pub kept: Vec<String>,
    /// Special characters of all sentences by number; an empty one only parts two words.
    pub specials: Vec<String>,
}

/// Numbers that belong to a sentence.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Kept pieces.
    pub kept: Vec<usize>,
    /// Special characters.
    pub specials: Vec<usize>,
}

impl Request {
    /// A run over some lines. `english` says that the mode reads English, whose possessive needs a
    /// noun before it that the dictionary knows.
    pub fn of(lines: &[&Line], english: bool) -> Self {
        let mut request = Self::default();
        for (number, line) in lines.iter().enumerate() {
            request.sentences.push(Held::default());
            for (place, piece) in line.pieces.iter().enumerate() {
                match piece {
                    Piece::Text(text) => request.write_text(text),
                    Piece::Kept(kept) => {
                        let possessive = english
                            && matches!(line.pieces.get(place + 1), Some(Piece::Text(next)) if is_possessive(next));
                        request.write_kept(kept, possessive);
                    }
                }
            }
            request.input.push_str(&format!(".[][#{number}\n]"));
        }
        request.input.push('\n');
        request
    }

    fn write_text(&mut self, text: &str) {
        self.part_words(text.chars().next());
        let characters: Vec<char> = text.chars().collect();
        for (place, &c) in characters.iter().enumerate() {
            let beside = |place: usize| characters.get(place).is_some_and(|c| c.is_alphanumeric());
            match c {
                c if is_special(c) => self.write_special(c.to_string()),
                // Dictionaries write the apostrophe the typewriter's way.
                '’' if place > 0 && beside(place - 1) && beside(place + 1) => self.input.push('\''),
                '’' if place == 0 && beside(1) => self.input.push('\''),
                c => self.input.push(c),
            }
        }
    }

    fn write_special(&mut self, special: String) {
        let number = self.specials.len();
        self.specials.push(special);
        if let Some(held) = self.sentences.last_mut() {
            held.specials.push(number);
        }
        self.input.push_str(&format!("[={number}]"));
    }

    fn write_kept(&mut self, kept: &str, possessive: bool) {
        let number = self.kept.len();
        self.kept.push(kept.to_owned());
        if let Some(held) = self.sentences.last_mut() {
            held.kept.push(number);
        }
        self.part_words(Some('a'));
        if possessive {
            // A proper name that every English dictionary has, bound to our number by a word blank.
            self.input.push_str(&format!("[[t:k:{number}]]John[[/]]"));
        } else {
            self.input.push_str(&stand_in(number));
        }
    }

    /// Keeps a word from growing together with the one before it.
    fn part_words(&mut self, next: Option<char>) {
        let glued = |c: char| c.is_alphanumeric();
        if next.is_some_and(glued) && self.input.chars().next_back().is_some_and(glued) {
            self.write_special(String::new());
        }
    }
}

/// Whether the text goes on with an English possessive: `'s house`.
fn is_possessive(next: &str) -> bool {
    ["'s", "’s"].iter().any(|ending| {
        next.strip_prefix(ending)
            .is_some_and(|rest| rest.starts_with(' ') && rest.trim_start().starts_with(char::is_alphabetic))
    })
}

/// The word that stands for a kept piece: `Zqxaab`.
fn stand_in(number: usize) -> String {
    let letter = |value: usize| char::from(b'a' + (value % 26) as u8);
    let mut word = STAND_IN.to_owned();
    word.extend([letter(number / (26 * 26)), letter(number / 26), letter(number)]);
    word
}

/// The number of a stand-in, whatever case the engine gave it.
fn stand_in_number(word: &str) -> Option<usize> {
    let lower = word.to_ascii_lowercase();
    let letters = lower.strip_prefix(&STAND_IN.to_ascii_lowercase())?;
    let well_formed = letters.len() == STAND_IN_LETTERS && letters.bytes().all(|b| b.is_ascii_lowercase());
    well_formed.then(|| letters.bytes().fold(0, |number, b| number * 26 + usize::from(b - b'a')))
}

/// Whether a character means something to the pipeline.
pub fn is_special(c: char) -> bool {
    SPECIAL.contains(&c)
}

/// Whether a text holds something that could be taken for a stand-in.
pub fn resembles_a_stand_in(text: &str) -> bool {
    text.to_ascii_lowercase().contains(&STAND_IN.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
