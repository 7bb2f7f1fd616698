//! Snapshots on a disk and on a server: sealed, bound to their rows, and there after opening again.

use super::{
    postgres::{SERVER, database},
    run_sql,
};
use crate::{PostgresReadStore, PostgresSnapshots, SqliteSnapshots, StoreError};
use application::{
    ports::{key_vault::KeyVault, snapshots::Snapshots},
    testing::{
        MemoryKeyVault,
        snapshots_kit::{self, snapshot, stream},
        story::SECRET,
    },
};
use std::{fs, sync::Arc};
use tempfile::TempDir;

/// Ways to alter or move the row of stream 1 at revision 300; it then belongs to stream 2 if it belongs to any.
const ALTERATIONS: [&str; 8] = [
    "UPDATE snapshots SET revision = 299",
    "UPDATE snapshots SET version = 2",
    "UPDATE snapshots SET tenant = 'another'",
    "UPDATE snapshots SET traceparent = NULL",
    "UPDATE snapshots SET traceparent = 'another'",
    "UPDATE snapshots SET hash = replace(hash, '2', '3')",
    "UPDATE snapshots SET hash = 'no hash'",
    "UPDATE snapshots SET stream = 'dubbing-00000000-0000-0000-0000-000000000002'",
];

fn vault() -> Arc<dyn KeyVault> {
    let vault = MemoryKeyVault::new(1);
    for number in 1..=2 {
        vault.ensure(stream(number).subject()).unwrap();
    }
    Arc::new(vault)
}

/// Whether any stream has a snapshot of any version that is asked for.
async fn is_found(snapshots: &dyn Snapshots) -> bool {
    let mut found = false;
    for (number, version) in [(1, 1), (1, 2), (2, 1)] {
        found |= snapshots.load(&stream(number), version).await.unwrap().is_some();
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_file_they_keep_the_promises_of_the_port() {
    let make = |vault| async {
        let folder = TempDir::new().unwrap();
        let snapshots = SqliteSnapshots::open(&folder.path().join("snapshots.db"), vault).await.unwrap();
        (Arc::new(snapshots) as Arc<dyn Snapshots>, folder)
    };
    snapshots_kit::run(make).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_server_they_keep_the_promises_of_the_port() {
    let make = |vault| async {
        let read_models = PostgresReadStore::connect(&database()).await.unwrap();
        (Arc::new(PostgresSnapshots::beside(&read_models, vault)) as Arc<dyn Snapshots>, ())
    };
    snapshots_kit::run(make).await;
}

#[tokio::test]
async fn in_a_file_they_are_sealed_bound_and_there_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("snapshots.db");
    let secret = snapshot(300, SECRET.repeat(1_000).as_bytes());
    let snapshots = SqliteSnapshots::open(&path, vault()).await.unwrap();
    snapshots.save(&stream(1), 1, &secret).await.unwrap();
    snapshots.close().await;
    for file in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "sealed");
    }
    let snapshots = SqliteSnapshots::open(&path, vault()).await.unwrap();
    assert_eq!(snapshots.load(&stream(1), 1).await.unwrap(), Some(secret.clone()));
    for alteration in ALTERATIONS.into_iter().chain(["UPDATE snapshots SET state = x'00'"]) {
        run_sql(&path, alteration).await;
        assert!(!is_found(&snapshots).await, "{alteration}");
        snapshots.save(&stream(1), 1, &secret).await.unwrap();
        assert_eq!(snapshots.load(&stream(1), 1).await.unwrap(), Some(secret.clone()), "{alteration}");
        run_sql(&path, "DELETE FROM snapshots WHERE stream LIKE '%2'").await;
    }
    let foreign = crate::SqliteReadStore::open(&path).await;
    assert!(matches!(foreign, Err(StoreError::Foreign { .. })), "it is a file of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_server_they_are_sealed_bound_and_there_again() {
    let url = database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let sql = |statement: &str| {
        let statement = statement.replace("snapshots", "dragoman_read.snapshots");
        SERVER.sql(&name, &statement).unwrap()
    };
    let secret = snapshot(300, SECRET.repeat(1_000).as_bytes());
    let read_models = PostgresReadStore::connect(&url).await.unwrap();
    PostgresSnapshots::beside(&read_models, vault()).save(&stream(1), 1, &secret).await.unwrap();
    read_models.close().await;
    let read_models = PostgresReadStore::connect(&url).await.unwrap();
    let snapshots = PostgresSnapshots::beside(&read_models, vault());
    assert_eq!(snapshots.load(&stream(1), 1).await.unwrap(), Some(secret.clone()));
    let hidden = format!("SELECT position('{SECRET}'::bytea IN state) FROM snapshots");
    assert_eq!(sql(&hidden), "0", "sealed");
    for alteration in ALTERATIONS.into_iter().chain([r"UPDATE snapshots SET state = '\x00'"]) {
        sql(alteration);
        assert!(!is_found(&snapshots).await, "{alteration}");
        snapshots.save(&stream(1), 1, &secret).await.unwrap();
        assert_eq!(snapshots.load(&stream(1), 1).await.unwrap(), Some(secret.clone()), "{alteration}");
        sql("DELETE FROM snapshots WHERE stream LIKE '%2'");
    }
}
