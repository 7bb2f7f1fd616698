//! What the planner promises: timelines shown as text, and properties over random slots.

mod golden;
mod properties;

use super::{Flag, Limits, Line, Picture, Plan, Take, plan, settle};
use crate::value::{Percent, Span, UtteranceId};

/// Plans, speaks what is asked for with `engine(line, rate) -> duration_ms`, and plans again until
/// nothing is asked for. Returns the last plan and how often lines were spoken again.
fn rehearse(
    lines: &mut [Line],
    picture: &Picture,
    limits: &Limits,
    engine: impl Fn(&Line, Percent) -> u64,
) -> (Plan, usize) {
    for round in 0..100 {
        let plan = plan(lines, picture, limits);
        if plan.respeak.is_empty() {
            return (plan, round);
        }
        for (utterance, rate) in plan.respeak {
            let line = lines.iter_mut().find(|line| line.utterance == utterance).expect("a line that exists");
            assert!(line.takes.iter().all(|take| take.rate != rate), "{utterance} was already spoken at {rate:?}");
            let duration_ms = engine(line, rate);
            line.takes.push(Take { rate, duration_ms });
        }
    }
    panic!("the planner asks for ever");
}

/// An engine that keeps every rate exactly.
fn exact(line: &Line, rate: Percent) -> u64 {
    (line.natural_ms * 100).div_ceil(u64::from(rate.get()))
}

fn line(id: u32, slot: Span, natural_ms: u64) -> Line {
    Line { utterance: UtteranceId(id), slot, natural_ms, fixed: None, takes: Vec::new() }
}

fn film() -> Picture {
    Picture { duration_ms: 60_000, kept: Vec::new() }
}

/// A line far too long for its slot, and one right behind it.
fn crowded() -> Vec<Line> {
    vec![line(1, Span::lasting(0, 1000), 2000), line(2, Span::lasting(1000, 2000), 1300)]
}

#[test]
fn an_engine_that_ignores_rates_is_not_asked_again_and_again() {
    let (mut lines, limits) = (crowded(), Limits::default());
    let (last, rounds) = rehearse(&mut lines, &film(), &limits, |line, _| line.natural_ms);
    assert!(rounds <= usize::from(limits.rounds), "{rounds} rounds");
    assert_eq!(last.placements[0].rate, Percent::HUNDRED, "a faster take that is no shorter is not preferred");
}

#[test]
fn settling_places_what_there_is() {
    let settled = settle(&crowded(), &film(), &Limits::default());
    assert_eq!(settled.respeak, []);
    let [first, second] = &settled.placements[..] else { panic!("two lines") };
    assert_eq!((first.rate, first.duration_ms, &first.flags[..]), (Percent::HUNDRED, 2000, &[Flag::Overlong][..]));
    assert_eq!((second.start_ms, &second.flags[..]), (2050, &[Flag::Late, Flag::NeedsAttention][..]));
}

#[test]
fn a_slow_take_that_came_out_too_long_gives_way_to_the_natural_one() {
    let mut lines = vec![line(1, Span::lasting(0, 4000), 3600), line(2, Span::lasting(4200, 2000), 1950)];
    let (last, rounds) = rehearse(&mut lines, &film(), &Limits::default(), |_, _| 4900);
    assert_eq!((rounds, last.placements[0].rate, last.placements[0].duration_ms), (1, Percent::HUNDRED, 3600));
}

#[test]
fn takes_outside_the_limits_are_ignored() {
    let mut lines = crowded();
    lines[0].takes = vec![Take { rate: Percent::new(200), duration_ms: 900 }];
    let settled = settle(&lines, &film(), &Limits::default());
    assert_eq!(settled.placements[0].rate, Percent::HUNDRED);
}

#[test]
fn the_guard_is_given_up_where_it_alone_would_make_a_line_too_late() {
    let lines = [line(1, Span::lasting(0, 1000), 1480), line(2, Span::lasting(1000, 2000), 1400)];
    let settled = settle(&lines, &film(), &Limits::default());
    assert_eq!(settled.placements[1].start_ms, 1500, "20 ms of guard left, 500 ms late");
    assert!(!settled.placements[1].needs_attention());
}
