//! Which take of a line sounds in its room, and which one to order when none fits. Places nothing.

use super::room::Room;
use super::{Limits, Line, Take};
use crate::value::Percent;

/// The take to place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Rate and length.
    pub take: Take,
    /// Whether it was spoken; otherwise its length is an estimate and it should be.
    pub measured: bool,
}

/// The take closest to the voice's own speed that does the job. `may_ask` allows takes that are not
/// there yet.
pub(super) fn choose(line: &Line, room: &Room, limits: &Limits, may_ask: bool) -> Choice {
    let natural = line.natural();
    if line.fixed.is_some() {
        return Choice::spoken(natural);
    }
    let fits = |take: &Take| take.duration_ms <= room.capacity_ms().saturating_add(limits.tolerance_ms);
    if fits(&natural) {
        return slower(line, room, limits, may_ask).unwrap_or(Choice::spoken(natural));
    }
    let faster_takes = || takes(line, Percent::HUNDRED, limits.rate_cap);
    if let Some(take) = faster_takes().filter(fits).min_by_key(|take| take.rate) {
        return Choice::spoken(take);
    }
    let fastest = faster_takes().max_by_key(|take| take.rate).unwrap_or(natural);
    let tried = faster_takes().count();
    let worth_asking = may_ask && tried < usize::from(limits.rounds);
    match faster(fastest, tried, room, limits).filter(|_| worth_asking) {
        Some(rate) => Choice::ordered(fastest, rate),
        // As short as it gets; the natural take stays in the race against an engine that ignores rates.
        None => Choice::spoken(
            faster_takes().chain([natural]).min_by_key(|take| (take.duration_ms, take.rate)).unwrap_or(natural),
        ),
    }
}

/// A slower take for a line that would leave a hole, when it is there or worth ordering.
fn slower(line: &Line, room: &Room, limits: &Limits, may_ask: bool) -> Option<Choice> {
    let space_ms = room.ends.fill_ms.saturating_sub(room.punctual_ms);
    let fills_enough = percent_of(line.natural_ms, line.slot.len_ms()) >= u64::from(limits.fill_min.get());
    let hole_ms = space_ms.saturating_sub(line.natural_ms);
    if fills_enough || hole_ms < limits.hole_ms_min {
        return None;
    }
    let slow_takes = || takes(line, limits.rate_min, Percent::new(99)).filter(|take| take.rate < Percent::HUNDRED);
    if slow_takes().next().is_some() || !may_ask {
        // What a slow take fills, it fills: a better one is never ordered.
        let fits = |take: &Take| take.duration_ms <= space_ms.saturating_add(limits.tolerance_ms);
        return slow_takes().filter(fits).min_by_key(|take| take.rate).map(Choice::spoken);
    }
    // Half-way between just enough and brimful, so that an engine's deviation hurts neither side.
    let target_ms = space_ms.saturating_mul(u64::from(limits.fill_min.get()) + 100) / 200;
    let rate = rate_for(line.natural(), target_ms).max(limits.rate_min);
    (rate < Percent::HUNDRED).then(|| Choice::ordered(line.natural(), rate))
}

/// The rate to order when `fastest`, the fastest of `tried` faster takes (or the natural one), is too
/// long for the room. `None` when it cannot be spoken faster.
fn faster(fastest: Take, tried: usize, room: &Room, limits: &Limits) -> Option<Percent> {
    let capacity_ms = room.capacity_ms();
    let bare = rate_for(fastest, capacity_ms);
    let margin_ms = capacity_ms.saturating_mul(u64::from(limits.margin.get())) / 100;
    let ample = rate_for(fastest, capacity_ms.saturating_sub(margin_ms));
    // At first the margin is a wish that makes no line faster than the preferred rate. When a take has
    // disappointed already, being done is worth more than two or three percent.
    let rate = if tried == 0 { ample.min(limits.rate_preferred).max(bare) } else { ample };
    let next = Percent::new(fastest.rate.get().saturating_add(1));
    (next <= limits.rate_cap).then(|| rate.clamp(next, limits.rate_cap))
}

/// Takes at rates above 100 % up to `to`, or below 100 % from `from` on.
fn takes(line: &Line, from: Percent, to: Percent) -> impl Iterator<Item = Take> {
    line.takes.iter().copied().filter(move |take| take.rate >= from && take.rate <= to && take.rate != Percent::HUNDRED)
}

/// The lowest rate at which the line, judged by `take`, lasts at most `room_ms`.
fn rate_for(take: Take, room_ms: u64) -> Percent {
    let work = take.duration_ms.saturating_mul(u64::from(take.rate.get()));
    Percent::new(u16::try_from(work.div_ceil(room_ms.max(1))).unwrap_or(u16::MAX))
}

fn percent_of(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100) / whole.max(1)
}

impl Choice {
    fn spoken(take: Take) -> Self {
        Self { take, measured: true }
    }

    /// A take at `rate`, its length estimated from a take that is there.
    fn ordered(from: Take, rate: Percent) -> Self {
        let work = from.duration_ms.saturating_mul(u64::from(from.rate.get()));
        let duration_ms = work.div_ceil(u64::from(rate.get().max(1)));
        Self { take: Take { rate, duration_ms }, measured: false }
    }
}
