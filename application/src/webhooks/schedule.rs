//! When an attempt that failed is made again, and when no more.
//!
//! The pauses are those that Standard Webhooks recommends: about three days in all. Pure: chance is an argument.

use crate::ports::clock::Ids;
use domain::value::Timestamp;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// The pauses after the first failure, the second, and so on.
pub const PAUSES_MS: [u64; 9] = [
    5 * SECOND_MS,
    5 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    24 * HOUR_MS,
];
/// Pauses are longer or shorter by chance, by so much at most: receivers that come back are not met by all at once.
const JITTER_PERCENT: u64 = 20;
/// Longest pause that a receiver may ask for.
const ASKED_MS_MAX: u64 = 24 * HOUR_MS;
/// What has waited for so long is given up with its next failure, however few attempts it had: it stood behind another
/// one. A little more than the longest that the pauses can come to, so that they are never cut short.
pub const WAIT_MS_MAX: u64 = 96 * HOUR_MS;

/// When to try again after so many failures; `None` when it is to be given up. `waiting_since` is when the delivery
/// began to wait, `asked_ms` the pause that the receiver asks for: taken, unless it is shorter than the planned one or
/// longer than a day.
pub fn next_attempt(
    failures: u32,
    waiting_since: Timestamp,
    now: Timestamp,
    asked_ms: Option<u64>,
    ids: &dyn Ids,
) -> Option<Timestamp> {
    let place = usize::try_from(failures.saturating_sub(1)).ok()?;
    let pause = *PAUSES_MS.get(place)?;
    if now.since_ms(waiting_since) >= WAIT_MS_MAX {
        return None;
    }
    let reach = pause * JITTER_PERCENT / 100;
    let planned = pause - reach + ids.below(2 * reach + 1);
    Some(now.plus_ms(asked_ms.map_or(planned, |asked| planned.max(asked.min(ASKED_MS_MAX)))))
}

/// The pause that the header `Retry-After` asks for: seconds, or a moment of HTTP. `None` when it says neither.
pub fn asked_pause_ms(retry_after: &str, now: Timestamp) -> Option<u64> {
    let text = retry_after.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        return Some(text.parse::<u64>().map_or(u64::MAX, |seconds| seconds.saturating_mul(SECOND_MS)));
    }
    // The preferred form of RFC 9110 is one of those of RFC 2822.
    let moment = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    let moment_ms = u64::try_from(moment.unix_timestamp()).ok()?.saturating_mul(SECOND_MS);
    Some(Timestamp::from_unix_ms(moment_ms).since_ms(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);

    /// Chance that always falls the same way.
    enum Chance {
        Least,
        Most,
    }

    impl Ids for Chance {
        fn next(&self) -> Uuid {
            Uuid::nil()
        }

        fn below(&self, bound: u64) -> u64 {
            match self {
                Chance::Least => 0,
                Chance::Most => bound - 1,
            }
        }

        fn secret(&self) -> [u8; 32] {
            [0; 32]
        }
    }

    fn pause(failures: u32, asked_ms: Option<u64>, chance: &Chance) -> Option<u64> {
        next_attempt(failures, NOW, NOW, asked_ms, chance).map(|at| at.since_ms(NOW))
    }

    #[test]
    fn pauses_grow_within_their_jitter_until_it_is_given_up() {
        for (place, planned) in PAUSES_MS.into_iter().enumerate() {
            let failures = u32::try_from(place).unwrap() + 1;
            assert_eq!(pause(failures, None, &Chance::Least), Some(planned * 4 / 5));
            assert_eq!(pause(failures, None, &Chance::Most), Some(planned * 6 / 5));
        }
        for failures in [10, 11, u32::MAX] {
            assert_eq!(pause(failures, None, &Chance::Least), None);
        }
    }

    #[test]
    fn all_pauses_together_are_about_three_days_and_never_cut_short() {
        let days = PAUSES_MS.iter().sum::<u64>() as f64 / (24.0 * HOUR_MS as f64);
        assert!((2.9..3.3).contains(&days), "{days}");
        let longest: u64 = (1..=9).filter_map(|failures| pause(failures, None, &Chance::Most)).sum();
        assert!(longest + HOUR_MS < WAIT_MS_MAX, "the last attempt comes before it is given up for its age");
    }

    #[test]
    fn what_has_waited_for_too_long_is_given_up_with_its_next_failure() {
        let late = NOW.plus_ms(WAIT_MS_MAX);
        assert_eq!(next_attempt(1, NOW, late, None, &Chance::Least), None);
        let just = Timestamp::from_unix_ms(late.unix_ms() - 1);
        assert!(next_attempt(1, NOW, just, None, &Chance::Least).is_some());
    }

    #[test]
    fn what_the_receiver_asks_for_is_taken_within_bounds() {
        assert_eq!(pause(1, Some(60 * SECOND_MS), &Chance::Least), Some(60 * SECOND_MS));
        assert_eq!(pause(3, Some(1), &Chance::Least), Some(24 * MINUTE_MS), "not sooner than planned");
        assert_eq!(pause(1, Some(u64::MAX), &Chance::Most), Some(24 * HOUR_MS), "not later than in a day");
        assert_eq!(pause(9, Some(u64::MAX), &Chance::Most), Some(PAUSES_MS[8] * 6 / 5));
        assert_eq!(pause(10, Some(1), &Chance::Least), None, "asking does not prolong it");
    }

    #[test]
    fn pauses_are_asked_for_in_seconds_or_by_a_moment() {
        let cases = [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sat, 31 Jan 2026 08:01:40 GMT", Some(100_000)),
            ("Sat, 31 Jan 2026 07:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("2026-01-31T08:01:40Z", None),
        ];
        for (text, expected) in cases {
            assert_eq!(asked_pause_ms(text, NOW), expected, "{text:?}");
        }
    }
}
