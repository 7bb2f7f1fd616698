//! Lays a translated utterance over the cues it came from, as subtitles. Word for word, in order; it
//! does not shorten and knows nothing of reading speed.

use crate::stages::mux::SubtitleCue;
use domain::value::Span;

/// Most characters in a line of a subtitle (the usual limit of broadcasters for Latin script).
pub const LINE_CHARS_MAX: usize = 42;

/// Most lines in a subtitle.
pub const LINES_MAX: usize = 2;

/// How much nearer, in characters, a break after a full stop counts than one between two words.
const SENTENCE_BONUS: usize = 14;

/// The same after a comma, a semicolon, a colon or a dash.
const CLAUSE_BONUS: usize = 7;

/// A cue of the source, as far as its translation's place is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceCue {
    /// When it shows.
    pub span: Span,
    /// Characters of the source that it shows.
    pub chars: usize,
}

/// The subtitles of one utterance.
///
/// Each cue gets a share of the text in proportion to its source characters, cut between words and
/// rather after punctuation; a share that needs more than [`LINES_MAX`] lines of [`LINE_CHARS_MAX`] is
/// spread over several subtitles within the cue's span. A word is never cut: one longer than a line
/// stands alone on its line. Spans are in order, do not overlap and lie within the cues' common span;
/// words come in order, none lost or doubled. Cues may come in any order and may overlap.
pub fn split(text: &str, cues: &[SourceCue]) -> Vec<SubtitleCue> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let cues = in_order(cues);
    let (Some(first), Some(last)) = (cues.first(), cues.last()) else { return Vec::new() };
    let whole = first.span.join(last.span);
    let shares = shares(&words, &cues);
    let subtitles: Option<Vec<Vec<SubtitleCue>>> =
        cues.iter().zip(&shares).map(|(cue, share)| subtitles_in(share, cue.span)).collect();
    // A share that finds no room in its cue (one of a few milliseconds) takes the room of all.
    match subtitles.or_else(|| Some(vec![subtitles_in(&words, whole)?])) {
        Some(subtitles) => subtitles.into_iter().flatten().collect(),
        None => vec![SubtitleCue { span: whole, text: wrapped(&words) }],
    }
}

/// The cues sorted by time, cut so that none overlaps the one before; those without room left go.
fn in_order(cues: &[SourceCue]) -> Vec<SourceCue> {
    let mut sorted = cues.to_vec();
    sorted.sort_by_key(|cue| (cue.span.start_ms(), cue.span.end_ms()));
    let mut ordered: Vec<SourceCue> = Vec::with_capacity(sorted.len());
    for cue in sorted {
        let start_ms = ordered.last().map_or(0, |before| before.span.end_ms()).max(cue.span.start_ms());
        match (Span::try_new(start_ms, cue.span.end_ms()), ordered.last_mut()) {
            (Ok(span), _) => ordered.push(SourceCue { span, ..cue }),
            (Err(_), Some(before)) => before.chars += cue.chars,
            (Err(_), None) => {}
        }
    }
    ordered
}

/// The words of each cue.
fn shares<'a, 'b>(words: &'b [&'a str], cues: &[SourceCue]) -> Vec<&'b [&'a str]> {
    let ends = word_ends(words);
    let chars_all = ends.last().copied().unwrap_or_default();
    let weight_all: usize = cues.iter().map(|cue| cue.chars.max(1)).sum();
    let mut shares = Vec::with_capacity(cues.len());
    let (mut taken, mut weight) = (0, 0);
    for (place, cue) in cues.iter().enumerate() {
        weight += cue.chars.max(1);
        let cues_after = cues.len() - place - 1;
        let end = if cues_after == 0 {
            words.len()
        } else {
            let target = chars_all * weight / weight_all.max(1);
            // Every cue gets a word while there are enough.
            let least = (taken + 1).min(words.len().saturating_sub(cues_after).max(taken));
            let most = words.len().saturating_sub(cues_after).max(least);
            (least..=most).min_by_key(|&end| cost(words, &ends, end, target)).unwrap_or(least)
        };
        shares.push(words.get(taken..end).unwrap_or_default());
        taken = end;
    }
    shares
}

/// How far a break before word number `end` is from `target` characters, less its bonus.
fn cost(words: &[&str], ends: &[usize], end: usize, target: usize) -> usize {
    let before = end.checked_sub(1);
    let chars = before.and_then(|word| ends.get(word)).copied().unwrap_or_default();
    let bonus = before.and_then(|word| words.get(word)).map_or(0, |word| bonus(word));
    (chars.abs_diff(target) + SENTENCE_BONUS).saturating_sub(bonus)
}

