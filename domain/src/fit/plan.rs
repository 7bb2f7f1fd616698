//! The pass over all lines: one line after the other, each against its own slot.

use super::choose::{Choice, choose};
use super::room::{Ends, Room};
use super::{Flag, Limits, Line, Picture, Placement, Plan};
use crate::value::Span;

/// Places `lines` (in the order of their slots) and names those that should be spoken again at another
/// rate. Deterministic; O(lines × kept stretches).
pub fn plan(lines: &[Line], picture: &Picture, limits: &Limits) -> Plan {
    pass(lines, picture, limits, true)
}

/// Places `lines` as they were spoken so far and asks for nothing more.
pub fn settle(lines: &[Line], picture: &Picture, limits: &Limits) -> Plan {
    pass(lines, picture, limits, false)
}

fn pass(lines: &[Line], picture: &Picture, limits: &Limits, may_ask: bool) -> Plan {
    let mut kept = picture.kept.clone();
    kept.sort_unstable();
    let mut plan = Plan { placements: Vec::with_capacity(lines.len()), respeak: Vec::new() };
    let mut chain = Chain::default();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1..).unwrap_or_default();
        let before_ms = chain.end_ms.max(kept_before_ms(&kept, line.slot));
        let room = Room::new(line, before_ms, Ends::new(line, next, picture, limits), limits);
        let choice = choose(line, &room, limits, may_ask);
        if !choice.measured {
            plan.respeak.push((line.utterance, choice.take.rate));
        }
        let mut placement = place(line, &room, &choice, &kept, limits);
        placement.flags = chain.flags(&placement, picture, limits);
        chain.end_ms = placement.end_ms();
        plan.placements.push(placement);
    }
    plan
}

/// What one line leaves to the next.
#[derive(Default)]
struct Chain {
    /// End of the line before; 0 before the first line.
    end_ms: u64,
    /// A line of the running chain of late lines was later than allowed.
    broken: bool,
}

impl Chain {
    fn flags(&mut self, placement: &Placement, picture: &Picture, limits: &Limits) -> Vec<Flag> {
        let late_ms = placement.start_ms.saturating_sub(placement.slot.start_ms());
        let late = late_ms > limits.tolerance_ms;
        self.broken = late_ms > limits.late_ms_max || (self.broken && late);
        [
            (Flag::Hurried, placement.rate > limits.rate_preferred),
            (Flag::Overlong, placement.over_ms > limits.tolerance_ms),
            (Flag::Late, late),
            (Flag::NeedsAttention, self.broken),
            (Flag::OutlastsPicture, placement.end_ms() > picture.duration_ms),
        ]
        .into_iter()
        .filter_map(|(flag, holds)| holds.then_some(flag))
        .collect()
    }
}

fn place(line: &Line, room: &Room, choice: &Choice, kept: &[Span], limits: &Limits) -> Placement {
    let duration_ms = choice.take.duration_ms;
    let start_ms = clear_of(kept, room.start_ms(duration_ms), duration_ms, limits.guard_ms);
    let end_ms = start_ms.saturating_add(duration_ms);
    let slot = line.slot;
    Placement {
        utterance: line.utterance,
        slot,
        start_ms,
        duration_ms,
        rate: choice.take.rate,
        shift_ms: signed(start_ms).saturating_sub(signed(slot.start_ms())),
        borrowed_before_ms: slot.start_ms().saturating_sub(start_ms),
        borrowed_after_ms: end_ms.min(room.ends.latest_ms).saturating_sub(slot.end_ms()),
        over_ms: end_ms.saturating_sub(room.ends.latest_ms),
        flags: Vec::new(),
    }
}

/// End of the last kept stretch that begins no later than the slot; 0 when there is none.
fn kept_before_ms(kept: &[Span], slot: Span) -> u64 {
    kept.iter().filter(|kept| kept.start_ms() <= slot.start_ms()).map(|kept| kept.end_ms()).max().unwrap_or(0)
}

/// The first start from `start_ms` on at which the line sounds over no kept stretch.
fn clear_of(kept: &[Span], start_ms: u64, duration_ms: u64, guard_ms: u64) -> u64 {
    kept.iter().fold(start_ms, |start_ms, kept| {
        let collides = start_ms < kept.end_ms() && start_ms.saturating_add(duration_ms) > kept.start_ms();
        if collides { kept.end_ms().saturating_add(guard_ms) } else { start_ms }
    })
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
