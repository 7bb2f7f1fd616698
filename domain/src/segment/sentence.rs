//! Where sentences end and where text may be cut, by its characters alone. No grammar, no abbreviations.

/// Whether text ends a sentence: its last character, closing quotes and brackets aside, is one of
/// `. ! ? …` or their full-width forms.
pub(super) fn ends_sentence(text: &str) -> bool {
    text.trim_end().trim_end_matches(is_closing).ends_with(is_end)
}

/// The byte offset at which to cut `text` in two, nearest its middle: after a sentence's end where there
/// is one, else after a clause's, else between words. `None` when there is no such place; both parts
/// have text.
pub(super) fn cut_at(text: &str, sentences_only: bool) -> Option<usize> {
    let middle = text.len() / 2;
    let nearest =
        |kind: Break| breaks(text).filter(|&(_, of)| of == kind).map(|(at, _)| at).min_by_key(|at| at.abs_diff(middle));
    let sentence = nearest(Break::Sentence);
    if sentences_only { sentence } else { sentence.or_else(|| nearest(Break::Clause)).or_else(|| nearest(Break::Word)) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Break {
    Sentence,
    Clause,
    Word,
}

/// Every place inside trimmed text at which it may be cut.
fn breaks(text: &str) -> impl Iterator<Item = (usize, Break)> {
    text.char_indices().filter_map(|(at, here)| {
        let before = text.get(..at)?;
        let after = text.get(at..)?;
        if before.trim().is_empty() || after.trim().is_empty() || is_closing(here) {
            return None;
        }
        let last = before.trim_end_matches(is_closing).chars().next_back()?;
        // Chinese and Japanese sentences and clauses end without a space after the mark.
        match last {
            '。' | '！' | '？' if !is_end(here) => Some((at, Break::Sentence)),
            '、' | '，' | '；' => Some((at, Break::Clause)),
            _ if !here.is_whitespace() => None,
            _ if is_end(last) => Some((at, Break::Sentence)),
            ',' | ';' | ':' | '–' | '—' => Some((at, Break::Clause)),
            _ => Some((at, Break::Word)),
        }
    })
}

fn is_end(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '…' | '。' | '！' | '？')
}

fn is_closing(character: char) -> bool {
    matches!(character, '"' | '\'' | '”' | '’' | '»' | '›' | '“' | ')' | ']' | '」' | '』')
}
