//! Shadows on both databases.

use super::{SAMPLE, opened, postgres};
use crate::PostgresReadStore;
use application::{
    ports::{read_store::ReadStore, shadow_store::ShadowStore},
    testing::{
        MemoryReadStore,
        read_store_kit::Sample,
        shadow_store_kit::{self, Store},
    },
};
use projections::parked;
use std::sync::Arc;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_promises_of_the_port() {
    let make = || async {
        let store = Arc::new(MemoryReadStore::new());
        Store { live: Arc::clone(&store) as Arc<dyn ReadStore>, shadows: store as Arc<dyn ShadowStore>, keep: () }
    };
    shadow_store_kit::run(make, SAMPLE, &parked::TABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_promises_of_the_port() {
    let make = || async {
        let keep = TempDir::new().unwrap();
        let store = Arc::new(opened(keep.path()).await);
        Store { live: Arc::clone(&store) as Arc<dyn ReadStore>, shadows: store as Arc<dyn ShadowStore>, keep }
    };
    shadow_store_kit::run(make, SAMPLE, &parked::TABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_promises_of_the_port() {
    let make = || async {
        let store = Arc::new(PostgresReadStore::connect(&postgres::database()).await.unwrap());
        Store { live: Arc::clone(&store) as Arc<dyn ReadStore>, shadows: store as Arc<dyn ShadowStore>, keep: () }
    };
    shadow_store_kit::run(make, Sample { row: postgres::row, ..SAMPLE }, &parked::TABLE).await;
}
