//! The stretch of time that a line may fill: what its slot, its neighbours, the picture and the kept
//! stretches leave to it. Decides nothing.

use super::{Limits, Line, Picture};

/// Bounds for one line, in milliseconds of media time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Earliest start: with all silence before the slot borrowed.
    pub earliest_ms: u64,
    /// Start without borrowing: the slot's, or later when the line before still sounds.
    pub punctual_ms: u64,
    /// Where the line ends at the latest.
    pub ends: Ends,
}

/// The far side of a room. Computed from slots and natural lengths alone, so that a take that came out
/// longer or shorter than expected moves only the near side of the line behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// End up to which a slowed line may fill its slot; the silence that the next line needs stays free.
    pub fill_ms: u64,
    /// Latest end: with all silence after the slot borrowed.
    pub latest_ms: u64,
}

impl Room {
    /// The room behind a voice that ends at `before_ms` (0: there is none).
    pub(super) fn new(line: &Line, before_ms: u64, ends: Ends, limits: &Limits) -> Self {
        let slot_ms = line.slot.start_ms();
        let floor_ms = if before_ms == 0 { 0 } else { floor_ms(before_ms, slot_ms, limits) };
        Self {
            earliest_ms: slot_ms.saturating_sub(limits.borrow_before_ms_max).max(floor_ms),
            punctual_ms: slot_ms.max(floor_ms),
            ends,
        }
    }

    /// How long a line may last here.
    pub(super) fn capacity_ms(&self) -> u64 {
        self.ends.latest_ms.saturating_sub(self.earliest_ms)
    }

    /// Where a line of this length starts: on time when it can, earlier by what it lacks behind.
    pub(super) fn start_ms(&self, duration_ms: u64) -> u64 {
        self.ends.latest_ms.saturating_sub(duration_ms).clamp(self.earliest_ms, self.punctual_ms)
    }
}

impl Ends {
    /// The ends of `line`, followed by `next` and the lines after it.
    pub(super) fn new(line: &Line, next: &[Line], picture: &Picture, limits: &Limits) -> Self {
        let latest_ms = latest_ms(line, next.first(), picture, limits);
        let mut fill_ms = latest_ms.min(line.slot.end_ms());
        if let [next, rest @ ..] = next {
            let next_latest_ms = self::latest_ms(next, rest.first(), picture, limits);
            let lent_ms = lacking_ms(next, next_latest_ms).min(limits.borrow_before_ms_max);
            fill_ms = fill_ms.min(next.slot.start_ms().saturating_sub(limits.guard_ms + lent_ms));
        }
        Self { fill_ms, latest_ms }
    }
}

/// Earliest start behind a voice that ends at `end_ms`. The guard is kept, but given up as far as
/// needed where that alone keeps the line from being later than allowed.
fn floor_ms(end_ms: u64, slot_ms: u64, limits: &Limits) -> u64 {
    let guarded_ms = end_ms.saturating_add(limits.guard_ms);
    let bound_ms = slot_ms.saturating_add(limits.late_ms_max);
    if end_ms <= bound_ms { guarded_ms.min(bound_ms) } else { guarded_ms }
}

/// Where `line` must end: silence borrowed, but not into the next slot, a kept stretch, or past the picture.
fn latest_ms(line: &Line, next: Option<&Line>, picture: &Picture, limits: &Limits) -> u64 {
    let slot_ms = line.slot.start_ms();
    let borrowed_ms = line.slot.end_ms().saturating_add(limits.borrow_after_ms_max);
    let next_ms = next.map(|next| next.slot.start_ms().saturating_sub(limits.guard_ms));
    let kept_ms = picture.kept.iter().map(|kept| kept.start_ms()).filter(|start_ms| *start_ms > slot_ms).min();
    let kept_ms = kept_ms.map(|start_ms| start_ms.saturating_sub(limits.guard_ms));
    // A slot behind the picture (a caption past the end of the film) is not bounded by it.
    let picture_ms = Some(picture.duration_ms).filter(|end_ms| slot_ms < *end_ms);
    [next_ms, kept_ms, picture_ms].into_iter().flatten().fold(borrowed_ms, u64::min)
}

/// How much of `line` at the voice's own speed does not fit between its slot's start and `latest_ms`.
fn lacking_ms(line: &Line, latest_ms: u64) -> u64 {
    line.slot.start_ms().saturating_add(line.natural_ms).saturating_sub(latest_ms)
}
