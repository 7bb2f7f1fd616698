//! The conformance kit of the blob store: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh store. Deliberately absent: crashes, full
//! disks and damage, which depend on where blobs are kept; those stand with the adapter.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a conformance kit fails by panicking")]

use crate::{
    aggregates::sha256,
    ports::blob_store::{BlobError, BlobStore},
};
use domain::value::{Artefact, Sha256, Timestamp};
use std::{collections::BTreeMap, fs, future::Future, path::Path, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// A store may tell times by whole seconds.
const SECOND_MS: u64 = 1_000;
/// Between two looks at a store's clock.
const TICK: Duration = Duration::from_millis(20);
/// Rounds in which who relies on blobs races with who collects them.
const RACES: usize = 3;
/// Blobs raced for at once.
const RACERS: usize = 64;

/// Checks every promise, each on a fresh store. `folder` is an empty folder for files to keep. The second
/// value that `make` gives lives as long as the store. Panics at the first broken promise.
pub async fn run<Keep, Made: Future<Output = (Arc<dyn BlobStore>, Keep)>>(make: impl Fn() -> Made, folder: &Path) {
    let (store, _keep) = make().await;
    what_is_kept_is_found(&*store, folder).await;
    let (store, _keep) = make().await;
    the_same_content_is_kept_once(&*store, folder).await;
    let (store, _keep) = make().await;
    adopted_files_are_moved(&*store).await;
    let (store, _keep) = make().await;
    what_is_not_there_is_absent(&*store, folder).await;
    let (store, _keep) = make().await;
    deleted_blobs_are_gone_and_can_come_back(&*store).await;
    let (store, _keep) = make().await;
    scratch_folders_are_empty_and_apart(&*store).await;
    let (store, _keep) = make().await;
    names_cannot_lead_out_of_scratch(&*store, folder).await;
    let (store, _keep) = make().await;
    blobs_are_listed_in_order(&*store).await;
    let (store, _keep) = make().await;
    what_is_old_is_collected_and_what_is_held_is_not(&*store).await;
    let (store, _keep) = make().await;
    what_is_put_again_is_there_whoever_collects(store).await;
    let (store, _keep) = make().await;
    many_at_once_keep_one(store).await;
}

/// Contents at which something could go wrong: nothing, a byte, around blocks of a power of two, more.
fn contents() -> Vec<Vec<u8>> {
    let pattern = |length: usize| (0..length).map(|place| (place % 251) as u8).collect();
    [0, 1, 65_536, (1 << 20) - 1, 1 << 20, (3 << 20) + 7].map(pattern).into()
}

fn artefact(content: &[u8], media_type: &str) -> Artefact {
    Artefact { sha256: sha256(content), media_type: media_type.to_owned(), bytes: content.len() as u64 }
}

async fn holds(store: &dyn BlobStore, content: &[u8]) {
    let name = sha256(content);
    let path = store.path(&name).await.unwrap().expect("there is such a blob");
    assert_eq!(fs::read(path).unwrap(), content);
    assert_eq!(store.get_bytes(&name).await.unwrap().as_deref(), Some(content));
}

async fn what_is_kept_is_found(store: &dyn BlobStore, folder: &Path) {
    for (number, content) in contents().into_iter().enumerate() {
        let file = folder.join(format!("with 'quotes' and spaces {number}"));
        fs::write(&file, &content).unwrap();
        assert_eq!(store.put_file(&file, "video/mp4").await.unwrap(), artefact(&content, "video/mp4"));
        assert_eq!(fs::read(&file).unwrap(), content, "the file stays as it is");
        holds(store, &content).await;
        let other = [&content[..], b"!"].concat();
        assert_eq!(store.put_bytes(other.clone(), "text/vtt").await.unwrap(), artefact(&other, "text/vtt"));
        holds(store, &other).await;
    }
}

async fn the_same_content_is_kept_once(store: &dyn BlobStore, folder: &Path) {
    for content in contents() {
        let file = folder.join("once more");
        fs::write(&file, &content).unwrap();
        let first = store.put_bytes(content.clone(), "audio/wav").await.unwrap();
        let path = store.path(&first.sha256).await.unwrap();
        assert_eq!(store.put_file(&file, "audio/wav").await.unwrap(), first);
        let made = store.scratch("made").await.unwrap().join("again");
        fs::write(&made, &content).unwrap();
        assert_eq!(store.adopt(&made, "audio/wav").await.unwrap(), first);
        assert!(!made.exists(), "what was taken over is gone");
        assert_eq!(store.path(&first.sha256).await.unwrap(), path);
        holds(store, &content).await;
    }
}

async fn adopted_files_are_moved(store: &dyn BlobStore) {
    let scratch = store.scratch("work").await.unwrap();
    for (number, content) in contents().into_iter().enumerate() {
        let file = scratch.join(number.to_string());
        fs::write(&file, &content).unwrap();
        assert_eq!(store.adopt(&file, "audio/wav").await.unwrap(), artefact(&content, "audio/wav"));
        assert!(!file.exists());
    }
    store.clear_scratch(None).await.unwrap();
    for content in contents() {
        holds(store, &content).await;
    }
}

async fn what_is_not_there_is_absent(store: &dyn BlobStore, folder: &Path) {
    let nothing = Sha256::new([7; 32]);
    assert_eq!(store.path(&nothing).await.unwrap(), None);
    assert_eq!(store.get_bytes(&nothing).await.unwrap(), None);
    let missing = folder.join("not there");
    assert!(matches!(store.put_file(&missing, "video/mp4").await, Err(BlobError::Source(_))));
    assert!(matches!(store.put_file(folder, "video/mp4").await, Err(BlobError::Source(_))), "a folder is no file");
    assert!(matches!(store.adopt(&missing, "video/mp4").await, Err(BlobError::Source(_))));
}

async fn deleted_blobs_are_gone_and_can_come_back(store: &dyn BlobStore) {
    let kept = store.put_bytes(b"one".to_vec(), "text/vtt").await.unwrap();
    let other = store.put_bytes(b"other".to_vec(), "text/vtt").await.unwrap();
    for _ in 0..2 {
        store.delete(&kept.sha256).await.unwrap();
        assert_eq!(store.path(&kept.sha256).await.unwrap(), None);
        assert_eq!(store.get_bytes(&kept.sha256).await.unwrap(), None);
    }
    holds(store, b"other").await;
    assert_eq!(store.put_bytes(b"one".to_vec(), "text/vtt").await.unwrap(), kept);
    holds(store, b"one").await;
    store.delete(&other.sha256).await.unwrap();
}

async fn scratch_folders_are_empty_and_apart(store: &dyn BlobStore) {
    let (one, other) = (store.scratch("one").await.unwrap(), store.scratch("other").await.unwrap());
    for folder in [&one, &other] {
        fs::create_dir_all(folder.join("deep/down")).unwrap();
        fs::write(folder.join("deep/down/file"), b"x").unwrap();
    }
    assert_eq!(store.scratch("one").await.unwrap(), one);
    assert_eq!(fs::read_dir(&one).unwrap().count(), 0, "asked for anew, it is empty");
    assert!(other.join("deep/down/file").exists());
    for _ in 0..2 {
        store.clear_scratch(Some("one")).await.unwrap();
        assert!(!one.exists() && other.exists());
    }
    store.clear_scratch(None).await.unwrap();
    assert!(!other.exists());
    assert!(store.scratch("one").await.unwrap().exists());
}

async fn names_cannot_lead_out_of_scratch(store: &dyn BlobStore, folder: &Path) {
    let foreign = folder.join("foreign");
    fs::create_dir_all(&foreign).unwrap();
    let absolute = foreign.to_string_lossy().into_owned();
    for name in ["", ".", "..", "../blobs", "a/b", "a/..", absolute.as_str()] {
        assert!(store.scratch(name).await.is_err(), "{name:?}");
        assert!(store.clear_scratch(Some(name)).await.is_err(), "{name:?}");
    }
    assert!(foreign.exists());
}

async fn blobs_are_listed_in_order(store: &dyn BlobStore) {
    assert_eq!(store.list(None, 10).await.unwrap(), []);
    let mut expected = BTreeMap::new();
    for number in 0..40_u32 {
        let content = number.to_string().into_bytes();
        expected.insert(store.put_bytes(content.clone(), "text/vtt").await.unwrap().sha256, content.len() as u64);
        // What says that it was put again is no blob.
        store.put_bytes(content, "text/vtt").await.unwrap();
    }
    let expected: Vec<(Sha256, u64)> = expected.into_iter().collect();
    for limit in [1, 7, 40, 41] {
        let mut listed = Vec::new();
        loop {
            let after = listed.last().map(|(blob, _)| *blob);
            let page = store.list(after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            listed.extend(page.iter().map(|blob| (blob.sha256, blob.bytes)));
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(listed, expected, "{limit} at a time");
    }
}

async fn put_at(store: &dyn BlobStore, blob: &Sha256) -> Timestamp {
    let listed = store.list(None, usize::MAX).await.unwrap();
    listed.iter().find(|stored| stored.sha256 == *blob).expect("it is listed").put_at
}

/// Waits until the store's clock shows a later time than that.
async fn until_after(store: &dyn BlobStore, moment: Timestamp) {
    for number in 0_u32.. {
        assert!(number < 500, "the store's clock stands still");
        let tick = store.put_bytes(format!("tick {number}").into_bytes(), "text/vtt").await.unwrap();
        let shown = put_at(store, &tick.sha256).await;
        store.delete(&tick.sha256).await.unwrap();
        if shown > moment {
            return;
        }
        tokio::time::sleep(TICK).await;
    }
}

async fn what_is_old_is_collected_and_what_is_held_is_not(store: &dyn BlobStore) {
    let contents: Vec<Vec<u8>> = ["old", "held", "put again", "adopted again"].map(Into::into).to_vec();
    let mut newest = Timestamp::from_unix_ms(0);
    for content in &contents {
        let kept = store.put_bytes(content.clone(), "audio/wav").await.unwrap();
        let since = put_at(store, &kept.sha256).await;
        assert!(!store.collect(&kept.sha256, since).await.unwrap(), "it was put then, and not before");
        newest = newest.max(since);
    }
    let older = newest.plus_ms(SECOND_MS);
    until_after(store, older).await;
    assert!(store.hold(&sha256(b"held")).await.unwrap());
    store.put_bytes(b"put again".to_vec(), "audio/wav").await.unwrap();
    let file = store.scratch("again").await.unwrap().join("file");
    fs::write(&file, b"adopted again").unwrap();
    store.adopt(&file, "audio/wav").await.unwrap();
    for content in &contents {
        let is_old = content == b"old";
        assert_eq!(store.collect(&sha256(content), older).await.unwrap(), is_old);
        assert_eq!(store.has(&sha256(content)).await.unwrap(), !is_old);
        assert!(!store.collect(&Sha256::new([7; 32]), older).await.unwrap(), "nothing is there");
    }
    assert!(!store.hold(&sha256(b"old")).await.unwrap());
    assert_eq!(store.path(&sha256(b"old")).await.unwrap(), None);
    store.put_bytes(b"old".to_vec(), "audio/wav").await.unwrap();
    holds(store, b"old").await;
    assert!(!store.collect(&sha256(b"old"), older).await.unwrap(), "it came back");
    let far = put_at(store, &sha256(b"old")).await.plus_ms(3_600_000);
    assert!(store.collect(&sha256(b"held"), far).await.unwrap(), "held, and long ago");
}

/// Whoever was told that a blob is kept, or held, finds it, whatever a collector does at that moment.
async fn what_is_put_again_is_there_whoever_collects(store: Arc<dyn BlobStore>) {
    for round in 0..RACES {
        let contents: Vec<Vec<u8>> = (0..RACERS).map(|racer| format!("{round} {racer}").into_bytes()).collect();
        let mut newest = Timestamp::from_unix_ms(0);
        for content in &contents {
            store.put_bytes(content.clone(), "audio/wav").await.unwrap();
        }
        for stored in store.list(None, usize::MAX).await.unwrap() {
            newest = newest.max(stored.put_at);
        }
        let older = newest.plus_ms(SECOND_MS);
        until_after(&*store, older).await;
        let mut races = JoinSet::new();
        for (racer, content) in contents.into_iter().enumerate() {
            let (one, other, blob) = (Arc::clone(&store), Arc::clone(&store), sha256(&content));
            races.spawn(async move {
                let collecting = tokio::spawn(async move { one.collect(&blob, older).await.unwrap() });
                let relying = tokio::spawn(async move {
                    if racer % 2 == 0 {
                        return other.hold(&blob).await.unwrap();
                    }
                    other.put_bytes(content, "audio/wav").await.unwrap();
                    true
                });
                (blob, collecting.await.unwrap(), relying.await.unwrap())
            });
        }
        for (blob, is_collected, is_relied_on) in races.join_all().await {
            assert_eq!(store.has(&blob).await.unwrap(), is_relied_on, "collected: {is_collected}");
        }
    }
}

async fn many_at_once_keep_one(store: Arc<dyn BlobStore>) {
    let content = vec![42; 2 << 20];
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, content) = (Arc::clone(&store), content.clone());
            tokio::spawn(async move {
                if writer % 2 == 0 {
                    return store.put_bytes(content, "audio/wav").await.unwrap();
                }
                let file = store.scratch(&format!("writer-{writer}")).await.unwrap().join("file");
                fs::write(&file, content).unwrap();
                store.adopt(&file, "audio/wav").await.unwrap()
            })
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.await.unwrap(), artefact(&content, "audio/wav"));
    }
    holds(&*store, &content).await;
}
