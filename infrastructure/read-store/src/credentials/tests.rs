//! The credentials on a real disk: what the kit cannot know.

use super::{SqliteCredentialStore, WHAT, sessions::KEPT_MS};
use crate::StoreError;
use application::{
    aggregates::sha256,
    ports::{
        credentials::{Claim, CredentialError, CredentialStore, NewSession, Rotation},
        key_vault::Key,
        passwords::PasswordHash,
    },
    testing::credential_store_kit,
};
use domain::value::{AccountId, SessionId, Sha256, Timestamp};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;
use uuid::Uuid;

const ANN: AccountId = AccountId(Uuid::from_u128(1));
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("credentials.db")
}

async fn open(folder: &TempDir) -> SqliteCredentialStore {
    SqliteCredentialStore::open(&path(folder), Key::new([5; 32])).await.unwrap()
}

fn hash(text: &str) -> Sha256 {
    sha256(text.as_bytes())
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_769_846_400_000 + ms)
}

fn new_session(number: u128, now: Timestamp) -> NewSession {
    NewSession {
        id: SessionId(Uuid::from_u128(number)),
        account: ANN,
        refresh_hash: hash(&format!("{number} 0")),
        now,
        expires_at: now.plus_ms(30 * DAY_MS),
        idle_ms: 7 * DAY_MS,
    }
}

async fn count(store: &SqliteCredentialStore, table: &'static str) -> i64 {
    let readers = store.file_for_tests().readers();
    let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(query).fetch_one(readers).await.unwrap()
}

async fn run_sql(path: &Path, sql: &'static str) -> u64 {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap();
    let changed = sqlx::raw_sql(sql).execute(&mut connection).await.unwrap().rows_affected();
    connection.close().await.unwrap();
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_of_the_port() {
    let make = || async {
        let folder = TempDir::new().unwrap();
        (Arc::new(open(&folder).await) as Arc<dyn CredentialStore>, folder)
    };
    credential_store_kit::run(make).await;
}

#[tokio::test]
async fn all_is_there_when_it_is_opened_again() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    store.claim_email(&hash("ann@example.org"), ANN).await.unwrap();
    store.set_password(ANN, &PasswordHash::new("phc".to_owned())).await.unwrap();
    store.start_session(new_session(1, at(0))).await.unwrap();
    store.rotate(&hash("1 0"), &hash("1 1"), at(1), 10).await.unwrap();
    store.put_secret(ANN.0, "totp", b"secret").await.unwrap();
    drop(store);
    let store = open(&folder).await;
    assert_eq!(store.account_of(&hash("ann@example.org")).await.unwrap(), Some(ANN));
    assert_eq!(store.password(ANN).await.unwrap().unwrap().expose(), "phc");
    assert_eq!(store.secret(ANN.0, "totp").await.unwrap().unwrap().expose(), b"secret");
    let session = SessionId(Uuid::from_u128(1));
    let repeated = store.rotate(&hash("1 0"), &hash("1 1"), at(2), 10).await.unwrap();
    assert_eq!(repeated, Rotation::Repeated { session, account: ANN });
    store.close().await;
    let closed = store.claim_email(&hash("late"), ANN).await;
    assert!(matches!(closed, Err(CredentialError::Unavailable(_))), "{closed:?}");
}

/// Commits wait for the disk, and what is removed is overwritten: both are what the writing connection says of itself.
#[tokio::test]
async fn the_file_is_written_so_that_it_lasts() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let writer = store.file_for_tests().writer().unwrap();
    for (pragma, expected) in [("PRAGMA synchronous", 2), ("PRAGMA secure_delete", 1), ("PRAGMA foreign_keys", 1)] {
        let found: i64 = sqlx::query_scalar(pragma).fetch_one(writer).await.unwrap();
        assert_eq!(found, expected, "{pragma}");
    }
}

