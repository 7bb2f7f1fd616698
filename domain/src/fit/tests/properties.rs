//! Promises over random timelines.

use super::super::{Flag, Limits, Line, Picture, Placement, Plan, plan, settle};
use super::{exact, line, rehearse};
use crate::value::{Percent, Span, UtteranceId};
use proptest::prelude::*;

/// Lines whose slots follow each other with gaps, touch, or overlap by up to half a second; lines last
/// between a third and twice and a half of their slots.
fn timeline() -> impl Strategy<Value = (Vec<Line>, Picture)> {
    let item = (prop_oneof![-500i64..3000, Just(0)], 200u64..8000, 30u64..250);
    (prop::collection::vec(item, 1..25), -1000i64..3000).prop_map(|(items, tail)| {
        let (mut lines, mut start_ms, mut end_ms) = (Vec::new(), 0u64, 0u64);
        for (number, (gap_ms, length_ms, percent)) in (1..).zip(items) {
            start_ms = end_ms.saturating_add_signed(gap_ms).max(start_ms);
            let slot = Span::lasting(start_ms, length_ms);
            end_ms = slot.end_ms();
            lines.push(line(number, slot, length_ms * percent / 100));
        }
        (lines, Picture { duration_ms: end_ms.saturating_add_signed(tail).max(1), kept: Vec::new() })
    })
}

/// How far an engine misses its rates, in thousandths: one bias for all, and a deviation per take.
fn deviations() -> impl Strategy<Value = (i64, Vec<i64>)> {
    (-15i64..=15, prop::collection::vec(-15i64..=15, 64))
}

/// An engine that misses each rate by up to 3 %.
fn rough((bias, deviations): &(i64, Vec<i64>)) -> impl Fn(&Line, Percent) -> u64 {
    move |line, rate| {
        let index = line.utterance.0 as usize * 7 + usize::from(rate.get());
        let permille = 1000 + bias + deviations[index % deviations.len()];
        exact(line, rate) * u64::try_from(permille).expect("positive") / 1000
    }
}

fn promises_hold(lines: &[Line], plan: &Plan, limits: &Limits) -> Result<(), TestCaseError> {
    prop_assert_eq!(plan.placements.len(), lines.len());
    for (line, placed) in lines.iter().zip(&plan.placements) {
        let (start_ms, slot) = (placed.start_ms, placed.slot);
        prop_assert_eq!((placed.utterance, slot), (line.utterance, line.slot));
        prop_assert!(start_ms + limits.borrow_before_ms_max >= slot.start_ms(), "too early: {:?}", placed);
        prop_assert!(start_ms <= slot.start_ms() + limits.late_ms_max || placed.needs_attention(), "{:?}", placed);
        prop_assert!(placed.rate >= limits.rate_min && placed.rate <= limits.rate_cap, "{:?}", placed);
        prop_assert!(placed.borrowed_after_ms <= limits.borrow_after_ms_max, "{:?}", placed);
        prop_assert_eq!(placed.flags.contains(&Flag::Hurried), placed.rate > limits.rate_preferred);
    }
    for pair in plan.placements.windows(2) {
        prop_assert!(pair[0].end_ms() <= pair[1].start_ms, "two voices at once: {:?} {:?}", pair[0], pair[1]);
        let guard_kept = pair[0].end_ms() + limits.guard_ms <= pair[1].start_ms;
        let at_the_bound = pair[1].start_ms == pair[1].slot.start_ms() + limits.late_ms_max;
        prop_assert!(guard_kept || at_the_bound, "guard given up for nothing: {:?} {:?}", pair[0], pair[1]);
    }
    Ok(())
}

fn shifted(lines: &[Line], by_ms: u64, first_id: u32) -> Vec<Line> {
    let moved = |line: &Line| Span::lasting(line.slot.start_ms() + by_ms, line.slot.len_ms());
    (first_id..)
        .zip(lines)
        .map(|(id, old)| Line { takes: old.takes.clone(), ..line(id, moved(old), old.natural_ms) })
        .collect()
}

