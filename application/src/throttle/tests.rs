//! Owners, attackers, and how far each comes.

use super::*;
use memory::ENTRIES_MAX;
use proptest::prelude::*;

const BEGIN: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);
const DAY_MS: u64 = 86_400_000;

fn digest(number: u32) -> Digest {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    digest
}

fn attempt(account: u32, address: u32) -> Attempt {
    Attempt { account: digest(account), address: digest(address), is_known_address: false }
}

fn known(account: u32, address: u32) -> Attempt {
    Attempt { is_known_address: true, ..attempt(account, address) }
}

/// Tries, and fails where it may.
fn guess(throttle: &mut SignInThrottle, who: &Attempt, now: Timestamp) -> Admit {
    let admit = throttle.admit(who, now);
    if admit == Admit::Now {
        throttle.failed(who, now);
    }
    admit
}

/// Tries as soon as it may; returns when that was.
fn guess_soon(throttle: &mut SignInThrottle, who: &Attempt, mut now: Timestamp) -> Timestamp {
    while let Admit::After(wait_ms) = guess(throttle, who, now) {
        now = now.plus_ms(wait_ms);
    }
    now
}

/// How many guesses somebody makes in a day: so many as fast as it can, then a pause, and so on.
fn guesses_in_a_day(in_a_row: u32, pause_ms: u64) -> u32 {
    let (mut throttle, mut now, mut made) = (SignInThrottle::new(), BEGIN, 0);
    loop {
        for _ in 0..in_a_row {
            now = guess_soon(&mut throttle, &attempt(1, 1), now);
            if now.since_ms(BEGIN) >= DAY_MS {
                return made;
            }
            made += 1;
        }
        now = now.plus_ms(pause_ms);
    }
}

#[test]
fn given_failures_in_a_row_then_waits_double_up_to_a_quarter_of_an_hour() {
    let (mut throttle, mut now, mut waits) = (SignInThrottle::new(), BEGIN, Vec::new());
    for _ in 0..18 {
        let at = guess_soon(&mut throttle, &attempt(1, 1), now);
        waits.push(at.since_ms(now) / 1_000);
        now = at;
    }
    let expected = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 8, 16];
    assert_eq!(waits, expected, "after the longest wait half is forgotten: 7 are left of 15");
}

#[test]
fn given_a_wait_when_one_tries_all_the_same_then_it_grows_no_longer() {
    let mut throttle = SignInThrottle::new();
    (0..5).for_each(|_| assert_eq!(guess(&mut throttle, &attempt(1, 1), BEGIN), Admit::Now));
    for ms in 0..1_000 {
        assert_eq!(guess(&mut throttle, &attempt(1, 1), BEGIN.plus_ms(ms)), Admit::After(1_000 - ms));
    }
    assert_eq!(guess(&mut throttle, &attempt(1, 1), BEGIN.plus_ms(1_000)), Admit::Now);
}

#[test]
fn given_attempts_at_the_same_moment_then_no_more_are_admitted_than_in_a_row() {
    let mut throttle = SignInThrottle::new();
    let admitted = (0..50).filter(|_| throttle.admit(&attempt(1, 1), BEGIN) == Admit::Now).count();
    assert_eq!(admitted, FREE_FAILURES as usize + 1);
    // The wait begins with the last answer.
    throttle.failed(&attempt(1, 1), BEGIN.plus_ms(700));
    assert_eq!(throttle.admit(&attempt(1, 1), BEGIN.plus_ms(700)), Admit::After(1_000));
}

#[test]
fn given_a_success_then_the_next_failures_are_free_again() {
    let (mut throttle, who) = (SignInThrottle::new(), attempt(1, 1));
    for round in 0..100 {
        let now = BEGIN.plus_ms(round);
        (0..FREE_FAILURES / 2)
            .for_each(|_| assert_eq!(guess(&mut throttle, &who, now.plus_ms(DECAY_MS * round)), Admit::Now));
        assert_eq!(throttle.admit(&who, now.plus_ms(DECAY_MS * round)), Admit::Now, "{round}");
        throttle.succeeded(&who, now.plus_ms(DECAY_MS * round));
    }
}

