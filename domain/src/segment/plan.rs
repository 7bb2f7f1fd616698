//! Utterances from stretches of speech, by their pauses alone. Knows nothing of words or speakers.

use super::limits::{Limits, Mergeable, merge_short};
use crate::value::Span;

/// An utterance: what is recognised, translated and spoken as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From the start of the first piece to the end of the last.
    pub span: Span,
    /// The stretches of speech inside, in order, without overlap; never empty.
    pub pieces: Vec<Span>,
}

impl Segment {
    fn new(first: Span) -> Self {
        Self { span: first, pieces: vec![first] }
    }

    fn push(&mut self, piece: Span) {
        self.span = self.span.join(piece);
        self.pieces.push(piece);
    }
}

impl Mergeable for Segment {
    fn span(&self) -> Span {
        self.span
    }

    fn goes_with(&self, _later: &Self) -> bool {
        true
    }

    fn merge(mut self, later: Self) -> Self {
        self.span = self.span.join(later.span);
        self.pieces.extend(later.pieces);
        self
    }
}

/// Groups stretches of speech into utterances.
///
/// Utterances end at pauses of at least `pause_ms_min`; one that is longer than `utterance_ms_max` is cut
/// at its longest pause (the one nearest its middle when several are equally long), again and again; a
/// single stretch that is still too long is cut into equal parts. Then short ones are merged with the
/// nearer neighbour across at most `gap_ms_max`, never beyond `utterance_ms_max`. The result is in order
/// and covers every millisecond of `speech` exactly once; stretches that overlap or touch count as one.
pub fn plan(speech: &[Span], limits: &Limits) -> Vec<Segment> {
    let mut segments = Vec::new();
    for group in group_by_pause(&united(speech), limits.pause_ms_min) {
        cut(group, limits.utterance_ms_max.max(1), &mut segments);
    }
    merge_short(segments, limits)
}

/// In order of time, with stretches that overlap or touch made one.
fn united(speech: &[Span]) -> Vec<Span> {
    let mut ordered = speech.to_vec();
    ordered.sort_unstable();
    let mut united: Vec<Span> = Vec::with_capacity(ordered.len());
    for span in ordered {
        match united.last_mut() {
            Some(last) if last.gap_ms(span) == 0 => *last = last.join(span),
            _ => united.push(span),
        }
    }
    united
}

fn group_by_pause(speech: &[Span], pause_ms_min: u64) -> Vec<Segment> {
    let mut groups: Vec<Segment> = Vec::new();
    for &piece in speech {
        match groups.last_mut() {
            Some(group) if group.span.gap_ms(piece) < pause_ms_min => group.push(piece),
            _ => groups.push(Segment::new(piece)),
        }
    }
    groups
}

/// Cuts a group until no part is longer than `length_ms_max`; the parts go to `parts` in order.
///
/// Works off a stack instead of calling itself: a long recording may need thousands of cuts.
fn cut(group: Segment, length_ms_max: u64, parts: &mut Vec<Segment>) {
    let mut waiting = vec![group];
    while let Some(mut group) = waiting.pop() {
        if group.span.len_ms() <= length_ms_max {
            parts.push(group);
            continue;
        }
        let Some(at) = longest_pause(&group) else {
            parts.extend(equal_parts(group.span, length_ms_max).map(Segment::new));
            continue;
        };
        let later = group.pieces.split_off(at);
        waiting.extend(hull(later));
        waiting.extend(hull(group.pieces));
    }
}

/// The index of the piece after the longest pause; nearest the middle when several are equally long.
fn longest_pause(group: &Segment) -> Option<usize> {
    let middle_twice = group.span.start_ms() + group.span.end_ms();
    let pauses = group.pieces.windows(2).enumerate().filter_map(|(index, pair)| match pair {
        [earlier, later] => {
            let distance = (earlier.end_ms() + later.start_ms()).abs_diff(middle_twice);
            Some((earlier.gap_ms(*later), std::cmp::Reverse(distance), index + 1))
        }
        _ => None,
    });
    pauses.max_by_key(|&(pause, distance, _)| (pause, distance)).map(|(_, _, index)| index)
}

fn hull(pieces: Vec<Span>) -> Option<Segment> {
    let span = pieces.iter().copied().reduce(Span::join)?;
    Some(Segment { span, pieces })
}

/// Cuts a span into the fewest parts of nearly equal length that are no longer than `length_ms_max`.
fn equal_parts(span: Span, length_ms_max: u64) -> impl Iterator<Item = Span> {
    let count = span.len_ms().div_ceil(length_ms_max);
    let bound = move |part: u64| {
        let offset = u128::from(span.len_ms()) * u128::from(part) / u128::from(count);
        span.start_ms() + u64::try_from(offset).unwrap_or(u64::MAX)
    };
    (0..count).map(move |part| Span::lasting(bound(part), bound(part + 1) - bound(part)))
}
