//! How limits are told.

use super::*;

#[test]
fn limits_are_told_in_the_unit_that_fits() {
    for (limit_ms, words) in [
        (6 * 3_600_000, "6 hours"),
        (3_600_000, "1 hour"),
        (90 * 60_000, "90 minutes"),
        (60_000, "1 minute"),
        (1_500, "1 second"),
        (61_000, "61 seconds"),
    ] {
        assert_eq!(in_words(limit_ms), words);
    }
}
