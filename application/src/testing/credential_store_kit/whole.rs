//! What concerns all of it: erasure, and askers that go.

use super::{ANN, BOB, DAY_MS, GRACE_MS, at, hash, key, new_session, session};
use crate::ports::{
    credentials::{CredentialStore, NewKey, Rotation, TicketPurpose, Used},
    event_log::Tenant,
    passwords::PasswordHash,
};
use domain::value::{AccountId, Scope};
use std::sync::Arc;

type Store = Arc<dyn CredentialStore>;

/// Everything there can be about an account; `number` tells it apart.
async fn settle(store: &Store, account: AccountId, number: u128) {
    let name = |what: &str| hash(&format!("{what} {number}"));
    store.claim_email(&name("email"), account).await.unwrap();
    store.set_password(account, &PasswordHash::new("phc".to_owned())).await.unwrap();
    store.put_ticket(&name("ticket"), account, TicketPurpose::PasswordReset, at(DAY_MS)).await.unwrap();
    store.start_session(new_session(number, account, &format!("token {number}"))).await.unwrap();
    store.rotate(&name("token"), &name("next"), at(1), GRACE_MS).await.unwrap();
    let made = NewKey {
        id: key(number),
        account,
        tenant: Tenant::default(),
        secret_hash: name("key"),
        scopes: vec![Scope::WorkRead],
        expires_at: None,
        now: at(0),
    };
    store.put_key(made).await.unwrap();
    store.note_use(Used { key: key(number), address_digest: hash("home"), now: at(1) }).await.unwrap();
    store.note_sign_in(account, &hash("home"), at(1)).await.unwrap();
    store.put_secret(account.0, "totp", b"secret").await.unwrap();
    store.use_step(account, 5).await.unwrap();
}

/// How much of it is there.
async fn left(store: &Store, account: AccountId, number: u128) -> Vec<bool> {
    let name = |what: &str| hash(&format!("{what} {number}"));
    let next = store.rotate(&name("token"), &name("next"), at(2), GRACE_MS).await.unwrap();
    vec![
        store.account_of(&name("email")).await.unwrap().is_some(),
        store.password(account).await.unwrap().is_some(),
        store.ticket(&name("ticket"), at(2)).await.unwrap().is_some(),
        store.session(session(number), at(2)).await.unwrap().is_some(),
        !store.sessions(account, at(2)).await.unwrap().is_empty(),
        next != Rotation::Unknown,
        store.key(key(number)).await.unwrap().is_some(),
        !store.keys(account).await.unwrap().is_empty(),
        store.knows_address(account, &hash("home")).await.unwrap(),
        store.secret(account.0, "totp").await.unwrap().is_some(),
        !store.use_step(account, 4).await.unwrap(),
    ]
}

pub(super) async fn forgetting_leaves_nothing(store: &Store) {
    settle(store, ANN, 1).await;
    settle(store, BOB, 2).await;
    store.forget(ANN).await.unwrap();
    store.forget(ANN).await.unwrap();
    assert_eq!(left(store, ANN, 1).await, [false; 11]);
    assert_eq!(left(store, BOB, 2).await, [true; 11], "another one's stays");
    // With the same ids again, nothing of before comes back.
    settle(store, ANN, 1).await;
    assert_eq!(left(store, ANN, 1).await, [true; 11]);
    store.forget(ANN).await.unwrap();
    let known = store.note_use(Used { key: key(1), address_digest: hash("home"), now: at(1) }).await.unwrap();
    assert!(!known, "no key, no address");
}

/// Who asks may vanish at any moment: either nothing was begun, or all of it is done.
pub(super) async fn what_was_begun_comes_to_its_end(store: &Store) {
    store.start_session(new_session(1, ANN, "0")).await.unwrap();
    let mut current = 0;
    for round in 0..60 {
        let asking = tokio::spawn({
            let store = Arc::clone(store);
            async move { store.rotate(&hash(&current.to_string()), &hash(&(current + 1).to_string()), at(1), 0).await }
        });
        for _ in 0..round % 20 {
            tokio::task::yield_now().await;
        }
        asking.abort();
        let told = asking.await.map(Result::unwrap);
        // With no time passing, a repetition is within the grace: it tells whether the first was carried out.
        let again = store.rotate(&hash(&current.to_string()), &hash(&(current + 1).to_string()), at(1), 0).await;
        match (told.ok(), again.unwrap()) {
            (Some(Rotation::Rotated { .. }), Rotation::Repeated { .. })
            | (None, Rotation::Repeated { .. } | Rotation::Rotated { .. }) => current += 1,
            other => panic!("round {round}: {other:?}"),
        }
    }
    assert_eq!(store.sessions(ANN, at(2)).await.unwrap().len(), 1);
}
