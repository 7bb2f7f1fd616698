//! SIGKILL while requests are begun and answered: whoever was told ids gets the same ones again, whoever
//! was told an answer gets it again.
//!
//! Without the usual harness, because this program plays two parts: called with `--serve FOLDER`, it is
//! the process that begins requests and is killed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its helper functions")]

use application::{
    ports::{
        clock::Ids,
        event_log::Tenant,
        key_vault::Key,
        request_store::{Answer, Begun, RequestStore},
    },
    testing::{CountedIds, ManualClock},
};
use domain::value::Sha256;
use read_store::SqliteRequestStore;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};
use tokio::task::JoinSet;

/// Times that the server is killed.
const KILLS: u64 = 30;
/// Requests at the same time.
const CLIENTS: u64 = 8;
const ASKED: Sha256 = Sha256::new([7; 32]);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--serve", folder, round] => runtime.block_on(serve(Path::new(folder), round.parse().unwrap())),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => runtime.block_on(check()),
    }
    ExitCode::SUCCESS
}

/// Opens the store. Each round draws other ids than all before.
async fn opened(folder: &Path, round: u64) -> SqliteRequestStore {
    let ids = CountedIds::default();
    // Skipped, so that ids drawn anew would show.
    while ids.below(u64::MAX) < round * 100_000 {}
    let path = folder.join("requests.db");
    SqliteRequestStore::open(&path, Arc::new(ManualClock::default()), Arc::new(ids), Key::new([5; 32])).await.unwrap()
}

fn answer(key: &str) -> Answer {
    Answer { status: 201, headers: vec![], body: key.as_bytes().to_vec() }
}

/// Begins requests until it is killed, saying their ids, and finishes every second one, saying so.
async fn serve(folder: &Path, round: u64) {
    let store = Arc::new(opened(folder, round).await);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let store = Arc::clone(&store);
        clients.spawn(async move {
            for number in 0.. {
                let key = format!("{round}-{client}-{number}");
                let Begun::New(ids) = store.begin(&Tenant::default(), &key, &ASKED).await.unwrap() else {
                    panic!("{key} is not new");
                };
                // Whoever reads this may be gone; being killed is all that remains then.
                let _gone = writeln!(std::io::stdout(), "{key} {}/{}", ids.command, ids.resource);
                if number % 2 == 1 {
                    store.finish(&Tenant::default(), &key, &answer(&key)).await.unwrap();
                    let _gone = writeln!(std::io::stdout(), "{key} answered");
                }
            }
        });
    }
    clients.join_all().await;
}

async fn check() {
    let folder = tempfile::tempdir().unwrap();
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for round in 0..KILLS {
        told.extend(kill_after(folder.path(), round, (round as usize * 7) % 60));
        let store = opened(folder.path(), 2 * KILLS).await;
        for (key, said) in &told {
            match store.begin(&Tenant::default(), key, &ASKED).await.unwrap() {
                // It may have been answered after what was heard of it.
                Begun::Answered(found) => assert_eq!(found, answer(key)),
                Begun::New(ids) => assert_eq!(*said, format!("{}/{}", ids.command, ids.resource), "{key}"),
                other => panic!("{key} is {other:?}"),
            }
        }
        store.close().await;
    }
    let answered = told.values().filter(|said| *said == "answered").count();
    assert!(answered > 50 && told.len() > 2 * answered, "{} were told, {answered} answered", told.len());
    println!("killed {KILLS} times: {} requests kept their ids, {answered} of them their answers", told.len());
}

/// Starts the other part and kills it after it has said so many lines; the last that it said of each key.
fn kill_after(folder: &Path, round: u64, lines: usize) -> Vec<(String, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--serve")
        .arg(folder)
        .arg(round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().take(lines);
    let said = said.map(|line| line.unwrap().split_once(' ').map(|(key, what)| (key.to_owned(), what.to_owned())));
    let said = said.map(Option::unwrap).collect();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it was killed, and did not fail");
    said
}
