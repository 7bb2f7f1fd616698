//! The lengths that make an utterance, and the one step that both ways to utterances share.

use crate::value::Span;

/// How long utterances and the pauses between them are, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A silence of this length ends an utterance.
    pub pause_ms_min: u64,
    /// No utterance is longer.
    pub utterance_ms_max: u64,
    /// A shorter utterance is merged with a neighbour where that is allowed.
    pub utterance_ms_min: u64,
    /// Across a longer gap nothing is merged or joined.
    pub gap_ms_max: u64,
}

impl Default for Limits {
    /// A pause of 400 ms: longer than the closure of a plosive and the breath inside a phrase, shorter
    /// than the pause between sentences. At most 15 s, short below 0.8 s, merged across at most 1.5 s.
    fn default() -> Self {
        Self { pause_ms_min: 400, utterance_ms_max: 15_000, utterance_ms_min: 800, gap_ms_max: 1_500 }
    }
}

impl Limits {
    /// Whether an utterance may hold both spans, as far as time is concerned.
    pub(super) fn may_hold(&self, earlier: Span, later: Span) -> bool {
        earlier.gap_ms(later) <= self.gap_ms_max && earlier.join(later).len_ms() <= self.utterance_ms_max
    }
}

/// Something that has a place in time and can be merged with its neighbour.
pub(super) trait Mergeable: Sized {
    /// Where it is.
    fn span(&self) -> Span;
    /// Whether it may be merged with the one after it, beside the limits of time.
    fn goes_with(&self, later: &Self) -> bool;
    /// Both as one.
    fn merge(self, later: Self) -> Self;
}

/// Merges each item that is too short with the nearer of its neighbours (the earlier one when both are
/// equally near), as long as the limits allow. What has no fitting neighbour stays short.
pub(super) fn merge_short<T: Mergeable>(mut items: Vec<T>, limits: &Limits) -> Vec<T> {
    let mut at = 0;
    while at < items.len() {
        match pair_to_merge(&items, at, limits) {
            Some(first) => {
                let later = items.remove(first + 1);
                let earlier = items.remove(first);
                items.insert(first, earlier.merge(later));
                at = first;
            }
            None => at += 1,
        }
    }
    items
}

/// The index of the earlier of the two items to merge, when the item at `at` is short and one fits.
fn pair_to_merge<T: Mergeable>(items: &[T], at: usize, limits: &Limits) -> Option<usize> {
    let item = items.get(at).filter(|item| item.span().len_ms() < limits.utterance_ms_min)?;
    let gap = |earlier: &T, later: &T| {
        let fits = earlier.goes_with(later) && limits.may_hold(earlier.span(), later.span());
        fits.then(|| earlier.span().gap_ms(later.span()))
    };
    let before = at.checked_sub(1).and_then(|index| items.get(index)).and_then(|earlier| gap(earlier, item));
    let after = items.get(at + 1).and_then(|later| gap(item, later));
    match (before, after) {
        (None, None) => None,
        (Some(_), None) => Some(at - 1),
        (None, Some(_)) => Some(at),
        (Some(before), Some(after)) => Some(if after < before { at } else { at - 1 }),
    }
}