#[test]
fn given_many_who_sign_in_from_one_address_then_none_is_slowed() {
    let mut throttle = SignInThrottle::new();
    for account in 0..1_000 {
        assert_eq!(throttle.admit(&attempt(account, 1), BEGIN), Admit::Now, "{account}");
        throttle.succeeded(&attempt(account, 1), BEGIN);
    }
}

#[test]
fn given_an_account_under_attack_then_unknown_addresses_are_slowed_and_known_ones_are_not() {
    let mut throttle = SignInThrottle::new();
    for address in 0..ACCOUNT_FAILURES as u32 {
        assert_eq!(guess(&mut throttle, &attempt(1, address), BEGIN), Admit::Now);
    }
    assert_eq!(throttle.admit(&attempt(1, 777), BEGIN), Admit::After(SLOWED_MS));
    assert_eq!(throttle.admit(&attempt(2, 777), BEGIN), Admit::Now, "another account");
    assert_eq!(throttle.admit(&known(1, 778), BEGIN), Admit::Now);
    throttle.succeeded(&known(1, 778), BEGIN);
    assert_eq!(throttle.admit(&attempt(1, 779), BEGIN), Admit::After(SLOWED_MS), "its success helps nobody else");
    let later = BEGIN.plus_ms(SLOWED_MS);
    assert_eq!(guess(&mut throttle, &attempt(1, 777), later), Admit::Now);
    assert_eq!(guess(&mut throttle, &attempt(1, 780), later), Admit::After(SLOWED_MS), "one for all of them");
    assert_eq!(guess(&mut throttle, &attempt(1, 780), later.plus_ms(DECAY_MS)), Admit::Now, "it decays");
    assert_eq!(guess(&mut throttle, &attempt(1, 781), later.plus_ms(DECAY_MS)), Admit::Now);
}

#[test]
fn given_an_address_that_fails_for_many_accounts_then_it_is_slowed_whatever_the_account() {
    let mut throttle = SignInThrottle::new();
    for account in 0..ADDRESS_FAILURES as u32 {
        assert_eq!(guess(&mut throttle, &attempt(account, 1), BEGIN), Admit::Now);
    }
    assert_eq!(throttle.admit(&attempt(777, 1), BEGIN), Admit::After(SLOWED_MS));
    assert_eq!(throttle.admit(&attempt(777, 2), BEGIN), Admit::Now);
    // Who signed in here before shares the address with an attacker, but not its turns.
    assert_eq!(guess(&mut throttle, &known(778, 1), BEGIN), Admit::Now);
    assert_eq!(guess(&mut throttle, &known(778, 1), BEGIN), Admit::After(SLOWED_MS));
    assert_eq!(guess(&mut throttle, &known(779, 1), BEGIN), Admit::Now);
}

#[test]
fn given_a_day_then_one_address_has_few_guesses_whatever_it_does() {
    let best = (1..=40).flat_map(|in_a_row| {
        let pauses = [0, 1, 60_000, DECAY_MS / 2, DECAY_MS, DECAY_MS + 1, 2 * DECAY_MS, 3 * DECAY_MS, 4 * DECAY_MS];
        pauses.map(|pause_ms| guesses_in_a_day(in_a_row, pause_ms))
    });
    // The best is six at a time: of 11 in a row a pause of 900 s leaves 5, and the next six need 62 s. Without any pause
    // it is less, since half is forgotten only after the longest wait.
    assert_eq!(best.max(), Some(GUESSES_A_DAY));
}

/// What one address can try at one account in a day, at most: 86,400 s / 962 s * 6, and a few at the beginning.
const GUESSES_A_DAY: u32 = 540;