#[tokio::test]
async fn what_lets_somebody_in_does_not_stand_in_the_file() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let planted = ["JBSWY3DPEHPK3PXP", "whsec_C2FVsBQIhrscChlQIMV", "dgr_0123456789abcdef0123", "dgt_fedcba98765432"];
    let [totp, webhook, refresh, ticket] = planted;
    store.put_secret(ANN.0, "totp", totp.as_bytes()).await.unwrap();
    store.put_secret(Uuid::from_u128(9), "webhook", webhook.as_bytes()).await.unwrap();
    store.start_session(NewSession { refresh_hash: hash(refresh), ..new_session(1, at(0)) }).await.unwrap();
    store.rotate(&hash(refresh), &hash("next"), at(1), 10).await.unwrap();
    let purpose = application::ports::credentials::TicketPurpose::Invitation;
    store.put_ticket(&hash(ticket), ANN, purpose, at(DAY_MS)).await.unwrap();
    let phc = "$argon2id$v=19$m=19456,t=2,p=1$removed";
    store.set_password(ANN, &PasswordHash::new(phc.to_owned())).await.unwrap();
    let check = |planted: &[&str]| {
        for file in fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{path:?} is its owner's alone");
            let bytes = fs::read(&path).unwrap();
            for text in planted {
                let is_there = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!is_there, "{text} stands in {path:?}");
            }
        }
    };
    check(&planted);
    store.forget(ANN).await.unwrap();
    // Closing folds the write-ahead log, in which old pages stand, into the file.
    store.close().await;
    check(&[totp, webhook, refresh, ticket, phc]);
}

#[tokio::test]
async fn another_key_opens_no_secret_and_all_else_goes_on() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    store.put_secret(ANN.0, "totp", b"secret").await.unwrap();
    store.set_password(ANN, &PasswordHash::new("phc".to_owned())).await.unwrap();
    store.close().await;
    let store = SqliteCredentialStore::open(&path(&folder), Key::new([6; 32])).await.unwrap();
    for failed in [store.secret(ANN.0, "totp").await.err(), store.secrets(ANN.0).await.err()] {
        assert!(matches!(failed, Some(CredentialError::Unavailable(_))), "it must not read as none: {failed:?}");
    }
    assert!(store.password(ANN).await.unwrap().is_some());
    store.put_secret(ANN.0, "totp", b"another").await.unwrap();
    assert_eq!(store.secret(ANN.0, "totp").await.unwrap().unwrap().expose(), b"another");
}

#[tokio::test]
async fn a_secret_that_was_moved_or_altered_does_not_open() {
    const MOVED: &str =
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'bob') WHERE name = 'ann'";
    const TO_OTHER: &str = "UPDATE secrets SET owner = x'00000000000000000000000000000002' WHERE name = 'ann'";
    const ALTERED: &str = "UPDATE secrets SET sealed = zeroblob(length(sealed)) WHERE name = 'ann'";
    const CUT: &str = "UPDATE secrets SET sealed = x'' WHERE name = 'ann'";
    for (tampering, owner) in [(MOVED, ANN.0), (TO_OTHER, Uuid::from_u128(2)), (ALTERED, ANN.0), (CUT, ANN.0)] {
        let folder = TempDir::new().unwrap();
        let store = open(&folder).await;
        for name in ["ann", "bob"] {
            store.put_secret(ANN.0, name, name.as_bytes()).await.unwrap();
        }
        assert_eq!(run_sql(&path(&folder), tampering).await, 1);
        let failed = store.secret(owner, "ann").await;
        assert!(matches!(failed, Err(CredentialError::Unavailable(_))), "{tampering}: {failed:?}");
    }
}

/// Rows that nobody here wrote are an error, and hurt nothing beside them.
#[tokio::test]
async fn altered_rows_are_said() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    store.start_session(new_session(1, at(0))).await.unwrap();
    store.claim_email(&hash("ann"), ANN).await.unwrap();
    assert_eq!(run_sql(&path(&folder), "UPDATE sessions SET idle_ms = -1").await, 1);
    assert_eq!(run_sql(&path(&folder), "UPDATE emails SET account = x'00'").await, 1);
    let session = store.session(SessionId(Uuid::from_u128(1)), at(1)).await;
    assert!(matches!(session, Err(CredentialError::Unavailable(_))), "{session:?}");
    // Both in one group, most likely: what fails does not take the other with it.
    let (ann, ida) = (hash("ann"), hash("ida"));
    let (broken, sound) = tokio::join!(store.claim_email(&ann, ANN), store.claim_email(&ida, ANN));
    assert!(matches!(broken, Err(CredentialError::Unavailable(_))), "{broken:?}");
    assert_eq!(sound.unwrap(), Claim::Yours);
}

