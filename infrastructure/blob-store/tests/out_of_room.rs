//! Out of room: it is said, nothing half is left, and with room again everything goes on.
//!
//! Without the usual harness, because this program plays two parts: called with `--limited FOLDER`, it is
//! a process whose files must stay small (`RLIMIT_FSIZE`), which stands for a full disk.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::ports::{
    blob_store::{BlobError, BlobStore},
    event_log::Tenant,
    shelf::{Shelf, ShelfError},
    upload_store::{NewUpload, Upload, UploadError, UploadStore},
};
use blob_store::{LocalBlobStore, LocalShelf, LocalUploadStore};
use domain::value::{Personal, Timestamp};
use nix::sys::{
    resource::{Resource, setrlimit},
    signal::{SigSet, Signal},
};
use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};
use uuid::Uuid;

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
    let uploads = LocalUploadStore::open(store.clone(), u64::MAX, usize::MAX).unwrap();
    let upload = begin_upload(&uploads).await;
    let came = send(&uploads, &bytes, 0).await.unwrap_err();
    assert!(came <= LIMIT as u64, "what came before stays, and no more is told");
    assert_eq!(send(&uploads, &bytes, came).await.unwrap_err().max(came), LIMIT as u64);
    assert_eq!(fs::read_dir(folder.join("store/tmp")).unwrap().count(), 0, "nothing half is left");
    assert_eq!(fs::read(&result).unwrap(), b"old", "the old result stays");
    assert_eq!(fs::read_dir(folder.join("results")).unwrap().count(), 1);
    let small = store.put_bytes(vec![1; LIMIT], "audio/wav").await.unwrap();
    assert!(store.get_bytes(&small.sha256).await.unwrap().is_some(), "what fits is kept");

    setrlimit(Resource::RLIMIT_FSIZE, 8 * LIMIT as u64, 8 * LIMIT as u64).unwrap();
    assert_eq!(send(&uploads, &bytes, LIMIT as u64).await, Ok(bytes.len() as u64));
    let uploaded = uploads.finish(&upload.tenant, upload.id).await.unwrap();
    assert!(store.get_bytes(&uploaded.sha256).await.unwrap() == Some(bytes.clone()), "the upload went on");
    let kept = store.put_file(&large, "video/mp4").await.unwrap();
    let blob = store.path(&kept.sha256).await.unwrap().unwrap();
    LocalShelf.put(&blob, &result).await.unwrap();
    assert_eq!(fs::read(&result).unwrap(), bytes);
    println!("out of room, and with room again");
}

async fn begin_upload(uploads: &LocalUploadStore) -> Upload {
    let new = NewUpload {
        id: Uuid::from_u128(7),
        tenant: Tenant::default(),
        length: Some(4 * LIMIT as u64),
        name: Personal::new("film.mp4".to_owned()),
        media_type: "video/mp4".to_owned(),
        sha256: None,
        expires_at: Timestamp::from_unix_ms(0),
    };
    uploads.create(new).await.unwrap()
}

/// Sends what is missing. The upload's end: kept, or after the disk was full.
async fn send(uploads: &LocalUploadStore, bytes: &[u8], from: u64) -> Result<u64, u64> {
    let (tenant, id) = (Tenant::default(), Uuid::from_u128(7));
    let mut writer = uploads.open(&tenant, id, from).await.unwrap();
    let written = writer.write(&bytes[usize::try_from(from).unwrap()..]).await;
    if written.is_ok() {
        return Ok(writer.keep().await.unwrap());
    }
    assert!(matches!(written, Err(UploadError::OutOfRoom)), "{written:?}");
    drop(writer);
    Err(uploads.get(&tenant, id).await.unwrap().unwrap().offset)
}