/// What a break after a word is worth.
fn bonus(word: &str) -> usize {
    match word.trim_end_matches(['"', '”', '»', '’', '\'', ')']).chars().next_back() {
        Some('.' | '!' | '?' | '…') => SENTENCE_BONUS,
        Some(',' | ';' | ':' | '—' | '–') => CLAUSE_BONUS,
        _ => 0,
    }
}

/// Characters up to the end of each word, with single spaces between them.
fn word_ends(words: &[&str]) -> Vec<usize> {
    let mut ends = Vec::with_capacity(words.len());
    let mut chars = 0;
    for word in words {
        chars += word.chars().count() + usize::from(chars > 0);
        ends.push(chars);
    }
    ends
}

/// Subtitles for a share within its span; `None` when there are more of them than milliseconds.
fn subtitles_in(words: &[&str], span: Span) -> Option<Vec<SubtitleCue>> {
    let pages = pages(words);
    let chars: Vec<u64> =
        pages.iter().map(|page| page.iter().map(|word| word.chars().count() as u64 + 1).sum()).collect();
    let chars_all: u64 = chars.iter().sum();
    if pages.len() as u64 > span.len_ms() {
        return None;
    }
    let mut subtitles = Vec::with_capacity(pages.len());
    let (mut start_ms, mut chars_so_far) = (span.start_ms(), 0);
    for (place, (page, chars)) in pages.iter().zip(&chars).enumerate() {
        chars_so_far += chars;
        let pages_after = (pages.len() - place - 1) as u64;
        let share_ms =
            u64::try_from(u128::from(span.len_ms()) * u128::from(chars_so_far) / u128::from(chars_all.max(1))).ok()?;
        let end_ms = if pages_after == 0 {
            span.end_ms()
        } else {
            (span.start_ms() + share_ms).clamp(start_ms + 1, span.end_ms() - pages_after)
        };
        subtitles.push(SubtitleCue { span: Span::try_new(start_ms, end_ms).ok()?, text: wrapped(page) });
        start_ms = end_ms;
    }
    Some(subtitles)
}

/// The words cut into what fits a subtitle each, rather after punctuation once a page is half full.
fn pages<'a, 'b>(words: &'b [&'a str]) -> Vec<&'b [&'a str]> {
    let mut pages = Vec::new();
    let mut rest = words;
    while !rest.is_empty() {
        let most =
            (1..=rest.len()).take_while(|&length| fits(rest.get(..length).unwrap_or_default())).last().unwrap_or(1);
        let length = if most == rest.len() {
            most
        } else {
            (most.div_ceil(2)..=most)
                .max_by_key(|&length| (rest.get(length - 1).map_or(0, |word| bonus(word)), length))
                .unwrap_or(most)
        };
        let (page, others) = rest.split_at(length);
        pages.push(page);
        rest = others;
    }
    pages
}

fn fits(words: &[&str]) -> bool {
    lines_filled(words, LINE_CHARS_MAX).len() <= LINES_MAX
}

/// Lines filled one after the other.
fn lines_filled<'a, 'b>(words: &'b [&'a str], chars_max: usize) -> Vec<&'b [&'a str]> {
    let mut lines = Vec::new();
    let (mut start, mut chars) = (0, 0);
    for (place, word) in words.iter().enumerate() {
        let with = chars + usize::from(chars > 0) + word.chars().count();
        if with > chars_max && chars > 0 {
            lines.push(words.get(start..place).unwrap_or_default());
            (start, chars) = (place, word.chars().count());
        } else {
            chars = with;
        }
    }
    if start < words.len() {
        lines.push(words.get(start..).unwrap_or_default());
    }
    lines
}

/// One line where it fits; else two of about the same length, rather broken after punctuation.
fn wrapped(words: &[&str]) -> String {
    let length = |words: &[&str]| word_ends(words).last().copied().unwrap_or_default();
    if length(words) <= LINE_CHARS_MAX || words.len() < 2 {
        return words.join(" ");
    }
    let halves = (1..words.len()).map(|place| words.split_at(place)).filter(|(top, bottom)| {
        // A word longer than a line stands alone on it.
        let fits = |line: &[&str]| length(line) <= LINE_CHARS_MAX || line.len() == 1;
        fits(top) && fits(bottom)
    });
    let best = halves.min_by_key(|(top, bottom)| {
        let bonus = top.last().map_or(0, |word| bonus(word));
        (length(top).abs_diff(length(bottom)) + SENTENCE_BONUS).saturating_sub(bonus)
    });
    match best {
        Some((top, bottom)) => format!("{}\n{}", top.join(" "), bottom.join(" ")),
        None => {
            lines_filled(words, LINE_CHARS_MAX).into_iter().map(|line| line.join(" ")).collect::<Vec<_>>().join("\n")
        }
    }
}

#[cfg(test)]
mod tests;