/// A placement without its place and name.
fn relative(placed: &Placement) -> (i64, u64, Percent, u64, Vec<Flag>) {
    (placed.shift_ms, placed.duration_ms, placed.rate, placed.over_ms, placed.flags.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_in_every_round((mut lines, picture) in timeline(), engine in deviations()) {
        let limits = Limits::default();
        promises_hold(&lines, &plan(&lines, &picture, &limits), &limits)?;
        promises_hold(&lines, &settle(&lines, &picture, &limits), &limits)?;
        let (last, _) = rehearse(&mut lines, &picture, &limits, rough(&engine));
        promises_hold(&lines, &last, &limits)?;
    }

    #[test]
    fn a_rough_engine_is_asked_in_at_most_three_rounds((mut lines, picture) in timeline(), engine in deviations()) {
        let limits = Limits::default();
        let (_, rounds) = rehearse(&mut lines, &picture, &limits, rough(&engine));
        prop_assert!(rounds <= usize::from(limits.rounds), "{} rounds", rounds);
    }

    #[test]
    fn a_final_plan_holds_only_what_was_spoken((mut lines, picture) in timeline(), engine in deviations()) {
        let limits = Limits::default();
        let (last, _) = rehearse(&mut lines, &picture, &limits, rough(&engine));
        prop_assert_eq!(&last, &settle(&lines, &picture, &limits));
        for (line, placed) in lines.iter().zip(&last.placements) {
            let spoken = line.takes.iter().chain([&line.natural()]).any(|take| (take.rate, take.duration_ms) == (placed.rate, placed.duration_ms));
            prop_assert!(spoken, "{:?}", placed);
        }
    }

    #[test]
    fn the_order_of_takes_does_not_matter((mut lines, picture) in timeline(), engine in deviations()) {
        let limits = Limits::default();
        let (last, _) = rehearse(&mut lines, &picture, &limits, rough(&engine));
        lines.iter_mut().for_each(|line| line.takes.reverse());
        prop_assert_eq!(last, plan(&lines, &picture, &limits));
    }

    #[test]
    fn behind_a_gap_nothing_before_it_matters((left, _) in timeline(), (right, picture) in timeline()) {
        let limits = Limits::default();
        let endless = |duration_ms| Picture { duration_ms, kept: Vec::new() };
        let alone = plan(&left, &endless(u64::MAX), &limits);
        let end_ms = alone.placements.iter().map(Placement::end_ms).chain(left.iter().map(|line| line.slot.end_ms())).max().unwrap_or(0);
        let gap_ms = limits.borrow_after_ms_max + limits.borrow_before_ms_max + 2 * limits.guard_ms;
        let right = shifted(&right, 0, 1001);
        let moved = shifted(&right, end_ms + gap_ms, 1001);
        let both: Vec<Line> = left.iter().cloned().chain(moved.iter().cloned()).collect();
        let picture = endless(picture.duration_ms + end_ms + gap_ms);
        let joined = plan(&both, &picture, &limits);
        let (before, behind) = joined.placements.split_at(left.len());
        prop_assert_eq!(before, &alone.placements[..]);
        prop_assert_eq!(behind, &plan(&moved, &picture, &limits).placements[..]);
    }

    #[test]
    fn placement_is_absolute((lines, picture) in timeline(), by_ms in 0u64..10_000_000) {
        // Before 800 ms the film's own start limits what can be borrowed; so both sides start behind it.
        let limits = Limits::default();
        let at = |by_ms: u64| {
            let picture = Picture { duration_ms: picture.duration_ms + by_ms, kept: Vec::new() };
            plan(&shifted(&lines, by_ms, 1), &picture, &limits).placements.iter().map(relative).collect::<Vec<_>>()
        };
        prop_assert_eq!(at(800), at(800 + by_ms));
    }

    #[test]
    fn every_late_line_has_a_line_that_made_it_late((mut lines, picture) in timeline()) {
        let limits = Limits::default();
        let (last, _) = rehearse(&mut lines, &picture, &limits, exact);
        for (index, placed) in last.placements.iter().enumerate().filter(|(_, placed)| placed.flags.contains(&Flag::Late)) {
            let before = index.checked_sub(1).map(|before| &last.placements[before]);
            prop_assert!(before.is_some_and(|before| before.over_ms > 0), "late without a reason: {:?}", placed);
        }
    }

    #[test]
    fn kept_stretches_stay_free(
        (mut lines, mut picture) in timeline(),
        kept in prop::collection::vec((0u64..60_000, 1u64..4000), 0..6),
        engine in deviations(),
    ) {
        let limits = Limits::default();
        picture.kept = kept.into_iter().map(|(start_ms, length_ms)| Span::lasting(start_ms, length_ms)).collect();
        let (last, _) = rehearse(&mut lines, &picture, &limits, rough(&engine));
        promises_hold(&lines, &last, &limits)?;
        for placed in last.placements.iter().filter(|placed| placed.duration_ms > 0) {
            let sounds = Span::lasting(placed.start_ms, placed.duration_ms);
            prop_assert!(!picture.kept.iter().any(|kept| kept.overlaps(sounds)), "{:?} over {:?}", placed, picture.kept);
        }
    }

    #[test]
    fn any_input_has_a_plan(
        slots in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<u16>(), any::<u64>()), 0..8),
        duration_ms in any::<u64>(),
    ) {
        // Not in order, not plausible: still no panic, and as many placements as lines.
        let lines: Vec<Line> = slots.iter().map(|(start_ms, length_ms, natural_ms, rate, take_ms)| Line {
            utterance: UtteranceId(1),
            slot: Span::lasting(start_ms / 2, length_ms / 2),
            natural_ms: *natural_ms,
            fixed: None,
            takes: vec![super::super::Take { rate: Percent::new(*rate), duration_ms: *take_ms }],
        }).collect();
        let picture = Picture { duration_ms, kept: Vec::new() };
        prop_assert_eq!(plan(&lines, &picture, &Limits::default()).placements.len(), lines.len());
    }
}