#[tokio::test]
async fn files_of_others_and_broken_ones_are_refused() {
    let folder = TempDir::new().unwrap();
    let open_at =
        |path: PathBuf| async move { SqliteCredentialStore::open(&path, Key::new([5; 32])).await.err().unwrap() };
    let read = folder.path().join("read.db");
    crate::SqliteReadStore::open(&read).await.unwrap().close().await;
    assert!(matches!(open_at(read).await, StoreError::Foreign { what: WHAT }));
    assert!(matches!(open_at("/no/such/folder.db".into()).await, StoreError::Create { .. }));
    let broken = folder.path().join("broken.db");
    fs::write(&broken, vec![7; 8_192]).unwrap();
    let said = open_at(broken).await.to_string();
    assert_eq!(said, "the file of credentials is damaged: restore it from a backup");
    open(&folder).await.close().await;
    run_sql(&path(&folder), "PRAGMA user_version = 99").await;
    assert!(matches!(open_at(path(&folder)).await, StoreError::Newer { found: 99, .. }));
}

#[tokio::test]
async fn what_expired_long_ago_is_removed_as_it_goes() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    for number in 1..=100 {
        store.start_session(new_session(number, at(0))).await.unwrap();
    }
    // A session in use keeps the tokens that somebody might still hand in, and no more.
    let mut most = 0;
    for step in 0..120 {
        let (from, to) = (format!("100 {step}"), format!("100 {}", step + 1));
        let rotated = store.rotate(&hash(&from), &hash(&to), at(step * DAY_MS / 5), 10).await.unwrap();
        assert!(matches!(rotated, Rotation::Rotated { .. }), "{step}: {rotated:?}");
        most = most.max(count(&store, "refresh_tokens").await - 99);
    }
    assert!((35..=38).contains(&most), "seven days of five tokens each, and the current one: {most}");
    assert_eq!(store.rotate(&hash("100 0"), &hash("100 1"), at(24 * DAY_MS), 10).await.unwrap(), Rotation::Unknown);

    let late = at(31 * DAY_MS + 1);
    assert_eq!(30 * DAY_MS + KEPT_MS, 31 * DAY_MS);
    store.start_session(new_session(200, late)).await.unwrap();
    let left = count(&store, "sessions").await;
    assert!((30..=60).contains(&left), "one write removes some, and not all: {left}");
    for number in 201..=203 {
        store.start_session(new_session(number, late)).await.unwrap();
    }
    assert_eq!((count(&store, "sessions").await, count(&store, "refresh_tokens").await), (4, 4));
}

#[tokio::test]
async fn a_full_disk_is_said_and_what_fits_goes_on() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    // SQLite's own limit on the file stands for the disk's: the error is the same.
    let writer = store.file_for_tests().writer().unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(writer).await.unwrap();
    let options = SqliteConnectOptions::clone(&writer.connect_options());
    writer.set_connect_options(options.pragma("max_page_count", (pages + 2).to_string()));
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 2));
    sqlx::raw_sql(limit).execute(writer).await.unwrap();
    let (large, digest) = (vec![1; 1 << 20], hash("ann"));
    let (full, small) = tokio::join!(store.put_secret(ANN.0, "large", &large), store.claim_email(&digest, ANN));
    assert!(matches!(full, Err(CredentialError::OutOfRoom)), "{full:?}");
    assert_eq!(small.unwrap(), Claim::Yours);
    assert_eq!(store.secret(ANN.0, "large").await.unwrap(), None);
}
