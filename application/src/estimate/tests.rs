//! Estimates from figures that were assumed or measured, as data.

use super::*;

const MINUTE: Work = Work { source_ms: MINUTE_MS, is_recognised: true, languages: 1 };

fn run(stage: Stage, wall_ms: u64, source_ms: u64) -> FinishedRun {
    FinishedRun { stage, wall_ms, source_ms }
}

#[test]
fn the_figures_of_the_documentation_stand_in_until_something_is_measured() {
    let estimate = estimate(MINUTE, &Rates::default(), &Prices::default());
    assert_eq!((estimate.wall_ms, estimate.cost, estimate.basis), (7_800, 0, Basis::Assumed));
    assert_eq!(estimate.stages.len(), TABLE.len());
}

#[test]
fn a_measured_stage_takes_what_it_took() {
    let rates = Rates::measured([
        run(Stage::Translate, 1_000, 30_000),
        run(Stage::Translate, 2_000, 60_000),
        run(Stage::Mix, 10, 0),
    ]);
    assert_eq!(rates.per_minute(Stage::Translate), (2_000, Basis::Measured));
    assert_eq!(rates.per_minute(Stage::Mix), (400, Basis::Assumed));
    let of = |work| estimate(work, &rates, &Prices::default());
    let stage = |work, stage| of(work).stages.into_iter().find(|found| found.stage == stage).expect("a stage");
    let three = Work { source_ms: 90_000, languages: 3, ..MINUTE };
    assert_eq!(stage(three, Stage::Translate).wall_ms, 3 * 3_000);
    assert_eq!((stage(three, Stage::Ingest).times, stage(three, Stage::Fit).times), (1, 3));
    assert_eq!(of(three).basis, Basis::Assumed);
    let all = TABLE.iter().map(|row| run(row.stage, 1, MINUTE_MS));
    assert_eq!(estimate(three, &Rates::measured(all), &Prices::default()).basis, Basis::Measured);
}

#[test]
fn words_that_are_given_are_free() {
    let prices = Prices { transcribe: 3, translate: 20, synthesise: 500, finish: 7_000, ..Prices::default() };
    let cost = |work| estimate(work, &Rates::default(), &prices).cost;
    assert_eq!(cost(MINUTE), 7_523);
    assert_eq!(cost(Work { is_recognised: false, languages: 2, ..MINUTE }), 2 * 7_520);
    // Begun units count.
    assert_eq!(cost(Work { source_ms: 1, ..MINUTE }), 4);
    let given = Work { is_recognised: false, ..MINUTE };
    assert_eq!(estimate(given, &Rates::default(), &prices).wall_ms, 3_800);
}

#[test]
fn nothing_overflows() {
    let prices = Prices { finish: u64::MAX, ..Prices::default() };
    let endless = Work { source_ms: u64::MAX, is_recognised: true, languages: usize::MAX };
    let estimate = estimate(endless, &Rates::default(), &prices);
    assert_eq!((estimate.wall_ms, estimate.cost), (u64::MAX, u64::MAX));
}
