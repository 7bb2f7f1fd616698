//! SIGKILL while an upload is received: what is there is a prefix of what was sent, nothing that was said
//! to be kept is missing, and the upload goes on from there to the same bytes.
//!
//! Without the usual harness, because this program plays two parts: called with `--receive FOLDER`, it is
//! the process that writes and is killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::{
    aggregates::sha256,
    ports::{
        blob_store::BlobStore,
        event_log::Tenant,
        upload_store::{NewUpload, UploadStore},
    },
};
use blob_store::{LocalBlobStore, LocalUploadStore};
use domain::value::{Personal, Timestamp};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
};
use uuid::Uuid;

/// The upload's length in bytes.
const LENGTH: usize = 24 << 20;
/// Bytes kept at once.
const PIECE: usize = 1_300_001;
/// Bytes given to the writer at once.
const PART: usize = 40_000;
/// Parts that it may be ahead of what was heard of it.
const AHEAD: usize = 5;
const ID: Uuid = Uuid::from_u128(7);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--receive", folder] => runtime.block_on(receive(Path::new(folder))),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => runtime.block_on(check()),
    }
    ExitCode::SUCCESS
}

fn content() -> Vec<u8> {
    (0..LENGTH).map(|place| (place * 31 + place / 977) as u8).collect()
}

fn opened(folder: &Path) -> (LocalBlobStore, LocalUploadStore) {
    let blobs = LocalBlobStore::open(folder).unwrap();
    let uploads = LocalUploadStore::open(blobs.clone(), LENGTH as u64, 1).unwrap();
    (blobs, uploads)
}

/// Receives what is missing, in pieces, saying of each part that it came and of each piece that it is kept.
/// Before each part it waits for a line: so it is never far ahead of whoever is to kill it.
async fn receive(folder: &Path) {
    let (_, uploads) = opened(folder);
    let (content, tenant) = (content(), Tenant::default());
    let new = NewUpload {
        id: ID,
        tenant: tenant.clone(),
        length: Some(LENGTH as u64),
        name: Personal::new("film.mp4".to_owned()),
        media_type: "video/mp4".to_owned(),
        sha256: Some(sha256(&content)),
        expires_at: Timestamp::from_unix_ms(0),
    };
    let upload = uploads.create(new).await.unwrap();
    // Whoever reads this may be gone; being killed is all that remains then.
    let say = |what: &str, bytes: u64| drop(writeln!(std::io::stdout(), "{what} {bytes}"));
    say("begins", upload.offset);
    let mut end = usize::try_from(upload.offset).unwrap();
    while end < LENGTH {
        let mut writer = uploads.open(&tenant, ID, end as u64).await.unwrap();
        let piece = &content[end..LENGTH.min(end + PIECE)];
        for part in piece.chunks(PART) {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap();
            writer.write(part).await.unwrap();
            say("came", writer.offset());
        }
        end = usize::try_from(writer.keep().await.unwrap()).unwrap();
        say("kept", end as u64);
    }
    let kept = uploads.finish(&tenant, ID).await.unwrap();
    say("finished", kept.bytes);
}

async fn check() {
    let folder = tempfile::tempdir().unwrap();
    let (content, tenant) = (content(), Tenant::default());
    let (mut kept, mut kills, mut within) = (0, 0, 0);
    // Killed after ever other numbers of lines: before the upload exists, within pieces, at their ends.
    for lines in (0..).map(|round| round * 37 % 61) {
        let (ended, said) = kill_after(folder.path(), lines);
        kept = said.filter(|said| *said > kept).unwrap_or(kept);
        if ended {
            break;
        }
        kills += 1;
        let (_, uploads) = opened(folder.path());
        let Some(upload) = uploads.get(&tenant, ID).await.unwrap() else {
            assert_eq!(kept, 0, "what was said to be kept is kept");
            continue;
        };
        assert!(upload.offset >= kept, "what was said to be kept is kept");
        within += u32::from(!upload.offset.is_multiple_of(PIECE as u64));
        // It is a blob already when it was killed between that and saying so.
        if upload.finished.is_none() {
            let data = fs::read(folder.path().join(format!("uploads/{ID}/data"))).unwrap();
            assert_eq!(data.len() as u64, upload.offset);
            assert!(data == content[..data.len()], "what is there is a prefix of what was sent");
        }
    }
    let (blobs, uploads) = opened(folder.path());
    let blob = uploads.finish(&tenant, ID).await.unwrap();
    assert_eq!(blob.sha256, sha256(&content));
    assert!(blobs.get_bytes(&blob.sha256).await.unwrap() == Some(content), "byte for byte");
    assert!(kills >= 10 && within >= 5, "killed {kills} times, {within} within a piece");
    println!("killed {kills} times, {within} of them within a piece: the upload came whole");
}

/// Starts the other part and kills it after it has said so many lines. Whether it ended before, and how
/// much it said to have kept.
fn kill_after(folder: &Path, lines: usize) -> (bool, Option<u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--receive")
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all("\n".repeat(lines + AHEAD).as_bytes()).unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().take(lines).map_while(Result::ok);
    let said: Vec<String> = said.collect();
    // Sends SIGKILL; an error means that it has ended.
    let _ended = child.kill();
    let status = child.wait().unwrap();
    assert!(status.success() || status.code().is_none(), "it failed by itself: {status}");
    let kept = said.iter().filter_map(|line| line.strip_prefix("kept ")).filter_map(|bytes| bytes.parse().ok()).max();
    (status.success() || said.len() < lines, kept)
}
