//! What the planner promises: timelines shown as text, and properties over random slots.

mod golden;
mod properties;

use super::{Limits, Line, Picture, Plan, Take, plan};
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
    Line { utterance: UtteranceId(id), slot, natural_ms, takes: Vec::new() }
}
