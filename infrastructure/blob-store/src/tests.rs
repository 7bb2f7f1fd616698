//! The store and the shelf on a real disk.

use crate::{LocalBlobStore, LocalShelf, digest_file};
use application::{
    aggregates::sha256,
    ports::{
        blob_store::{BlobError, BlobStore},
        shelf::{Shelf, ShelfError},
    },
    testing::blob_store_kit,
};
use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;

fn opened(folder: &TempDir) -> LocalBlobStore {
    LocalBlobStore::open(folder.path()).unwrap()
}

/// Every file beneath a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let outside = TempDir::new().unwrap();
    let make = || async {
        let folder = TempDir::new().unwrap();
        (Arc::new(opened(&folder)) as Arc<dyn BlobStore>, folder)
    };
    blob_store_kit::run(make, outside.path()).await;
}

#[tokio::test]
async fn blobs_survive_opening_again_and_leftovers_do_not() {
    let folder = TempDir::new().unwrap();
    let kept = opened(&folder).put_bytes(b"kept".to_vec(), "text/vtt").await.unwrap();
    fs::write(folder.path().join("tmp/0"), b"half a b").unwrap();
    fs::create_dir_all(folder.path().join("scratch/dead/deep")).unwrap();
    fs::write(folder.path().join("scratch/dead/deep/file"), b"x").unwrap();
    let store = opened(&folder);
    assert_eq!(store.get_bytes(&kept.sha256).await.unwrap().as_deref(), Some(&b"kept"[..]));
    assert_eq!(files(folder.path()).len(), 1, "only the blob is left");
}

#[tokio::test]
async fn what_is_kept_is_for_its_owner_and_for_reading() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder);
    let kept = store.put_bytes(b"voice".to_vec(), "audio/wav").await.unwrap();
    store.clear_scratch(None).await.unwrap();
    for part in ["blobs", "tmp", "scratch"] {
        let mode = fs::metadata(folder.path().join(part)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{part}");
    }
    let path = store.path(&kept.sha256).await.unwrap().unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o444);
}

/// Bytes that changed on disk are noticed, and keeping the content again heals the blob.
#[tokio::test]
async fn damage_is_noticed_and_healed() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder);
    let content = b"Good evening.".to_vec();
    let damages: [&[u8]; 3] = [b"Good evening!", b"Good", b""];
    for damage in damages {
        for way in ["put_bytes", "put_file", "adopt"] {
            let kept = store.put_bytes(content.clone(), "text/vtt").await.unwrap();
            let path = store.path(&kept.sha256).await.unwrap().unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            fs::write(&path, damage).unwrap();
            let found = store.get_bytes(&kept.sha256).await;
            assert!(matches!(found, Err(BlobError::Damaged(blob)) if blob == kept.sha256), "{found:?}");
            let file = store.scratch("again").await.unwrap().join("file");
            fs::write(&file, &content).unwrap();
            match way {
                "put_bytes" => store.put_bytes(content.clone(), "text/vtt").await.unwrap(),
                "put_file" => store.put_file(&file, "text/vtt").await.unwrap(),
                _ => store.adopt(&file, "text/vtt").await.unwrap(),
            };
            assert_eq!(store.get_bytes(&kept.sha256).await.unwrap(), Some(content.clone()), "{way}");
        }
    }
}

#[tokio::test]
async fn links_are_not_taken_over() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder);
    let scratch = store.scratch("work").await.unwrap();
    fs::write(scratch.join("real"), b"real").unwrap();
    symlink(scratch.join("real"), scratch.join("link")).unwrap();
    assert!(matches!(store.adopt(&scratch.join("link"), "audio/wav").await, Err(BlobError::Source(_))));
    assert!(matches!(store.adopt(&scratch, "audio/wav").await, Err(BlobError::Source(_))), "a folder");
    assert_eq!(fs::read(scratch.join("link")).unwrap(), b"real");
    assert_eq!(store.path(&sha256(b"real")).await.unwrap(), None);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_to_its_end_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let store = opened(&folder);
    // Opens like a file, and fails to be read: it is a folder.
    let outside = TempDir::new().unwrap();
    assert!(matches!(store.put_file(outside.path(), "video/mp4").await, Err(BlobError::Source(_))));
    assert!(files(folder.path()).is_empty(), "neither blob nor leftover");
}

