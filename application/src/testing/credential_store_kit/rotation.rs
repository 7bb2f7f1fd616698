//! Refresh tokens: exchanged, handed in again, stolen.

use super::{ANN, BOB, DAY_MS, GRACE_MS, at, hash, new_session, session};
use crate::ports::credentials::{CredentialStore, Rotation};
use domain::value::Timestamp;
use std::{collections::HashMap, sync::Arc};

type Store = Arc<dyn CredentialStore>;

const ROTATED: Rotation = Rotation::Rotated { session: session(1), account: ANN };
const REPEATED: Rotation = Rotation::Repeated { session: session(1), account: ANN };

const fn reused(first: bool) -> Rotation {
    Rotation::Reused { session: session(1), account: ANN, first }
}

async fn rotate(store: &Store, from: &str, to: &str, now: Timestamp) -> Rotation {
    store.rotate(&hash(from), &hash(to), now, GRACE_MS).await.unwrap()
}

async fn is_live(store: &Store, number: u128, now: Timestamp) -> bool {
    store.session(session(number), now).await.unwrap().unwrap().is_live
}

pub(super) async fn tokens_rotate(store: &Store) {
    store.start_session(new_session(1, ANN, "0")).await.unwrap();
    assert_eq!(rotate(store, "guessed", "g2", at(1)).await, Rotation::Unknown);
    for number in 0..50 {
        let (from, to) = (number.to_string(), (number + 1).to_string());
        assert_eq!(rotate(store, &from, &to, at(number * 60_000)).await, ROTATED);
    }
    let state = store.session(session(1), at(49 * 60_000)).await.unwrap().unwrap();
    assert!(state.is_live && state.last_used_at == at(49 * 60_000));
    assert_eq!(rotate(store, "g2", "g3", at(1)).await, Rotation::Unknown, "nothing came of the guess");
}

pub(super) async fn a_retry_gets_the_same_answer(store: &Store) {
    store.start_session(new_session(1, ANN, "a")).await.unwrap();
    assert_eq!(rotate(store, "a", "b", at(100)).await, ROTATED);
    for ms in [100, 101, 100 + GRACE_MS] {
        assert_eq!(rotate(store, "a", "b", at(ms)).await, REPEATED);
    }
    assert_eq!(rotate(store, "a", "b", at(0)).await, REPEATED, "a clock set back ends nothing");
    assert_eq!(rotate(store, "b", "c", at(200)).await, ROTATED, "what both answers named is good once");
    assert_eq!(rotate(store, "b", "c", at(201)).await, REPEATED);
}

pub(super) async fn a_stolen_token_ends_the_session_once(store: &Store) {
    // What is done with tokens of a session whose `a` became `b` at 100, before the thief comes.
    let cases = [
        ("after its grace", None, "b", 101 + GRACE_MS),
        ("for another successor", None, "x", 101),
        ("after its successor was used", Some(("b", "c")), "b", 101),
        ("long after", Some(("b", "c")), "x", DAY_MS),
    ];
    for (number, (case, before, successor, ms)) in (1..).zip(cases) {
        let token = |name: &str| format!("{number} {name}");
        let reused = |first| Rotation::Reused { session: session(number), account: BOB, first };
        store.start_session(new_session(number, BOB, &token("a"))).await.unwrap();
        rotate(store, &token("a"), &token("b"), at(100)).await;
        let mut current = "b";
        if let Some((from, to)) = before {
            rotate(store, &token(from), &token(to), at(101)).await;
            current = to;
        }
        assert_eq!(rotate(store, &token("a"), &token(successor), at(ms)).await, reused(true), "{case}");
        assert!(!is_live(store, number, at(ms)).await, "{case}");
        assert_eq!(rotate(store, &token("a"), &token(successor), at(ms)).await, reused(false), "{case}");
        assert_eq!(rotate(store, &token("a"), &token("b"), at(101)).await, reused(false), "{case}: no grace now");
        assert_eq!(rotate(store, &token(current), &token("z"), at(ms)).await, Rotation::Ended, "{case}");
        assert!(!store.end_session(session(number)).await.unwrap(), "{case}: it is ended already");
    }
    store.start_session(new_session(9, BOB, "bystander")).await.unwrap();
    assert!(is_live(store, 9, at(DAY_MS)).await, "a session of the same account is not concerned");
}

pub(super) async fn what_ended_does_not_rotate(store: &Store) {
    store.start_session(new_session(1, ANN, "a")).await.unwrap();
    rotate(store, "a", "b", at(1)).await;
    store.end_session(session(1)).await.unwrap();
    for (from, to) in [("a", "b"), ("a", "x"), ("b", "c")] {
        assert_eq!(rotate(store, from, to, at(2)).await, Rotation::Ended, "{from} {to}");
    }
    assert_eq!(rotate(store, "c", "d", at(2)).await, Rotation::Unknown);
}

/// Fifty hand in one token at once, over and over: one exchanges it, the others hear the same.
pub(super) async fn many_exchanges_at_once_are_one(store: &Store) {
    store.start_session(new_session(1, ANN, "0")).await.unwrap();
    for round in 0..10 {
        let (from, to) = (round.to_string(), (round + 1).to_string());
        let told = at_once(store, &from, |_| to.clone(), at(round * 1_000)).await;
        assert_eq!(told, HashMap::from([(ROTATED, 1), (REPEATED, 49)]));
        assert_eq!(store.sessions(ANN, at(round * 1_000)).await.unwrap().len(), 1);
    }
}

/// Fifty hand in one token at once, each for a successor of its own: that is theft, and it is said once.
pub(super) async fn many_successors_at_once_leave_one_or_none(store: &Store) {
    store.start_session(new_session(1, ANN, "stolen")).await.unwrap();
    let told = at_once(store, "stolen", |number| format!("successor {number}"), at(1)).await;
    assert_eq!(told, HashMap::from([(ROTATED, 1), (reused(true), 1), (reused(false), 48)]));
    assert!(!is_live(store, 1, at(1)).await);
    let mut known = 0;
    for number in 0..50 {
        let rotation = rotate(store, &format!("successor {number}"), "next", at(2)).await;
        match rotation {
            Rotation::Ended => known += 1,
            other => assert_eq!(other, Rotation::Unknown),
        }
    }
    assert_eq!(known, 1, "only one was ever good");
}

async fn at_once(store: &Store, from: &str, to: impl Fn(usize) -> String, now: Timestamp) -> HashMap<Rotation, usize> {
    let tries: Vec<_> = (0..50)
        .map(|number| {
            let (store, from, to) = (Arc::clone(store), from.to_owned(), to(number));
            tokio::spawn(async move { rotate(&store, &from, &to, now).await })
        })
        .collect();
    let mut told = HashMap::new();
    for one in tries {
        *told.entry(one.await.unwrap()).or_default() += 1;
    }
    told
}
