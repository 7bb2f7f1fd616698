//! The conformance kit of the blob store: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh store. Deliberately absent: crashes, full
//! disks and damage, which depend on where blobs are kept; those stand with the adapter.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a conformance kit fails by panicking")]

use crate::{
    aggregates::sha256,
    ports::blob_store::{BlobError, BlobStore},
};
use domain::value::{Artefact, Sha256};
use std::{fs, future::Future, path::Path, sync::Arc};

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