#[tokio::test]
async fn the_shelf_puts_files_where_it_is_told() {
    let folder = TempDir::new().unwrap();
    let from = folder.path().join("blob");
    fs::write(&from, b"dub").unwrap();
    fs::set_permissions(&from, Permissions::from_mode(0o444)).unwrap();
    let long = "ñ".repeat(127);
    let names = ["a.mp4", "-dash.mp4", "with 'quotes' and \"spaces\".mp4", "日本語.mp4", long.as_str()];
    for name in names {
        for place in ["", "new/deep", "new/deep"] {
            let to = folder.path().join("results").join(place).join(name);
            LocalShelf.put(&from, &to).await.unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"dub");
            assert_eq!(LocalShelf.digest(&to).await.unwrap(), Some(sha256(b"dub")));
            assert_ne!(fs::metadata(&to).unwrap().permissions().mode() & 0o200, 0, "the user may change it");
        }
    }
    assert_eq!(files(&folder.path().join("results")).len(), 2 * names.len(), "and nothing else");
    assert_eq!(LocalShelf.digest(&folder.path().join("none")).await.unwrap(), None);
    assert_eq!(LocalShelf.digest(&folder.path().join("no/such/folder")).await.unwrap(), None);
}

#[tokio::test]
async fn the_shelf_replaces_files_and_links_but_nothing_behind_them() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, content) in [("blob", "new"), ("result", "old"), ("elsewhere", "theirs")] {
        fs::write(path(name), content).unwrap();
    }
    symlink(path("elsewhere"), path("link")).unwrap();
    for to in ["result", "link"] {
        LocalShelf.put(&path("blob"), &path(to)).await.unwrap();
        assert_eq!(fs::read(path(to)).unwrap(), b"new");
    }
    assert_eq!(fs::read(path("elsewhere")).unwrap(), b"theirs");
}

#[tokio::test]
async fn what_the_shelf_cannot_do_it_says_and_leaves_all_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("blob"), b"new").unwrap();
    fs::write(path("file"), b"old").unwrap();
    fs::create_dir(path("folder")).unwrap();
    fs::write(path("folder/theirs"), b"theirs").unwrap();
    let before: BTreeSet<PathBuf> = files(folder.path()).into_iter().collect();
    for (from, to) in [("blob", "folder"), ("blob", "file/below"), ("none", "file"), ("folder", "file")] {
        let failed = LocalShelf.put(&path(from), &path(to)).await;
        let named =
            matches!(&failed, Err(ShelfError::Io { path: named, reason }) if *named == path(to) && !reason.is_empty());
        assert!(named, "{from} to {to}: {failed:?}");
    }
    assert!(matches!(LocalShelf.digest(&path("folder")).await, Err(ShelfError::Io { .. })));
    assert_eq!(files(folder.path()).into_iter().collect::<BTreeSet<_>>(), before);
    assert_eq!(fs::read(path("file")).unwrap(), b"old");
}

#[tokio::test]
async fn leftovers_of_dead_processes_go_and_those_of_living_ones_stay() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("blob"), b"new").unwrap();
    // No process has this number: Linux gives none above 2^22.
    let dead = ".dragoman-4294967294-0.part";
    let own = |number: u32| format!(".dragoman-{}-{number}.part", std::process::id());
    (0..200).for_each(|number| fs::write(path(&own(number)), b"x").unwrap());
    let living = own(7);
    let theirs = [".dragoman-notes.part", ".dragoman-1x-0.part", "dragoman-4294967294-0.part", ".other.part"];
    for name in theirs.into_iter().chain([dead, living.as_str()]) {
        fs::write(path(name), b"x").unwrap();
    }
    LocalShelf.put(&path("blob"), &path("result")).await.unwrap();
    assert!(!path(dead).exists());
    assert!(theirs.into_iter().chain([living.as_str()]).all(|name| path(name).exists()));
}

/// Somebody looks at the result all the time: it is the old file or the new one, never half of one.
#[tokio::test(flavor = "multi_thread")]
async fn the_shelf_never_shows_half_a_file() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let contents = [vec![1_u8; 3 << 20], vec![2; 5 << 20]];
    for (name, content) in ["one", "two"].into_iter().zip(&contents) {
        fs::write(path(name), content).unwrap();
    }
    let known: BTreeSet<_> = contents.iter().map(|content| sha256(content)).collect();
    let to = path("result");
    LocalShelf.put(&path("one"), &to).await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let looking = tokio::task::spawn_blocking({
        let (to, ended) = (to.clone(), Arc::clone(&ended));
        move || {
            let mut looks = 0;
            while !ended.load(Ordering::SeqCst) || looks < 3 {
                let (seen, _) = digest_file(&to).unwrap();
                assert!(known.contains(&seen), "half a file was seen");
                looks += 1;
            }
        }
    });
    for round in 0..20 {
        LocalShelf.put(&path(if round % 2 == 0 { "two" } else { "one" }), &to).await.unwrap();
    }
    ended.store(true, Ordering::SeqCst);
    looking.await.unwrap();
}
