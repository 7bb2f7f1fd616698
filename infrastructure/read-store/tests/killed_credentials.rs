//! SIGKILL while refresh tokens are exchanged: a session has one current token at all times, and an exchange that was
//! acknowledged has happened.
//!
//! Without the usual harness, because this program plays two parts: called with `--serve FOLDER`, it is the process
//! that exchanges tokens and is killed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its helper functions")]

use application::{
    aggregates::sha256,
    ports::{
        credentials::{CredentialStore, NewSession, Rotation},
        key_vault::Key,
    },
};
use domain::value::{AccountId, SessionId, Sha256, Timestamp};
use read_store::SqliteCredentialStore;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Times that the server is killed.
const KILLS: u128 = 20;
/// Sessions at the same time.
const CLIENTS: u128 = 8;
const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);
const ANN: AccountId = AccountId(Uuid::from_u128(1));

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

async fn opened(folder: &Path) -> SqliteCredentialStore {
    SqliteCredentialStore::open(&folder.join("credentials.db"), Key::new([5; 32])).await.unwrap()
}

/// Digest of a session's token of this number.
fn token(session: u128, number: u64) -> Sha256 {
    sha256(format!("{session} {number}").as_bytes())
}

async fn rotate(store: &SqliteCredentialStore, session: u128, number: u64) -> Rotation {
    store.rotate(&token(session, number), &token(session, number + 1), NOW, 10_000).await.unwrap()
}

/// Begins sessions and exchanges their tokens until it is killed, saying each that is done.
async fn serve(folder: &Path, round: u128) {
    let store = Arc::new(opened(folder).await);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (store, session) = (Arc::clone(&store), round * CLIENTS + client);
        clients.spawn(async move {
            let begun = NewSession {
                id: SessionId(Uuid::from_u128(session)),
                account: ANN,
                refresh_hash: token(session, 0),
                now: NOW,
                expires_at: NOW.plus_ms(1_000_000),
                idle_ms: 1_000_000,
            };
            store.start_session(begun).await.unwrap();
            for number in 0.. {
                let rotation = rotate(&store, session, number).await;
                assert!(matches!(rotation, Rotation::Rotated { .. }), "{session} {number}: {rotation:?}");
                // Whoever reads this may be gone; being killed is all that remains then.
                let _gone = writeln!(std::io::stdout(), "{session} {number}");
            }
        });
    }
    clients.join_all().await;
}

async fn check() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<u128, u64> = BTreeMap::new();
    for round in 0..KILLS {
        acknowledged.extend(kill_after(folder.path(), round, (round as usize * 7) % 60));
        check_file(folder.path()).await;
        let store = opened(folder.path()).await;
        for (session, number) in &acknowledged {
            assert!(store.session(SessionId(Uuid::from_u128(*session)), NOW).await.unwrap().unwrap().is_live);
            // What was acknowledged has happened: its successor is good, or became good and was exchanged in turn
            // without anybody hearing of it.
            match rotate(&store, *session, *number + 1).await {
                Rotation::Rotated { .. } | Rotation::Repeated { .. } => {}
                other => panic!("{session} {number}: {other:?}"),
            }
        }
        store.close().await;
        check_file(folder.path()).await;
    }
    assert!(acknowledged.len() > 50, "{} sessions only", acknowledged.len());
    println!("killed {KILLS} times: {} sessions kept what was acknowledged", acknowledged.len());
}

/// The file is sound and every session has exactly one token that was not exchanged.
async fn check_file(folder: &Path) {
    let path = folder.join("credentials.db");
    if !path.exists() {
        return;
    }
    let mut file = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap();
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut file).await.unwrap();
    assert_eq!(sound, "ok");
    let made: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut file).await.unwrap();
    if made > 0 {
        let odd: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sessions WHERE 1 <> \
             (SELECT count(*) FROM refresh_tokens WHERE session = sessions.id AND successor IS NULL)",
        )
        .fetch_one(&mut file)
        .await
        .unwrap();
        assert_eq!(odd, 0);
    }
    file.close().await.unwrap();
}

/// Starts the other part and kills it after it has said so many lines; the last that it said of each session.
fn kill_after(folder: &Path, round: u128, lines: usize) -> BTreeMap<u128, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--serve")
        .arg(folder)
        .arg(round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| {
        let line = line.unwrap();
        let (session, number) = line.split_once(' ').unwrap();
        (session.parse().unwrap(), number.parse().unwrap())
    });
    let mut said: BTreeMap<u128, u64> = heard.by_ref().take(lines).collect();
    child.kill().unwrap();
    // It went on while the last of these lines was read.
    said.extend(heard);
    assert_eq!(child.wait().unwrap().code(), None, "it was killed, and did not fail");
    said
}
