//! Keys for programs, and where keys and accounts were used from.

use super::{ANN, BOB, DAY_MS, at, hash, key};
use crate::ports::{
    credentials::{ADDRESSES_MAX, CredentialStore, KeyState, NewKey, USE_STEP_MS, Used},
    event_log::Tenant,
};
use domain::value::{AccountId, KeyId, Scope, Sha256};
use std::sync::Arc;

type Store = Arc<dyn CredentialStore>;

fn new_key(number: u128, account: AccountId) -> NewKey {
    NewKey {
        id: key(number),
        account,
        tenant: Tenant("studio “ø”".to_owned()),
        secret_hash: hash(&number.to_string()),
        scopes: vec![Scope::WorkRead, Scope::ResultsRead],
        expires_at: None,
        now: at(0),
    }
}

fn state(key: NewKey) -> KeyState {
    KeyState {
        id: key.id,
        account: key.account,
        tenant: key.tenant,
        secret_hash: key.secret_hash,
        scopes: key.scopes,
        made_at: key.now,
        expires_at: key.expires_at,
        is_revoked: false,
        last_used_at: None,
    }
}

async fn listed(store: &Store, account: AccountId) -> Vec<KeyId> {
    store.keys(account).await.unwrap().into_iter().map(|state| state.id).collect()
}

pub(super) async fn keys_are_kept_and_revoked(store: &Store) {
    assert_eq!(store.key(key(1)).await.unwrap(), None);
    let all = NewKey { scopes: Scope::ALL.to_vec(), expires_at: Some(at(DAY_MS)), ..new_key(2, ANN) };
    let none = NewKey { scopes: vec![], now: at(5), ..new_key(3, ANN) };
    for made in [new_key(1, ANN), all, none, new_key(4, BOB)] {
        assert!(store.put_key(made.clone()).await.unwrap());
        assert_eq!(store.key(made.id).await.unwrap(), Some(state(made)));
    }
    assert_eq!(listed(store, ANN).await, [key(3), key(2), key(1)], "newest first");
    let another = NewKey { account: BOB, secret_hash: hash("another"), ..new_key(1, ANN) };
    assert!(!store.put_key(another).await.unwrap(), "an id is given once");
    assert_eq!(store.key(key(1)).await.unwrap(), Some(state(new_key(1, ANN))));

    assert!(store.revoke_key(key(2)).await.unwrap());
    assert!(!store.revoke_key(key(2)).await.unwrap());
    assert!(!store.revoke_key(key(9)).await.unwrap());
    assert!(store.key(key(2)).await.unwrap().unwrap().is_revoked);
    assert!(!store.put_key(new_key(2, ANN)).await.unwrap(), "making it again does not bring it back");
    assert!(store.key(key(2)).await.unwrap().unwrap().is_revoked);
    let mut revoked = store.revoke_keys(ANN).await.unwrap();
    revoked.sort();
    assert_eq!(revoked, [key(1), key(3)], "those that were not revoked before");
    assert_eq!(store.revoke_keys(ANN).await.unwrap(), []);
    assert_eq!(listed(store, ANN).await.len(), 3, "they stay to be seen");
    assert!(!store.key(key(4)).await.unwrap().unwrap().is_revoked);
}

pub(super) async fn uses_are_noted(store: &Store) {
    for number in [1, 2] {
        store.put_key(new_key(number, ANN)).await.unwrap();
    }
    let used = |number, address: &str, ms| Used { key: key(number), address_digest: hash(address), now: at(ms) };
    assert!(store.note_use(used(1, "home", 100)).await.unwrap());
    assert!(!store.note_use(used(1, "home", 101)).await.unwrap());
    assert!(store.note_use(used(1, "office", 102)).await.unwrap(), "another address");
    assert!(store.note_use(used(2, "home", 103)).await.unwrap(), "another key");
    assert!(!store.note_use(used(9, "home", 103)).await.unwrap(), "there is no such key");
    assert!(!store.note_use(used(9, "home", 103)).await.unwrap());
    let last = async || store.key(key(1)).await.unwrap().unwrap().last_used_at.unwrap();
    assert_eq!(last().await, at(102));
    assert!(!store.note_use(used(1, "home", 102 + USE_STEP_MS)).await.unwrap());
    assert_eq!(last().await, at(102 + USE_STEP_MS), "it moves on");
    assert!(!store.note_use(used(1, "home", 50)).await.unwrap());
    assert!(store.note_use(used(1, "train", 50)).await.unwrap());
    assert_eq!(last().await, at(102 + USE_STEP_MS), "and never back");
    assert!(!store.knows_address(ANN, &hash("home")).await.unwrap(), "a key's address is not its owner's");
}

pub(super) async fn sign_ins_are_noted(store: &Store) {
    let home = hash("home");
    assert!(!store.knows_address(ANN, &home).await.unwrap());
    assert!(store.note_sign_in(ANN, &home, at(1)).await.unwrap());
    assert!(store.knows_address(ANN, &home).await.unwrap());
    assert!(!store.note_sign_in(ANN, &home, at(2)).await.unwrap());
    assert!(!store.knows_address(BOB, &home).await.unwrap());
    assert!(store.note_sign_in(BOB, &home, at(2)).await.unwrap());
}

pub(super) async fn few_addresses_are_remembered(store: &Store) {
    store.put_key(new_key(1, ANN)).await.unwrap();
    let address = |number: usize| hash(&format!("address {number}"));
    let note = async |account: bool, digest: Sha256, ms: usize| {
        let now = at(ms as u64 * USE_STEP_MS);
        match account {
            true => store.note_sign_in(ANN, &digest, now).await.unwrap(),
            false => store.note_use(Used { key: key(1), address_digest: digest, now }).await.unwrap(),
        }
    };
    for account in [true, false] {
        for number in 0..ADDRESSES_MAX {
            assert!(note(account, address(number), number + 1).await);
        }
        assert!(!note(account, address(0), 500).await, "all are remembered");
        assert!(note(account, hash("one more"), 501).await);
        assert!(!note(account, hash("one more"), 502).await);
        assert!(!note(account, address(0), 503).await, "it was seen lately");
        assert!(note(account, address(1), 504).await, "the one seen longest ago was forgotten");
        assert!(note(account, hash("by a clock set back"), 0).await);
        assert!(!note(account, hash("by a clock set back"), 0).await, "the newest stays");
    }
}
