//! Out of room: it is said, nothing half is left, and with room again everything goes on.
//!
//! Without the usual harness, because this program plays two parts: called with `--limited FOLDER`, it is
//! a process whose files must stay small (`RLIMIT_FSIZE`), which stands for a full disk.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::ports::{
    blob_store::{BlobError, BlobStore},
    shelf::{Shelf, ShelfError},
};
use blob_store::{LocalBlobStore, LocalShelf};
use nix::sys::{
    resource::{Resource, setrlimit},
    signal::{SigSet, Signal},
};
use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

/// What a file may hold, in bytes.
const LIMIT: usize = 256 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--limited", folder] => play_limited(Path::new(folder)),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => check(),
    }
    ExitCode::SUCCESS
}

fn check() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("large"), vec![7; 4 * LIMIT]).unwrap();
    fs::create_dir(folder.path().join("results")).unwrap();
    fs::write(folder.path().join("results/result.mp4"), b"old").unwrap();
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program).arg("--limited").arg(folder.path()).status().unwrap();
    assert!(status.success(), "{status}");
}

fn play_limited(folder: &Path) {
    // Blocked in this thread before others are started, so that writing fails instead of the process.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    signals.thread_block().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, LIMIT as u64, 8 * LIMIT as u64).unwrap();
    runtime.block_on(limited(folder));
}

async fn limited(folder: &Path) {
    let store = LocalBlobStore::open(&folder.join("store")).unwrap();
    let large = folder.join("large");
    let result = folder.join("results/result.mp4");
    let bytes = fs::read(&large).unwrap();
    for _ in 0..3 {
        assert!(matches!(store.put_file(&large, "video/mp4").await, Err(BlobError::OutOfRoom)));
        assert!(matches!(store.put_bytes(bytes.clone(), "video/mp4").await, Err(BlobError::OutOfRoom)));
        let refused = LocalShelf.put(&large, &result).await.unwrap_err();
        assert!(matches!(&refused, ShelfError::OutOfRoom(path) if *path == result), "{refused}");
        assert!(refused.to_string().contains("dragoman resume"), "{refused}");
    }
    assert_eq!(fs::read_dir(folder.join("store/tmp")).unwrap().count(), 0, "nothing half is left");
    assert_eq!(fs::read(&result).unwrap(), b"old", "the old result stays");
    assert_eq!(fs::read_dir(folder.join("results")).unwrap().count(), 1);
    let small = store.put_bytes(vec![1; LIMIT], "audio/wav").await.unwrap();
    assert!(store.get_bytes(&small.sha256).await.unwrap().is_some(), "what fits is kept");

    setrlimit(Resource::RLIMIT_FSIZE, 8 * LIMIT as u64, 8 * LIMIT as u64).unwrap();
    let kept = store.put_file(&large, "video/mp4").await.unwrap();
    let blob = store.path(&kept.sha256).await.unwrap().unwrap();
    LocalShelf.put(&blob, &result).await.unwrap();
    assert_eq!(fs::read(&result).unwrap(), bytes);
    println!("out of room, and with room again");
}
