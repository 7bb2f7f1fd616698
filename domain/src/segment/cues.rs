//! Utterances from subtitle cues that someone wrote. Reads no markup: texts come plain, speakers by name.

use super::limits::{Limits, Mergeable, merge_short};
use super::sentence::{cut_at, ends_sentence};
use crate::value::Span;

/// A text slower than this is not spoken: a cue that shows it longer only leaves it standing.
/// Slow, clear speech has about 10 characters in a second; this is far below.
const CHARACTERS_PER_SECOND_MIN: u64 = 4;

/// A subtitle cue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// When it is shown.
    pub span: Span,
    /// What it says, without markup. Line breaks count as spaces.
    pub text: String,
    /// Who says it, where that is known.
    pub speaker: Option<String>,
}

/// An utterance made of cues, of parts of one, or of several joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CueUtterance {
    /// From the start of its first cue to the end of its last.
    pub span: Span,
    /// What is said, on one line.
    pub text: String,
    /// Who says it, where that is known.
    pub speaker: Option<String>,
    /// When its cues (or the part of the one that was split) are shown, in order, without overlap: the
    /// subtitles of a translation are split along these again.
    pub cues: Vec<Span>,
}

impl Mergeable for CueUtterance {
    fn span(&self) -> Span {
        self.span
    }

    fn goes_with(&self, later: &Self) -> bool {
        self.speaker == later.speaker
    }

    fn merge(mut self, later: Self) -> Self {
        self.span = self.span.join(later.span);
        self.text = format!("{} {}", self.text, later.text);
        self.cues.extend(later.cues);
        self
    }
}

/// Makes utterances of cues.
///
/// Cues without text are dropped; the others are brought in order and apart (see `set_apart`). A cue
/// longer than `utterance_ms_max` is split at sentence ends, in proportion to its characters. Cues that
/// continue a sentence (the one before does not end with `. ! ? …`, closing quotes aside) are joined when
/// the speaker is the same, the gap is at most `gap_ms_max` and the whole at most `utterance_ms_max`; then
/// utterances shorter than `utterance_ms_min` are merged with a neighbour under the same conditions. A cue
/// that holds several sentences stays whole. No text is lost, and its order is kept.
pub fn join_cues(cues: &[Cue], limits: &Limits) -> Vec<CueUtterance> {
    let mut joined: Vec<CueUtterance> = Vec::new();
    for part in set_apart(cues, limits).into_iter().flat_map(|cue| split_long(cue, limits.utterance_ms_max.max(1))) {
        match joined.pop_if(|last| continues(last, &part, limits)) {
            Some(last) => joined.push(last.merge(part)),
            None => joined.push(part),
        }
    }
    merge_short(joined, limits)
}

fn continues(earlier: &CueUtterance, later: &CueUtterance, limits: &Limits) -> bool {
    !ends_sentence(&earlier.text) && earlier.goes_with(later) && limits.may_hold(earlier.span, later.span)
}

/// The cues with text, in order of their start and without overlap.
///
/// Where a cue begins while the one before is still shown, the earlier one ends there. Where several begin
/// nearly together (within `utterance_ms_min`: two people at once), they share their time in order and in
/// proportion to their characters, since only one line can be spoken at a time.
fn set_apart(cues: &[Cue], limits: &Limits) -> Vec<CueUtterance> {
    let mut ordered: Vec<CueUtterance> = cues.iter().filter_map(from_cue).collect();
    ordered.sort_by_key(|cue| cue.span.start_ms());
    let mut clusters: Vec<(Span, Vec<CueUtterance>)> = Vec::new();
    for cue in ordered {
        match clusters.last_mut() {
            Some((hull, together)) if begins_together(*hull, cue.span, limits.utterance_ms_min) => {
                *hull = hull.join(cue.span);
                together.push(cue);
            }
            Some((hull, _)) => {
                let end_ms = hull.end_ms().min(cue.span.start_ms());
                *hull = Span::try_new(hull.start_ms(), end_ms).unwrap_or(*hull);
                clusters.push((cue.span, vec![cue]));
            }
            None => clusters.push((cue.span, vec![cue])),
        }
    }
    clusters.into_iter().flat_map(|(hull, together)| share(hull, together)).collect()
}

/// Whether a cue overlaps what is shown and begins within `together_ms` of it, or at the very same time.
fn begins_together(shown: Span, next: Span, together_ms: u64) -> bool {
    shown.overlaps(next) && next.start_ms() - shown.start_ms() < together_ms.max(1)
}

fn from_cue(cue: &Cue) -> Option<CueUtterance> {
    let text = cue.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let utterance = CueUtterance { span: cue.span, text, speaker: cue.speaker.clone(), cues: vec![cue.span] };
    (!utterance.text.is_empty()).then_some(utterance)
}

/// Gives each of the cues its share of the span, one after the other. When there are more cues than
/// milliseconds, they become one.
fn share(span: Span, together: Vec<CueUtterance>) -> Vec<CueUtterance> {
    let count = together.len() as u64;
    if span.len_ms() < count {
        let whole = together.into_iter().reduce(Mergeable::merge);
        return whole.map(|cue| CueUtterance { span, cues: vec![span], ..cue }).into_iter().collect();
    }
    let total = together.iter().map(|cue| characters(&cue.text)).sum::<u64>().max(1);
    let (mut start_ms, mut before) = (span.start_ms(), 0);
    let mut shared = Vec::with_capacity(together.len());
    for (index, cue) in (1..).zip(together) {
        before += characters(&cue.text);
        let wanted_ms = span.start_ms() + portion(span.len_ms(), before, total);
        let end_ms = wanted_ms.clamp(start_ms + 1, span.end_ms() - (count - index));
        let own = Span::lasting(start_ms, end_ms - start_ms);
        shared.push(CueUtterance { span: own, cues: vec![own], ..cue });
        start_ms = end_ms;
    }
    shared
}

/// Splits a cue that is too long at the sentence end nearest its middle, again and again; a sentence that
/// is still too long at the end of a clause or between words. What is only shown for long, since it has
/// too few characters to be spoken for so long or no place to cut, is shortened instead.
fn split_long(cue: CueUtterance, length_ms_max: u64) -> Vec<CueUtterance> {
    let mut done = Vec::new();
    let mut waiting = vec![cue];
    while let Some(cue) = waiting.pop() {
        if cue.span.len_ms() <= length_ms_max {
            done.push(cue);
            continue;
        }
        let slow = characters(&cue.text) * 1_000 <= CHARACTERS_PER_SECOND_MIN * length_ms_max;
        match cut_at(&cue.text, slow).and_then(|at| cue.text.split_at_checked(at)) {
            Some((first, second)) => {
                let part = |text: &str| CueUtterance { text: text.trim().to_owned(), ..cue.clone() };
                let parts = share(cue.span, vec![part(first), part(second)]);
                waiting.extend(parts.into_iter().rev());
            }
            None => {
                let span = Span::lasting(cue.span.start_ms(), length_ms_max);
                done.push(CueUtterance { span, cues: vec![span], ..cue });
            }
        }
    }
    done
}

fn characters(text: &str) -> u64 {
    text.chars().count() as u64
}

/// `whole · part / total`, without overflow.
fn portion(whole: u64, part: u64, total: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(part) / u128::from(total)).unwrap_or(whole)
}
