//! What quotas let pass, and what reaches them.

use super::*;

const UNLIMITED: Quotas =
    Quotas { running_jobs: None, minutes_a_month: None, bytes_a_month: None, spend_a_month: None };

#[test]
fn a_quota_is_reached_by_what_goes_beyond_it() {
    let check = |quotas: Quotas, used: Use, asked: Use, expected: Option<(Quota, u64, u64, u64)>| {
        let reached = check(&quotas, &used, &asked).err();
        let found = reached.map(|reached| (reached.quota, reached.limit, reached.used, reached.asked));
        assert_eq!(found, expected, "{quotas:?} {used:?} {asked:?}");
    };
    let use_of = |running_jobs, source_ms, bytes, spend| Use { running_jobs, source_ms, bytes, spend };
    let huge = use_of(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
    check(UNLIMITED, huge, huge, None);
    let jobs = Quotas { running_jobs: Some(3), ..UNLIMITED };
    check(jobs, use_of(2, 0, 0, 0), use_of(1, 9, 9, 9), None);
    check(jobs, use_of(3, 0, 0, 0), use_of(1, 9, 9, 9), Some((Quota::RunningJobs, 3, 3, 1)));
    // Overdrawn already, and nothing of it is asked for.
    check(jobs, use_of(9, 0, 0, 0), use_of(0, 9, 9, 9), None);
    let minutes = Quotas { minutes_a_month: Some(2), ..UNLIMITED };
    check(minutes, use_of(0, 60_001, 0, 0), use_of(0, 59_999, 0, 0), None);
    check(minutes, use_of(0, 60_001, 0, 0), use_of(0, 60_000, 0, 0), Some((Quota::Minutes, 2, 2, 1)));
    let bytes = Quotas { bytes_a_month: Some(100), ..UNLIMITED };
    check(bytes, use_of(0, 0, 40, 0), use_of(0, 0, 60, 0), None);
    check(bytes, use_of(0, 0, 40, 0), use_of(0, 0, 61, 0), Some((Quota::Bytes, 100, 40, 61)));
    let spend = Quotas { spend_a_month: Some(0), ..UNLIMITED };
    check(spend, use_of(0, 0, 0, 0), use_of(1, 1, 1, 0), None);
    check(spend, use_of(0, 0, 0, 0), use_of(1, 1, 1, 1), Some((Quota::Spend, 0, 0, 1)));
    // The first one that is reached is told.
    let all =
        Quotas { running_jobs: Some(0), minutes_a_month: Some(0), bytes_a_month: Some(0), spend_a_month: Some(0) };
    check(all, huge, use_of(0, 1, 1, 1), Some((Quota::Minutes, 0, u64::MAX.div_ceil(60_000), 1)));
}

#[test]
fn what_is_taken_over_is_not_charged_again() {
    let prices = Prices { currency: "EUR".to_owned(), transcribe: 1, translate: 10, synthesise: 100, finish: 1_000 };
    let check = |is_recognised: bool, from: Option<Stage>, expected: u64| {
        let languages = Charge::of_language(60_000, from).times(2);
        let charge = Charge::of_source(60_000, is_recognised, from).and(languages);
        assert_eq!((charge.cost(&prices), charge.source_ms), (expected, 60_000), "{from:?}");
    };
    check(true, None, 2_221);
    check(false, None, 2_220);
    check(true, Some(Stage::Ingest), 2_221);
    check(true, Some(Stage::Transcribe), 2_221);
    check(true, Some(Stage::Translate), 2_220);
    check(true, Some(Stage::AssignVoices), 2_200);
    check(true, Some(Stage::Fit), 2_000);
    check(true, Some(Stage::Assess), 0);
}

#[test]
fn an_order_costs_what_was_estimated() {
    use crate::estimate::{Rates, Work, estimate};
    let prices = Prices { currency: "EUR".to_owned(), transcribe: 7, translate: 11, synthesise: 13, finish: 17 };
    for (source_ms, is_recognised, languages) in [(60_000, true, 1), (61_234, false, 3), (1, true, 2)] {
        let work = Work { source_ms, is_recognised, languages };
        let charge = Charge::of_source(source_ms, is_recognised, None)
            .and(Charge::of_language(source_ms, None).times(languages));
        let (estimated, charged) = (estimate(work, &Rates::default(), &prices).cost, charge.cost(&prices));
        // Each language alone is rounded up there.
        assert!(charged <= estimated && estimated - charged <= 3 * languages as u64, "{estimated} {charged}");
    }
}
