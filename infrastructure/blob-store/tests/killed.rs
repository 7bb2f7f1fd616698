//! SIGKILL while blobs are kept and results are put in place: a blob is whole or absent, what was said to
//! be kept is kept, a result is the old file or the new one.
//!
//! Without the usual harness, because this program plays two parts: called with `--keep FOLDER`, it is the
//! process that writes and is killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::{
    aggregates::sha256,
    ports::{blob_store::BlobStore, shelf::Shelf},
};
use blob_store::{LocalBlobStore, LocalShelf, digest_file};
use domain::value::Sha256;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

/// Times that the writer is killed.
const KILLS: usize = 30;
/// Contents that it writes over and over, by their number.
const CONTENTS: u8 = 12;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--keep", folder] => runtime.block_on(keep(Path::new(folder))),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => runtime.block_on(check()),
    }
    ExitCode::SUCCESS
}

fn content(number: u8) -> Vec<u8> {
    vec![number; (1 << 20) + usize::from(number) * 70_001]
}

/// Writes until it is killed, saying of each content when it is kept.
async fn keep(folder: &Path) {
    let store = LocalBlobStore::open(&folder.join("store")).unwrap();
    for number in (0..CONTENTS).cycle() {
        let bytes = content(number);
        let kept = match number % 3 {
            0 => store.put_bytes(bytes, "audio/wav").await.unwrap(),
            more => {
                let file = store.scratch("work").await.unwrap().join("file");
                fs::write(&file, bytes).unwrap();
                if more == 1 {
                    store.put_file(&file, "audio/wav").await.unwrap()
                } else {
                    store.adopt(&file, "audio/wav").await.unwrap()
                }
            }
        };
        let blob = store.path(&kept.sha256).await.unwrap().unwrap();
        LocalShelf.put(&blob, &folder.join("results/result.mp4")).await.unwrap();
        // Whoever reads this may be gone; being killed is all that remains then.
        let _gone = writeln!(std::io::stdout(), "{}", kept.sha256);
    }
}

async fn check() {
    let folder = tempfile::tempdir().unwrap();
    let known: BTreeSet<Sha256> = (0..CONTENTS).map(|number| sha256(&content(number))).collect();
    let mut kept = BTreeSet::new();
    for round in 0..KILLS {
        kept.extend(kill_after(folder.path(), round * 5 % 7));
        let result = folder.path().join("results/result.mp4");
        if let Some(result) = LocalShelf.digest(&result).await.unwrap() {
            assert!(known.contains(&result), "the result is whole");
        }
        let store = LocalBlobStore::open(&folder.path().join("store")).unwrap();
        for sha256 in &kept {
            assert!(store.get_bytes(sha256).await.unwrap().is_some(), "what was said to be kept is kept");
        }
        let blobs = files(&folder.path().join("store/blobs"));
        for blob in &blobs {
            assert!(known.contains(&digest_file(blob).unwrap().0), "a blob is whole or absent");
        }
        assert_eq!(files(&folder.path().join("store")).len(), blobs.len(), "no leftovers");
    }
    let blob = folder.path().join("last");
    fs::write(&blob, b"last").unwrap();
    LocalShelf.put(&blob, &folder.path().join("results/result.mp4")).await.unwrap();
    assert_eq!(files(&folder.path().join("results")).len(), 1, "the next result takes leftovers away");
    println!("killed {KILLS} times: {} contents were kept, all of them whole", kept.len());
}

/// Starts the other part and kills it after it has said so many lines; returns what it said.
fn kill_after(folder: &Path, lines: usize) -> Vec<Sha256> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--keep")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().take(lines);
    let said = said.map(|line| line.unwrap().parse().unwrap()).collect();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it was killed, and did not fail");
    said
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
