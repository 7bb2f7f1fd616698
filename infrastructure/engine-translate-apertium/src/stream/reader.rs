//! Reads what a run wrote. It never fails: it says per sentence what it found, and whether that is
//! exactly what was to be found.

use super::{Request, stand_in_number};
use crate::line::Piece;
use std::{iter::Peekable, str::Chars};

/// What a run answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// One per sentence that ended with its number, in order.
    pub sentences: Vec<Out>,
    /// Whether every sentence of the request ended once, in order, and nothing came after the last.
    pub complete: bool,
}

/// A sentence as it came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Out {
    /// In the order of the target language.
    pub pieces: Vec<Piece>,
    /// Words that the engine does not know; they are also among the pieces, as kept ones.
    pub unknown: Vec<String>,
    /// Whether exactly the kept pieces and special characters of the sentence are in it.
    pub intact: bool,
    kept: Vec<usize>,
    specials: Vec<usize>,
    stray: bool,
}

/// Reads the output of a run.
pub fn read(output: &str, request: &Request) -> Answer {
    let mut reader = Reader {
        request,
        input: output.chars().peekable(),
        out: Out::default(),
        answer: Answer::default(),
        in_order: true,
    };
    reader.run();
    let Reader { out, mut answer, in_order, .. } = reader;
    let nothing_left = out.pieces.iter().all(|piece| matches!(piece, Piece::Text(text) if text.trim().is_empty()));
    answer.complete = in_order && nothing_left && answer.sentences.len() == request.sentences.len();
    answer
}

struct Reader<'a> {
    request: &'a Request,
    input: Peekable<Chars<'a>>,
    out: Out,
    answer: Answer,
    in_order: bool,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(c) = self.input.next() {
            match c {
                '\\' => self.literal(),
                '[' => self.superblank(),
                '*' => self.marked(true),
                '@' => self.marked(true),
                '#' => self.marked(false),
                '<' => self.skip_to('>'),
                '/' => self.skip_alternative(),
                '^' | '$' | '~' | '{' | '}' | '\u{FFFF}' => {}
                c if c.is_alphanumeric() => {
                    let word = self.word(c);
                    self.take_word(word, false);
                }
                c => self.push_text(c),
            }
        }
    }

    /// An escaped character is always itself.
    fn literal(&mut self) {
        if let Some(c) = self.input.next() {
            self.push_text(c);
        }
    }

    fn push_text(&mut self, c: char) {
        match self.out.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            Some(Piece::Kept(_)) | None => self.out.pieces.push(Piece::Text(c.to_string())),
        }
    }

    /// The rest of a word: letters and digits, and apostrophes or hyphens between them.
    fn word(&mut self, first: char) -> String {
        let mut word = String::from(first);
        while let Some(&c) = self.input.peek() {
            let joins = matches!(c, '\'' | '’' | '-' | '·') && {
                let mut ahead = self.input.clone();
                ahead.next();
                ahead.peek().is_some_and(|next| next.is_alphanumeric())
            };
            if !(c.is_alphanumeric() || is_combining(c) || joins) {
                break;
            }
            // A possessive or an article that is bound to a stand-in is not part of it.
            if joins && stand_in_number(&word).is_some() {
                break;
            }
            word.push(c);
            self.input.next();
        }
        word
    }

    fn marked(&mut self, is_unknown: bool) {
        match self.input.peek().copied() {
            Some(c) if c.is_alphanumeric() => {
                self.input.next();
                let word = self.word(c);
                self.take_word(word, is_unknown);
            }
            _ => {}
        }
    }

    fn take_word(&mut self, word: String, is_unknown: bool) {
        let known_stand_in = stand_in_number(&word).filter(|&number| number < self.request.kept.len());
        match known_stand_in {
            Some(number) => self.take_kept(number),
            None if is_unknown => {
                if !self.out.unknown.contains(&word) {
                    self.out.unknown.push(word.clone());
                }
                self.out.pieces.push(Piece::Kept(word));
            }
            None => word.chars().for_each(|c| self.push_text(c)),
        }
    }

    fn take_kept(&mut self, number: usize) {
        self.out.kept.push(number);
        if let Some(kept) = self.request.kept.get(number) {
            self.out.pieces.push(Piece::Kept(kept.clone()));
        }
    }

    /// `[]`, `[=3]`, `[#4\n]`, or a word blank `[[t:k:5]]word[[/]]`.
    fn superblank(&mut self) {
        if self.input.next_if_eq(&'[').is_some() {
            return self.word_blank();
        }
        let content = self.content_to(']');
        let number = |text: &str| text.trim().parse::<usize>().ok();
        if content.is_empty() {
            self.drop_artificial_stop();
        } else if let Some(number) = content.strip_prefix('#').and_then(number) {
            self.end_sentence(number);
        } else if let Some(number) = content.strip_prefix('=').and_then(number) {
            self.out.specials.push(number);
            for c in self.request.specials.get(number).map(String::as_str).unwrap_or_default().chars() {
                self.push_text(c);
            }
        } else {
            self.out.stray = true;
        }
    }

    fn word_blank(&mut self) {
        let content = self.content_to(']');
        self.input.next_if_eq(&']');
        let Some(number) = content.strip_prefix("t:k:").and_then(|number| number.parse().ok()) else {
            self.out.stray |= content != "/";
            return;
        };
        self.take_kept(number);
        // What is bound to the number is the stand-in's translation: nobody wants it.
        while let Some(c) = self.input.next() {
            if c == '[' && self.input.next_if_eq(&'[').is_some() {
                self.out.stray |= self.content_to(']') != "/";
                self.input.next_if_eq(&']');
                return;
            }
        }
    }

    fn content_to(&mut self, end: char) -> String {
        let mut content = String::new();
        while let Some(c) = self.input.next() {
            match c {
                '\\' => content.extend(self.input.next()),
                c if c == end => break,
                c => content.push(c),
            }
        }
        content
    }

    fn skip_to(&mut self, end: char) {
        self.content_to(end);
    }

    /// Of several generated forms (`one/other`) the first is taken.
    fn skip_alternative(&mut self) {
        while self.input.next_if(|c| c.is_alphanumeric() || matches!(c, '\'' | '-')).is_some() {}
    }

    fn drop_artificial_stop(&mut self) {
        match self.out.pieces.last_mut() {
            Some(Piece::Text(text)) if text.ends_with('.') => {
                text.pop();
                if text.is_empty() {
                    self.out.pieces.pop();
                }
            }
            Some(Piece::Text(_) | Piece::Kept(_)) | None => self.out.stray = true,
        }
    }

    fn end_sentence(&mut self, number: usize) {
        let mut out = std::mem::take(&mut self.out);
        self.in_order &= number == self.answer.sentences.len();
        let held = self.request.sentences.get(number);
        out.intact =
            !out.stray && held.is_some_and(|held| same(&out.kept, &held.kept) && same(&out.specials, &held.specials));
        self.answer.sentences.push(out);
    }
}

/// Whether two lists hold the same numbers, each as often.
fn same(found: &[usize], expected: &[usize]) -> bool {
    let mut found = found.to_vec();
    found.sort_unstable();
    found == expected
}

/// Marks that combine with the letter before them (Unicode's main combining blocks).
fn is_combining(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0x0900..=0x0903 | 0x093A..=0x094F)
}
