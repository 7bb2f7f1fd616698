//! The conformance kit of snapshots: every promise of the port, as a check.

#![expect(clippy::unwrap_used, reason = "a conformance kit fails by panicking")]

use super::MemoryKeyVault;
use crate::ports::{
    event_log::{StreamId, Tenant},
    key_vault::KeyVault,
    snapshots::{Snapshot, Snapshots},
};
use domain::value::{DubbingId, Sha256, TrackId};
use std::{future::Future, sync::Arc};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Checks every promise on snapshots that use the vault given. The second value that `make` gives lives as long as they
/// do: a temporary folder. Panics at the first broken promise.
pub async fn run<Keep, Made: Future<Output = (Arc<dyn Snapshots>, Keep)>>(make: impl Fn(Arc<dyn KeyVault>) -> Made) {
    let vault = Arc::new(MemoryKeyVault::new(1));
    for number in 1..=5 {
        vault.ensure(subject(number).0).unwrap();
    }
    let (snapshots, _keep) = make(Arc::clone(&vault) as Arc<dyn KeyVault>).await;
    what_is_saved_is_loaded(&*snapshots).await;
    the_last_one_stays(&*snapshots).await;
    streams_have_their_own(&*snapshots).await;
    without_its_key_there_is_none(&*snapshots, &vault).await;
    many_at_once_leave_a_whole_one(snapshots).await;
}

/// A snapshot at this revision, whose other content follows from it.
pub fn snapshot(revision: u64, state: &[u8]) -> Snapshot {
    Snapshot {
        revision,
        hash: Sha256::new([u8::try_from(revision % 256).unwrap_or(0); 32]),
        tenant: Tenant(format!("tenant “{revision}”")),
        traceparent: revision.is_multiple_of(2).then(|| format!("00-{revision:032x}-{revision:016x}-01")),
        state: state.to_owned(),
    }
}

/// A stream that may be kept, for 1 to 5.
pub fn stream(number: u128) -> StreamId {
    StreamId::Dubbing(subject(number))
}

fn subject(number: u128) -> DubbingId {
    DubbingId(Uuid::from_u128(number))
}

async fn what_is_saved_is_loaded(snapshots: &dyn Snapshots) {
    assert_eq!(snapshots.load(&stream(1), 1).await.unwrap(), None);
    for (revision, state) in [(1, vec![]), (2, "“Buenas tardes.”".into()), (i64::MAX as u64, vec![0xff; 3 << 20])] {
        let saved = snapshot(revision, &state);
        snapshots.save(&stream(1), 1, &saved).await.unwrap();
        let loaded = snapshots.load(&stream(1), 1).await.unwrap();
        assert!(loaded == Some(saved), "at revision {revision}: {loaded:?}");
    }
}

async fn the_last_one_stays(snapshots: &dyn Snapshots) {
    // Also one of an earlier revision or version: a log that was restored is shorter than it was, and a program may be
    // replaced by an older one.
    for (revision, version) in [(300, 1), (600, 1), (600, 2), (400, 2), (700, 1), (700, u32::MAX >> 1)] {
        let saved = snapshot(revision, b"state");
        snapshots.save(&stream(2), version, &saved).await.unwrap();
        assert_eq!(snapshots.load(&stream(2), version).await.unwrap(), Some(saved));
        for other in [version - 1, version.saturating_add(1), u32::MAX] {
            assert_eq!(snapshots.load(&stream(2), other).await.unwrap(), None, "{other} is not {version}");
        }
    }
}

async fn streams_have_their_own(snapshots: &dyn Snapshots) {
    let track = |language: &str| StreamId::Track(TrackId { dubbing: subject(3), language: language.parse().unwrap() });
    let streams = [stream(3), track("es"), track("es-MX"), stream(4)];
    for (number, stream) in (1..).zip(&streams) {
        snapshots.save(stream, 1, &snapshot(number, stream.to_string().as_bytes())).await.unwrap();
    }
    for (number, stream) in (1..).zip(&streams) {
        let kept = snapshots.load(stream, 1).await.unwrap();
        assert_eq!(kept, Some(snapshot(number, stream.to_string().as_bytes())));
    }
}

async fn without_its_key_there_is_none(snapshots: &dyn Snapshots, vault: &MemoryKeyVault) {
    snapshots.save(&stream(5), 1, &snapshot(300, b"theirs")).await.unwrap();
    vault.destroy(subject(5).0).unwrap();
    assert_eq!(snapshots.load(&stream(5), 1).await.unwrap(), None);
    // What was under way when the key was destroyed leaves nothing behind.
    snapshots.save(&stream(5), 1, &snapshot(301, b"late")).await.unwrap();
    assert_eq!(snapshots.load(&stream(5), 1).await.unwrap(), None);
    // Nor is anything kept of a stream whose subject never had a key.
    snapshots.save(&stream(99), 1, &snapshot(300, b"nobody's")).await.unwrap();
    assert_eq!(snapshots.load(&stream(99), 1).await.unwrap(), None);
}

async fn many_at_once_leave_a_whole_one(snapshots: Arc<dyn Snapshots>) {
    let state = |revision: u64| vec![u8::try_from(revision).unwrap_or(0); 10_000];
    let mut writers = JoinSet::new();
    for revision in 1..=8 {
        let snapshots = Arc::clone(&snapshots);
        writers.spawn(async move {
            snapshots.save(&stream(4), 1, &snapshot(revision, &state(revision))).await.unwrap();
            snapshots.load(&stream(4), 1).await.unwrap().unwrap()
        });
    }
    for loaded in writers.join_all().await {
        assert_eq!(loaded, snapshot(loaded.revision, &state(loaded.revision)));
    }
}
