//! SIGKILL while blobs go to a bucket and while they are fetched: an object is whole or absent, what was said to be
//! kept is kept, a copy is whole or absent.
//!
//! Without the usual harness, because this program plays three parts: called with `--keep FOLDER ENDPOINT` or
//! `--fetch FOLDER ENDPOINT`, it is the process that works and is killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::{aggregates::sha256, commands::release_file::FileUse, ports::blob_store::BlobStore};
use blob_store::{S3BlobStore, S3CacheLimits, S3Config, S3Credentials, S3Patience, digest_file};
use domain::value::Sha256;
use scratch_s3::{REGION, ScratchS3, WRITER};
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Times that each part is killed.
const KILLS: usize = 15;
/// Contents, by their number.
const CONTENTS: u8 = 6;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--keep", folder, endpoint] => runtime.block_on(keep(Path::new(folder), endpoint)),
        [_, "--fetch", folder, endpoint] => runtime.block_on(fetch(Path::new(folder), endpoint)),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => runtime.block_on(check()),
    }
    ExitCode::SUCCESS
}

/// Every other one is sent in parts.
fn content(number: u8) -> Vec<u8> {
    let bytes = if number.is_multiple_of(2) { 1 << 20 } else { 18 << 20 };
    vec![number; bytes + usize::from(number) * 70_001]
}

/// Copies go as soon as they can.
async fn store(folder: &Path, endpoint: &str) -> S3BlobStore {
    let config = S3Config {
        bucket: "films".to_owned(),
        prefix: "home".to_owned(),
        installation: Uuid::from_u128(1),
        endpoint: Some(endpoint.to_owned()),
        region: REGION.to_owned(),
        path_style: true,
        allow_http: true,
        credentials: S3Credentials {
            access_key: WRITER.0.to_owned(),
            secret_key: WRITER.1.to_owned(),
            session_token: None,
        },
        cache: S3CacheLimits { bytes_max: 0, handed_out_for: Duration::ZERO },
        patience: S3Patience::default(),
    };
    S3BlobStore::connect(&config, folder, Uuid::from_u128(7), FileUse::of_blobs(None)).await.unwrap()
}

/// Keeps and deletes until it is killed, saying of each content when it is kept.
async fn keep(folder: &Path, endpoint: &str) {
    let store = store(folder, endpoint).await;
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
        say(&kept.sha256);
        // The last one stays, and the next is sent again.
        store.delete(&sha256(&content((number + 1) % CONTENTS))).await.unwrap();
    }
}

/// Fetches until it is killed, saying of each content when it is there.
async fn fetch(folder: &Path, endpoint: &str) {
    let store = store(folder, endpoint).await;
    for number in (0..CONTENTS).cycle() {
        let name = sha256(&content(number));
        store.path(&name).await.unwrap().unwrap();
        say(&name);
    }
}

/// Whoever reads this may be gone; being killed is all that remains then.
fn say(name: &Sha256) {
    let _gone = writeln!(std::io::stdout(), "{name}");
}

async fn check() {
    let server = ScratchS3::start("films").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let known: BTreeSet<Sha256> = (0..CONTENTS).map(|number| sha256(&content(number))).collect();
    let half =
        || files(&folder.path().join("tmp")).iter().any(|file| fs::metadata(file).is_ok_and(|file| file.len() > 0));
    let (mut open, mut cut) = (0, 0);
    for round in 0..KILLS {
        // Every other time in the middle of an upload in parts.
        let is_time = || round % 2 == 0 || server.unfinished_uploads().unwrap() > open;
        let said = kill_after("--keep", folder.path(), &server, round * 5 % 7, is_time);
        open = server.unfinished_uploads().unwrap();
        let objects = objects(&server);
        if let Some(last) = said.last() {
            assert!(objects.contains(last), "what was said to be kept last is kept");
        }
        assert!(objects.is_subset(&known), "nothing else is in the bucket");
        is_whole(folder.path(), &server, &known).await;
    }
    let all = store(folder.path(), &server.endpoint()).await;
    for number in 0..CONTENTS {
        all.put_bytes(content(number), "audio/wav").await.unwrap();
    }
    assert_eq!(objects(&server), known, "what was cut before comes whole now");
    for round in 0..KILLS {
        kill_after("--fetch", folder.path(), &server, round * 5 % 7, || round % 2 == 0 || half());
        cut += usize::from(half());
        is_whole(folder.path(), &server, &known).await;
    }
    assert!(open >= 3 && cut >= 3, "{open} within an upload, {cut} while fetching");
    println!("killed {} times, {open} of them within an upload and {cut} while fetching: all is whole", 2 * KILLS);
}

/// The blobs in the bucket, each of which is whole.
fn objects(server: &ScratchS3) -> BTreeSet<Sha256> {
    // A process that was killed while it tried the bucket left what it tried it with.
    let no_blobs = ["home/probe-", "home/installation", "home/marks/"];
    let names = server.keys().unwrap().into_iter().filter(|name| !no_blobs.iter().any(|other| name.starts_with(other)));
    let objects = names.map(|name| {
        let digest = digest_file(&server.file(&name)).unwrap().0;
        assert!(name.ends_with(&digest.to_string()), "an object is whole or absent");
        digest
    });
    objects.collect()
}

/// Opens the folder anew: copies are whole, and there is nothing else.
async fn is_whole(folder: &Path, server: &ScratchS3, known: &BTreeSet<Sha256>) {
    for copy in files(&folder.join("cache")) {
        assert!(known.contains(&digest_file(&copy).unwrap().0), "a copy is whole or absent");
    }
    let opened = store(folder, &server.endpoint()).await;
    assert_eq!(files(folder).len(), files(&folder.join("cache")).len(), "no leftovers");
    drop(opened);
}

/// Starts another part and kills it after it has said so many lines, when it is time; returns what it said.
fn kill_after(part: &str, folder: &Path, server: &ScratchS3, lines: usize, is_time: impl Fn() -> bool) -> Vec<Sha256> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(part)
        .arg(folder)
        .arg(server.endpoint())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().take(lines);
    let said = said.map(|line| line.unwrap().parse().unwrap()).collect();
    let begun = Instant::now();
    while !is_time() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the time never comes");
        std::thread::yield_now();
    }
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
