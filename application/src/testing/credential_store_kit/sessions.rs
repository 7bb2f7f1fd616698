//! Sessions: how they live and end.

use super::{ANN, BOB, DAY_MS, GRACE_MS, at, hash, new_session, session};
use crate::ports::credentials::{CredentialStore, NewSession, Rotation, SessionState};
use domain::value::{AccountId, SessionId, Timestamp};
use std::sync::Arc;

type Store = Arc<dyn CredentialStore>;

async fn is_live(store: &Store, session: SessionId, now: Timestamp) -> bool {
    store.session(session, now).await.unwrap().unwrap().is_live
}

async fn listed(store: &Store, account: AccountId, now: Timestamp) -> Vec<SessionId> {
    store.sessions(account, now).await.unwrap().into_iter().map(|state| state.id).collect()
}

pub(super) async fn sessions_live_until_they_end(store: &Store) {
    assert_eq!(store.session(session(1), at(0)).await.unwrap(), None);
    store.start_session(new_session(1, ANN, "1")).await.unwrap();
    store.start_session(NewSession { now: at(5), ..new_session(2, ANN, "2") }).await.unwrap();
    store.start_session(NewSession { now: at(3), ..new_session(3, ANN, "3") }).await.unwrap();
    store.start_session(new_session(4, BOB, "4")).await.unwrap();
    let expected = SessionState {
        id: session(2),
        account: ANN,
        is_live: true,
        started_at: at(5),
        last_used_at: at(5),
        expires_at: at(30 * DAY_MS),
    };
    assert_eq!(store.session(session(2), at(6)).await.unwrap(), Some(expected));
    assert_eq!(listed(store, ANN, at(6)).await, [session(2), session(3), session(1)], "newest first");

    assert!(store.end_session(session(3)).await.unwrap());
    assert!(!store.end_session(session(3)).await.unwrap(), "once");
    assert!(!store.end_session(session(9)).await.unwrap(), "there is none");
    assert!(!is_live(store, session(3), at(6)).await);
    assert_eq!(listed(store, ANN, at(6)).await, [session(2), session(1)]);
    assert_eq!(listed(store, BOB, at(6)).await, [session(4)]);
}

pub(super) async fn sessions_expire(store: &Store) {
    store.start_session(new_session(1, ANN, "a")).await.unwrap();
    assert!(is_live(store, session(1), at(7 * DAY_MS - 1)).await);
    assert!(!is_live(store, session(1), at(7 * DAY_MS)).await, "not used for too long");
    assert_eq!(listed(store, ANN, at(7 * DAY_MS)).await, []);

    // Used every six days it goes on, but not for ever.
    let tokens = ["a", "b", "c", "d", "e"];
    for (day, pair) in (1..).map(|number| number * 6).zip(tokens.windows(2)) {
        let rotated = store.rotate(&hash(pair[0]), &hash(pair[1]), at(day * DAY_MS), GRACE_MS).await.unwrap();
        assert_eq!(rotated, Rotation::Rotated { session: session(1), account: ANN });
        let state = store.session(session(1), at(day * DAY_MS)).await.unwrap().unwrap();
        assert!(state.is_live && state.last_used_at == at(day * DAY_MS) && state.started_at == at(0));
    }
    assert!(is_live(store, session(1), at(30 * DAY_MS - 1)).await);
    assert!(!is_live(store, session(1), at(30 * DAY_MS)).await);
    let late = store.rotate(&hash("e"), &hash("f"), at(30 * DAY_MS), GRACE_MS).await.unwrap();
    assert_eq!(late, Rotation::Expired);

    store.start_session(new_session(2, ANN, "idle")).await.unwrap();
    let late = store.rotate(&hash("idle"), &hash("next"), at(7 * DAY_MS), GRACE_MS).await.unwrap();
    assert_eq!(late, Rotation::Expired);
    let set_back = store.rotate(&hash("idle"), &hash("next"), Timestamp::from_unix_ms(0), GRACE_MS).await.unwrap();
    assert_eq!(set_back, Rotation::Rotated { session: session(2), account: ANN }, "a clock set back ends nothing");
    assert_eq!(store.session(session(2), at(1)).await.unwrap().unwrap().last_used_at, at(0));
}

pub(super) async fn sessions_of_an_account_end_together(store: &Store) {
    for number in 1..=4 {
        store.start_session(new_session(number, ANN, &number.to_string())).await.unwrap();
    }
    store.start_session(new_session(5, BOB, "5")).await.unwrap();
    store.end_session(session(1)).await.unwrap();
    let mut ended = store.end_sessions(ANN, Some(session(3))).await.unwrap();
    ended.sort();
    assert_eq!(ended, [session(2), session(4)], "those that were not ended before");
    assert_eq!(listed(store, ANN, at(1)).await, [session(3)]);
    assert_eq!(store.end_sessions(ANN, None).await.unwrap(), [session(3)]);
    assert_eq!(store.end_sessions(ANN, None).await.unwrap(), []);
    assert_eq!(listed(store, BOB, at(1)).await, [session(5)]);
}

pub(super) async fn a_token_ends_its_session(store: &Store) {
    for (number, token) in [(1, "current"), (2, "exchanged"), (3, "other")] {
        store.start_session(new_session(number, ANN, token)).await.unwrap();
    }
    store.rotate(&hash("exchanged"), &hash("next"), at(1), GRACE_MS).await.unwrap();
    assert_eq!(store.end_by_refresh(&hash("guessed")).await.unwrap(), None);
    for (token, number) in [("current", 1), ("exchanged", 2)] {
        assert_eq!(store.end_by_refresh(&hash(token)).await.unwrap(), Some((session(number), ANN)));
        assert_eq!(store.end_by_refresh(&hash(token)).await.unwrap(), None, "once");
        assert!(!is_live(store, session(number), at(1)).await);
    }
    assert_eq!(store.end_by_refresh(&hash("next")).await.unwrap(), None);
    assert!(is_live(store, session(3), at(1)).await);
}
