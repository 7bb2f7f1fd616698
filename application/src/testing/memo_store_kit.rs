//! The conformance kit of the memo store: every promise of the port, as a check.

#![expect(clippy::unwrap_used, reason = "a conformance kit fails by panicking")]

use super::MemoryKeyVault;
use crate::ports::{key_vault::KeyVault, memo_store::MemoStore};
use domain::value::{DubbingId, Sha256};
use std::{future::Future, sync::Arc};
use uuid::Uuid;

/// Checks every promise on a store that uses the vault given. The second value that `make` gives lives
/// as long as the store: a temporary folder. Panics at the first broken promise.
pub async fn run<Keep, Made: Future<Output = (Arc<dyn MemoStore>, Keep)>>(make: impl Fn(Arc<dyn KeyVault>) -> Made) {
    let vault = Arc::new(MemoryKeyVault::new(1));
    for number in 1..=3 {
        vault.ensure(owner(number).0).unwrap();
    }
    let (store, _keep) = make(Arc::clone(&vault) as Arc<dyn KeyVault>).await;
    what_is_remembered_is_recalled(&*store).await;
    the_first_result_stays(&*store).await;
    without_its_key_a_memo_is_a_miss(&*store, &vault).await;
    many_at_once_agree(store).await;
}

fn owner(number: u128) -> DubbingId {
    DubbingId(Uuid::from_u128(number))
}

fn key(number: u8) -> Sha256 {
    Sha256::new([number; 32])
}

async fn what_is_remembered_is_recalled(store: &dyn MemoStore) {
    assert_eq!(store.recall(&key(1)).await.unwrap(), None);
    for (number, result) in [(1, vec![]), (2, b"Buenas tardes.".to_vec()), (3, vec![0xff; 3 << 20])] {
        store.remember(&key(number), owner(1), &result).await.unwrap();
        assert_eq!(store.recall(&key(number)).await.unwrap(), Some(result));
    }
}

async fn the_first_result_stays(store: &dyn MemoStore) {
    store.remember(&key(10), owner(1), b"first").await.unwrap();
    store.remember(&key(10), owner(1), b"second").await.unwrap();
    store.remember(&key(10), owner(2), b"third").await.unwrap();
    assert_eq!(store.recall(&key(10)).await.unwrap().as_deref(), Some(&b"first"[..]));
}

async fn without_its_key_a_memo_is_a_miss(store: &dyn MemoStore, vault: &MemoryKeyVault) {
    store.remember(&key(20), owner(3), b"theirs").await.unwrap();
    vault.destroy(owner(3).0).unwrap();
    assert_eq!(store.recall(&key(20)).await.unwrap(), None);
    // Late work of an erased dubbing leaves nothing behind; another dubbing makes the memo anew.
    store.remember(&key(20), owner(3), b"late").await.unwrap();
    assert_eq!(store.recall(&key(20)).await.unwrap(), None);
    store.remember(&key(20), owner(2), b"ours").await.unwrap();
    assert_eq!(store.recall(&key(20)).await.unwrap().as_deref(), Some(&b"ours"[..]));
    // Nor is anything kept for a dubbing that never had a key.
    store.remember(&key(21), owner(99), b"nobody's").await.unwrap();
    assert_eq!(store.recall(&key(21)).await.unwrap(), None);
}

async fn many_at_once_agree(store: Arc<dyn MemoStore>) {
    let writers: Vec<_> = (0..8_u8)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                store.remember(&key(30), owner(1), &[writer; 100]).await.unwrap();
                store.recall(&key(30)).await.unwrap()
            })
        })
        .collect();
    let mut seen = Vec::new();
    for writer in writers {
        seen.push(writer.await.unwrap().unwrap());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "everybody recalls the same result");
}