#[test]
fn given_a_day_then_one_address_tries_few_accounts_and_one_account_is_tried_seldom() {
    let attack = |who: fn(u32) -> Attempt| {
        let (mut throttle, mut now, mut made) = (SignInThrottle::new(), BEGIN, 0);
        while now.since_ms(BEGIN) < DAY_MS {
            now = guess_soon(&mut throttle, &who(made), now);
            made += 1;
        }
        u64::from(made)
    };
    let slots = DAY_MS / SLOWED_MS;
    assert!(attack(|number| attempt(number, 1)) <= slots + ADDRESS_FAILURES as u64 + 1);
    assert!(attack(|number| attempt(1, number)) <= slots + ACCOUNT_FAILURES as u64 + 1);
}

#[test]
fn given_more_than_there_is_room_for_then_what_is_used_is_kept() {
    let mut throttle = SignInThrottle::new();
    let victim = attempt(u32::MAX, u32::MAX);
    let mut now = BEGIN;
    for number in 0..3 * ENTRIES_MAX as u32 {
        guess(&mut throttle, &attempt(number, number), now);
        if number % 1_000 == 0 {
            now = guess_soon(&mut throttle, &victim, now);
        }
        let kept = [throttle.pairs.len(), throttle.accounts.len(), throttle.addresses.len()];
        assert!(kept.iter().sum::<usize>() <= 100_000, "{kept:?}");
    }
    assert!(matches!(throttle.admit(&victim, now), Admit::After(_)), "what is used is kept");
}

#[test]
fn given_a_clock_that_is_set_back_then_nobody_waits_for_it() {
    let mut throttle = SignInThrottle::new();
    (0..12).fold(BEGIN, |now, _| guess_soon(&mut throttle, &attempt(1, 1), now));
    let earlier = Timestamp::from_unix_ms(BEGIN.unix_ms() - DAY_MS);
    assert_eq!(guess(&mut throttle, &attempt(1, 1), earlier), Admit::Now);
    assert!(matches!(guess(&mut throttle, &attempt(1, 1), earlier), Admit::After(_)), "and it goes on from there");
}

/// What happens: who, from where, known there, whether the password is right, after how long.
fn story() -> impl Strategy<Value = Vec<(u32, u32, bool, bool, u64)>> {
    let pause = prop_oneof![Just(0), 0..2_000_u64, 0..2 * DECAY_MS];
    proptest::collection::vec((0..4_u32, 0..40_u32, any::<bool>(), proptest::bool::weighted(0.1), pause), 0..400)
}

proptest! {
    #[test]
    fn nobody_waits_longer_than_a_quarter_of_an_hour(story in story()) {
        let (mut throttle, mut now) = (SignInThrottle::new(), BEGIN);
        for (account, address, is_known_address, is_right, pause_ms) in story {
            let who = Attempt { is_known_address, ..attempt(account, address) };
            now = now.plus_ms(pause_ms);
            match throttle.admit(&who, now) {
                Admit::Now if is_right => throttle.succeeded(&who, now),
                Admit::Now => throttle.failed(&who, now),
                Admit::After(wait_ms) => {
                    prop_assert!((1..=WAIT_MS_MAX).contains(&wait_ms), "{wait_ms}");
                    // Who waits, and nobody else comes meanwhile, is admitted.
                    let mut later = throttle.clone();
                    prop_assert_eq!(later.admit(&who, now.plus_ms(wait_ms)), Admit::Now);
                }
            }
        }
    }

    #[test]
    fn the_owner_at_a_known_address_is_admitted_whoever_attacks_from_elsewhere(
        story in story(),
        forgotten in 0..FREE_FAILURES,
    ) {
        let (mut throttle, mut now) = (SignInThrottle::new(), BEGIN);
        let owner = known(1, 1_000);
        for (account, address, _, _, pause_ms) in story {
            now = now.plus_ms(pause_ms);
            guess(&mut throttle, &attempt(account, address), now);
        }
        for _ in 0..=forgotten {
            prop_assert_eq!(guess(&mut throttle, &owner, now), Admit::Now);
        }
    }
}
