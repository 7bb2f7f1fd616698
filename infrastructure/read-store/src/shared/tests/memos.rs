//! Memos by several nodes.

use super::{SERVER, database, joined, name};
use crate::PostgresMemoStore;
use application::{
    ports::{key_vault::KeyVault, memo_store::MemoStore},
    testing::{MemoryKeyVault, memo_store_kit},
};
use domain::value::{DubbingId, Sha256};
use std::sync::Arc;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let make = |vault| async {
        let store = PostgresMemoStore::new(joined(&database()).await, vault);
        (Arc::new(store) as Arc<dyn MemoStore>, ())
    };
    memo_store_kit::run(make).await;
}

/// What one node remembers another one recalls, and the first result stays; what is kept says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_their_memos() {
    let url = database();
    let vault = Arc::new(MemoryKeyVault::new(1));
    let owner = DubbingId(Uuid::from_u128(1));
    vault.ensure(owner.0).unwrap();
    let node = async || PostgresMemoStore::new(joined(&url).await, Arc::clone(&vault) as Arc<dyn KeyVault>);
    let (one, other) = (node().await, node().await);
    for round in 0..20 {
        let key = Sha256::new([round; 32]);
        let (first, second) =
            tokio::join!(one.remember(&key, owner, b"Buenas tardes."), other.remember(&key, owner, b"Hola."));
        first.and(second).unwrap();
        let recalled = (one.recall(&key).await.unwrap(), other.recall(&key).await.unwrap());
        assert!(recalled.0.is_some() && recalled.0 == recalled.1, "{recalled:?}");
    }
    let kept =
        SERVER.sql(name(&url), "SELECT string_agg(encode(result, 'escape'), '') FROM dragoman_shared.memos").unwrap();
    assert!(!kept.contains("tardes") && !kept.contains("Hola"));
}
