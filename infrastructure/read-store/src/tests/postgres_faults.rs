//! A server that stops, cuts connections, blocks or has no room: rows and checkpoints belong together all the while, and
//! everything goes on when it can.

use super::{folded, models, postgres::row};
use crate::{PostgresReadStore, PostgresStoreError};
use application::{
    ports::{
        event_log::EventLog,
        read_store::{Batch, ReadStore, ReadStoreError},
        shadow_store::ShadowStore,
    },
    testing::{RecordedLog, story::Story},
};
use projections::{Runner, utterances};
use scratch_postgres::{ScratchPostgres, Stop};
use std::{path::Path, process::Command, sync::Arc};
use tempfile::TempDir;

/// Events folded while things break.
const EVENTS: usize = 600;
/// Events folded between two faults.
const STEP: usize = 15;

fn server() -> ScratchPostgres {
    let server = ScratchPostgres::start(&[("fsync", "off")]).unwrap();
    server.database("read").unwrap();
    server
}

/// Folds a story bit by bit, breaking something while each bit is folded; the rows end as if nothing had been.
async fn check_through(server: ScratchPostgres, fault: impl Fn(&ScratchPostgres, usize) + Send + Sync + 'static) {
    let (server, fault) = (Arc::new(server), Arc::new(fault));
    let story = Story::of_events(5, 3, EVENTS);
    let store = Arc::new(PostgresReadStore::connect(&server.url("read")).await.unwrap());
    let log = Arc::new(RecordedLog::new(vec![]));
    let runner = Runner::new(Arc::clone(&log) as Arc<dyn EventLog>, Arc::clone(&store) as Arc<dyn ReadStore>);
    let mut failed = 0;
    for (step, some) in story.events().chunks(STEP).enumerate() {
        log.push(some.iter().cloned());
        let breaking = tokio::task::spawn_blocking({
            let (server, fault) = (Arc::clone(&server), Arc::clone(&fault));
            move || fault(&server, step)
        });
        // An error is no harm: whoever runs it tries again.
        while let Err(error) = runner.catch_up().await {
            assert!(!error.is_out_of_room(), "{error}");
            failed += 1;
            assert!(failed < 100, "it does not heal: {error}");
        }
        breaking.await.unwrap();
    }
    // What was folded last may have been lost with a server that crashed: it is folded again.
    runner.catch_up().await.unwrap();
    assert_eq!(models(&*store).await, folded(story.events()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_may_be_cut_at_any_time() {
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = 'read' AND pid <> pg_backend_pid()";
    check_through(server(), move |server, _| {
        for _ in 0..3 {
            server.sql("postgres", cut).unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_may_stop_and_start_again() {
    check_through(server(), |server, step| {
        if step % 8 == 3 {
            server.stop(if step % 16 == 3 { Stop::Fast } else { Stop::Immediate }).unwrap();
            server.start_again().unwrap();
        }
    })
    .await;
}

fn batch(from: u64, to: u64, rows: std::ops::Range<u32>) -> Batch {
    let upserts = rows.map(|number| row(number, 1)).collect();
    Batch { projection: "one", from, to, table: &utterances::TABLE, upserts, deletes: vec![] }
}

/// Somebody holds a lock and does nothing more: it is waited for in vain, said, and no harm done.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_somebody_holds_is_waited_for_and_not_for_ever() {
    let server = server();
    let store = PostgresReadStore::connect(&server.url("read")).await.unwrap();
    store.apply(batch(0, 1, 0..10)).await.unwrap();
    let mut holder = postgres_schema::connect(&server.url("read").parse().unwrap()).await.unwrap();
    for lock in ["BEGIN", "LOCK TABLE dragoman_read.utterances IN ACCESS SHARE MODE"] {
        sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
    }
    // A swap needs the table for itself; rows are written and read all the same.
    store.begin("one", &utterances::TABLE).await.unwrap();
    store.shadows().apply(batch(0, 1, 0..5)).await.unwrap();
    let refused = store.swap("one", &utterances::TABLE, 1).await;
    let Err(ReadStoreError::Unavailable(error)) = refused else { unreachable!("the table is held: {refused:?}") };
    let error = error.downcast::<PostgresStoreError>().unwrap();
    assert!(error.is_undone(), "it may be tried again: {error:?}");
    store.apply(batch(1, 2, 10..20)).await.unwrap();
    assert_eq!(store.query(&utterances::TABLE, &[]).await.unwrap().len(), 20);
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    store.shadows().apply(batch(1, 2, 5..6)).await.unwrap();
    store.swap("one", &utterances::TABLE, 2).await.unwrap();
    assert_eq!(store.query(&utterances::TABLE, &[]).await.unwrap().len(), 6);
}

/// A small disk in memory; only root may mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let folder = TempDir::new().unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"]).arg(folder.path()));
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run(Command::new("umount").arg("--lazy").arg(self.0.path()));
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status} (this test needs root)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_leaves_the_last_step_whole() {
    let disk = SmallDisk::mount();
    let server = ScratchPostgres::start(&[("fsync", "off")]).unwrap();
    server.give(disk.path()).unwrap();
    server.sql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", disk.path().display())).unwrap();
    server.sql("postgres", "CREATE DATABASE read TABLESPACE small").unwrap();
    let store = PostgresReadStore::connect(&server.url("read")).await.unwrap();
    store.apply(batch(0, 1, 0..10)).await.unwrap();
    let mut at = 1;
    let full = loop {
        let rows = u32::try_from(at).unwrap() * 20_000;
        match store.apply(batch(at, at + 1, rows..rows + 20_000)).await {
            Ok(()) => at += 1,
            Err(error) => break error,
        }
        assert!(at < 100, "the disk is never full");
    };
    assert!(matches!(full, ReadStoreError::OutOfRoom), "{full:?}");
    assert_eq!(store.checkpoint("one").await.unwrap(), at);
    assert_eq!(store.count(&utterances::TABLE, &[]).await.unwrap(), 10 + (at - 1) * 20_000);
    // With room again, the same step is taken.
    run(Command::new("mount").args(["-o", "remount,size=256m"]).arg(disk.path()));
    let rows = u32::try_from(at).unwrap() * 20_000;
    store.apply(batch(at, at + 1, rows..rows + 20_000)).await.unwrap();
    assert_eq!(store.count(&utterances::TABLE, &[]).await.unwrap(), 10 + at * 20_000);
    store.close().await;
    server.stop(Stop::Immediate).unwrap();
}
