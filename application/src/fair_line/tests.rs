//! Whose turn it is, as data: who waits, and in which order they are served.

use super::*;
use proptest::prelude::*;

use Priority::{High, Low, Normal};

fn place(priority: Priority, tenant: &str, age: u64) -> Place {
    Place { priority, tenant: Tenant(tenant.to_owned()), age }
}

fn line(waiting: &[(Priority, &str, u64)]) -> FairLine<String> {
    let mut line = FairLine::new();
    for (priority, tenant, age) in waiting {
        line.push(place(*priority, tenant, *age), format!("{tenant}{age}"));
    }
    line
}

fn check(waiting: &[(Priority, &str, u64)], expected: &str) {
    let mut line = line(waiting);
    assert_eq!(line.len(), waiting.len());
    let served: Vec<String> = std::iter::from_fn(|| line.pop()).collect();
    assert_eq!(served.join(" "), expected);
    assert!(line.is_empty());
}

#[test]
fn one_tenant_is_served_by_age() {
    check(&[(Normal, "a", 2), (Normal, "a", 1), (Normal, "a", 3)], "a1 a2 a3");
    check(&[], "");
}

#[test]
fn tenants_take_turns() {
    let busy = [(Normal, "a", 1), (Normal, "a", 2), (Normal, "a", 3), (Normal, "b", 4), (Normal, "c", 5)];
    check(&busy, "a1 b4 c5 a2 a3");
}

#[test]
fn urgency_comes_before_fairness_and_age() {
    check(
        &[
            (Low, "a", 1),
            (Low, "b", 2),
            (Normal, "a", 3),
            (Normal, "b", 4),
            (High, "b", 5),
            (High, "a", 6),
            (High, "b", 7),
        ],
        "b5 a6 b7 a3 b4 a1 b2",
    );
}

#[test]
fn low_priority_waits_but_not_for_ever() {
    let mut line = line(&[(Low, "poor", 1), (Normal, "middle", 1)]);
    let mut served = Vec::new();
    for age in 0..20 {
        line.push(place(High, "rich", age), "rich".to_owned());
        line.push(place(High, "rich", age + 1_000), "rich".to_owned());
        served.push(line.pop().expect("somebody waits"));
    }
    let at = |name: &str| served.iter().position(|served| served.starts_with(name));
    let bound = PASSED_OVER_MAX as usize;
    assert_eq!((at("middle"), at("poor")), (Some(bound), Some(bound + 1)), "{served:?}");
}

#[test]
fn one_that_was_taken_out_is_not_served() {
    let mut line = line(&[(Normal, "a", 1), (Normal, "b", 2), (Low, "b", 3)]);
    assert_eq!(line.remove(&place(Normal, "b", 2)).as_deref(), Some("b2"));
    assert_eq!(line.remove(&place(Normal, "b", 2)), None);
    assert_eq!(line.remove(&place(High, "b", 3)), None);
    assert_eq!(
        (line.len(), line.pop().as_deref(), line.pop().as_deref(), line.pop()),
        (2, Some("a1"), Some("b3"), None)
    );
}

#[test]
fn a_tenant_that_comes_back_goes_to_the_end() {
    let mut line = line(&[(Normal, "a", 1), (Normal, "b", 2), (Normal, "b", 3)]);
    assert_eq!(line.pop().as_deref(), Some("a1"));
    line.push(place(Normal, "a", 4), "a4".to_owned());
    assert_eq!(
        (line.pop().as_deref(), line.pop().as_deref(), line.pop().as_deref()),
        (Some("b2"), Some("a4"), Some("b3"))
    );
}

fn arrivals() -> impl Strategy<Value = Vec<Option<(Priority, u8)>>> {
    let priority = prop_oneof![Just(Low), Just(Normal), Just(High)];
    proptest::collection::vec(proptest::option::weighted(0.6, (priority, 0_u8..4)), 0..200)
}

proptest! {
    /// Somebody comes, or somebody is served: nobody is lost, doubled, or passed over beyond the bound.
    #[test]
    fn nobody_is_lost_and_nobody_starves(steps in arrivals()) {
        let mut line = FairLine::new();
        let (mut waiting, mut passed) = (BTreeMap::<u64, Priority>::new(), BTreeMap::<Priority, u32>::new());
        for (age, step) in (0..).zip(steps) {
            match step {
                Some((priority, tenant)) => {
                    line.push(place(priority, &tenant.to_string(), age), age);
                    waiting.insert(age, priority);
                }
                None => {
                    let served = line.pop();
                    prop_assert_eq!(served.is_some(), !waiting.is_empty());
                    let Some(priority) = served.and_then(|age| waiting.remove(&age)) else {
                        continue;
                    };
                    passed.insert(priority, 0);
                    for level in [Low, Normal] {
                        let waits = waiting.values().any(|waiting| *waiting == level);
                        let count = passed.entry(level).or_default();
                        *count = if waits && priority != level { *count + 1 } else { 0 };
                        // Two levels may starve at once; then the lower one waits for one more.
                        prop_assert!(*count <= PASSED_OVER_MAX + 1, "{:?} was passed over {} times", level, count);
                    }
                }
            }
            prop_assert_eq!(line.len(), waiting.len());
        }
    }
}
