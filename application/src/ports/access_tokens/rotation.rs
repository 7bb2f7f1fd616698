//! Which key signs, when there should be a new one, and when an old one may go. Pure.

use super::SigningKey;
use domain::value::Timestamp;

/// How keys come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Age of the newest key at which another one is made.
    pub interval_ms: u64,
    /// How long a new key is published before it signs, so that whoever keeps a copy of the key set has fetched it.
    pub lead_ms: u64,
    /// How long a token holds.
    pub token_ms: u64,
    /// By how much clocks may differ.
    pub leeway_ms: u64,
}

impl Default for KeyPolicy {
    /// A key for a month, published a day before it signs (longer than caches usually hold); tokens for ten minutes.
    fn default() -> Self {
        Self { interval_ms: 30 * 86_400_000, lead_ms: 86_400_000, token_ms: 600_000, leeway_ms: 5_000 }
    }
}

/// What is owed to a set of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// A new key is to be made.
    pub make: bool,
    /// Ids of keys that have nothing left to verify and are to be destroyed.
    pub retire: Vec<String>,
}

/// What is owed to these keys now. A key retires when every token that it may have signed has expired: it signs until
/// the one after it has been published for the policy's lead, however long nobody was there to make one.
pub fn rotation(keys: &[SigningKey], now: Timestamp, policy: &KeyPolicy) -> Rotation {
    let by_age = by_age(keys);
    let make = by_age.last().is_none_or(|newest| now.since_ms(newest.made_at) >= policy.interval_ms);
    let still_verifies_ms = policy.lead_ms.saturating_add(policy.token_ms).saturating_add(policy.leeway_ms);
    let is_over = |next: &SigningKey| now >= next.made_at.plus_ms(still_verifies_ms);
    let pairs = by_age.iter().zip(by_age.iter().skip(1));
    let retire = pairs.filter(|(_, next)| is_over(next)).map(|(old, _)| old.kid.clone()).collect();
    Rotation { make, retire }
}

/// The key that signs now: the newest that has been published for the policy's lead, else the oldest. So the very first
/// key signs at once.
pub fn signer<'a>(keys: &'a [SigningKey], now: Timestamp, policy: &KeyPolicy) -> Option<&'a SigningKey> {
    let by_age = by_age(keys);
    let is_known = |key: &&&SigningKey| now >= key.made_at.plus_ms(policy.lead_ms);
    by_age.iter().rev().find(is_known).or(by_age.first()).copied()
}

/// Oldest first; of the same age by id, so that every process says the same.
fn by_age(keys: &[SigningKey]) -> Vec<&SigningKey> {
    let mut keys: Vec<_> = keys.iter().collect();
    keys.sort_by(|one, other| (one.made_at, &one.kid).cmp(&(other.made_at, &other.kid)));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: KeyPolicy = KeyPolicy { interval_ms: 1_000, lead_ms: 100, token_ms: 10, leeway_ms: 5 };

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn keys(made: &[(&str, u64)]) -> Vec<SigningKey> {
        made.iter().map(|(kid, ms)| SigningKey::new((*kid).to_owned(), [7; 32], at(*ms))).collect()
    }

    #[test]
    fn a_new_key_waits_for_its_lead_and_the_old_one_for_its_tokens() {
        check(&[], 0, None, true, &[]);
        check(&[("a", 0)], 0, Some("a"), false, &[]);
        check(&[("a", 0)], 999, Some("a"), false, &[]);
        check(&[("a", 0)], 1_000, Some("a"), true, &[]);
        check(&[("b", 1_000), ("a", 0)], 1_000, Some("a"), false, &[]);
        check(&[("b", 1_000), ("a", 0)], 1_099, Some("a"), false, &[]);
        check(&[("b", 1_000), ("a", 0)], 1_100, Some("b"), false, &[]);
        check(&[("b", 1_000), ("a", 0)], 1_114, Some("b"), false, &[]);
        check(&[("b", 1_000), ("a", 0)], 1_115, Some("b"), false, &["a"]);
        check(&[("b", 1_000)], 2_000, Some("b"), true, &[]);
    }

    #[test]
    fn after_a_long_pause_the_only_key_goes_on_until_another_is_known() {
        check(&[("a", 0)], 1_000_000, Some("a"), true, &[]);
        check(&[("a", 0), ("b", 1_000_000)], 1_000_001, Some("a"), false, &[]);
        check(&[("a", 0), ("b", 10), ("c", 1_000_000)], 1_000_001, Some("b"), false, &["a"]);
    }

    #[test]
    fn a_clock_that_was_set_back_neither_makes_keys_nor_stops_signing() {
        check(&[("a", 5_000)], 0, Some("a"), false, &[]);
        check(&[("a", 5_000), ("b", 6_000)], 0, Some("a"), false, &[]);
    }

    /// Every moment of some rotations: whatever signed a token still verifies while the token holds.
    #[test]
    fn no_token_outlives_its_key() {
        let mut held = Vec::new();
        let mut signed: Vec<(u64, String)> = Vec::new();
        for ms in 0..5_000 {
            let owed = rotation(&held, at(ms), &POLICY);
            if owed.make {
                held.extend(keys(&[(format!("k{ms}").as_str(), ms)]));
            }
            held.retain(|key| !owed.retire.contains(&key.kid));
            signed.push((ms, signer(&held, at(ms), &POLICY).expect("a signer").kid.clone()));
            signed.retain(|(when, _)| ms < when + POLICY.token_ms + POLICY.leeway_ms);
            let is_held = |kid: &String| held.iter().any(|key| key.kid == *kid);
            assert!(signed.iter().all(|(_, kid)| is_held(kid)), "at {ms}");
            assert!(held.len() <= 2);
        }
        assert!(held.iter().any(|key| key.made_at > at(3_000)));
    }

    #[test]
    fn a_seed_is_never_shown() {
        let shown = format!("{:?}", keys(&[("a", 0)]));
        assert!(shown.contains("kid: \"a\"") && !shown.contains('7'), "{shown}");
    }

    fn check(made: &[(&str, u64)], now: u64, signs: Option<&str>, make: bool, retire: &[&str]) {
        let keys = keys(made);
        assert_eq!(signer(&keys, at(now), &POLICY).map(|key| key.kid.as_str()), signs, "{made:?} at {now}");
        let expected = Rotation { make, retire: retire.iter().map(ToString::to_string).collect() };
        assert_eq!(rotation(&keys, at(now), &POLICY), expected, "{made:?} at {now}");
    }
}
