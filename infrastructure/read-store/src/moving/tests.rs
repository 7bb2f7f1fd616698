//! Moves between real places.

use super::{CopiedKept, KeptCopyError, KeptFiles, KeptPlace, TakenOver, copy_kept};
use crate::{
    PostgresCredentialStore, PostgresDeliveryStore, SharedDatabase, SqliteCredentialStore, SqliteDeliveryStore,
    shared::tests::{
        SERVER, database,
        deliveries::{NOW, attempt, batch},
        joined, name, node,
    },
};
use application::{
    aggregates::sha256,
    ports::{
        credentials::{CredentialStore, NewKey, NewSession, Rotation, TicketPurpose, Used},
        delivery_store::{AttemptEnding, DeliveryQuery, DeliveryStore, Next},
        event_log::Tenant,
        key_vault::Key,
        passwords::PasswordHash,
    },
};
use domain::value::{AccountId, KeyId, Scope, SessionId, Sha256, WebhookId};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

const ANN: AccountId = AccountId(Uuid::from_u128(1));
const SEAL: [u8; 32] = [5; 32];
/// More than two pages.
const DELIVERIES: u64 = 1_100;

fn hash(text: &str) -> Sha256 {
    sha256(text.as_bytes())
}

fn files(folder: &Path) -> KeptFiles {
    KeptFiles { credentials: folder.join("credentials.db"), deliveries: folder.join("webhooks.db") }
}

async fn in_files(files: &KeptFiles) -> (SqliteCredentialStore, SqliteDeliveryStore) {
    let credentials = SqliteCredentialStore::open(&files.credentials, Key::new(SEAL)).await.unwrap();
    (credentials, SqliteDeliveryStore::open(&files.deliveries).await.unwrap())
}

fn over(database: &SharedDatabase) -> (PostgresCredentialStore, PostgresDeliveryStore) {
    let credentials = PostgresCredentialStore::new(database.clone(), Key::new(SEAL));
    (credentials, PostgresDeliveryStore::new(database.clone()))
}

/// Something of everything.
async fn settle(credentials: &dyn CredentialStore, deliveries: &dyn DeliveryStore) {
    for number in 0..600_u32 {
        credentials.claim_email(&hash(&number.to_string()), ANN).await.unwrap();
    }
    credentials.set_password(ANN, &PasswordHash::new("phc".to_owned())).await.unwrap();
    credentials.put_ticket(&hash("ticket"), ANN, TicketPurpose::PasswordReset, NOW.plus_ms(1_000)).await.unwrap();
    let id = SessionId(Uuid::from_u128(7));
    let (refresh_hash, expires_at) = (hash("first"), NOW.plus_ms(1_000_000));
    let session = NewSession { id, account: ANN, refresh_hash, now: NOW, expires_at, idle_ms: 1_000_000 };
    credentials.start_session(session).await.unwrap();
    credentials.rotate(&hash("first"), &hash("second"), NOW, 0).await.unwrap();
    let (id, scopes, tenant) = (KeyId(Uuid::from_u128(8)), Scope::ALL.to_vec(), Tenant("studio “ø”".to_owned()));
    let key = NewKey { id, account: ANN, tenant, secret_hash: hash("key"), scopes, expires_at: None, now: NOW };
    credentials.put_key(key).await.unwrap();
    credentials.note_use(Used { key: id, address_digest: hash("home"), now: NOW }).await.unwrap();
    credentials.note_sign_in(ANN, &hash("home"), NOW).await.unwrap();
    credentials.put_secret(ANN.0, "totp", b"secret").await.unwrap();
    credentials.use_step(ANN, 5).await.unwrap();
    deliveries.enqueue(batch(0, DELIVERIES)).await.unwrap();
    for (number, next) in [(1, Next::Delivered), (2, Next::Dead), (3, Next::RetryAt(NOW.plus_ms(5)))] {
        let ending = attempt(AttemptEnding::Refused);
        deliveries.outcome(Uuid::from_u128(number), &ending, next).await.unwrap();
    }
    let webhook = WebhookId(Uuid::from_u128(2));
    deliveries.replay(&Tenant::default(), webhook, 1_050, DELIVERIES + 1).await.unwrap();
}

/// All of it is there, and goes on where it was.
async fn check(credentials: &dyn CredentialStore, deliveries: &dyn DeliveryStore) {
    assert_eq!(credentials.account_of(&hash("599")).await.unwrap(), Some(ANN));
    assert_eq!(credentials.password(ANN).await.unwrap().unwrap().expose(), "phc");
    assert!(credentials.ticket(&hash("ticket"), NOW).await.unwrap().is_some());
    let key = credentials.key(KeyId(Uuid::from_u128(8))).await.unwrap().unwrap();
    assert_eq!((key.tenant.0.as_str(), key.scopes, key.last_used_at), ("studio “ø”", Scope::ALL.to_vec(), Some(NOW)));
    assert!(credentials.knows_address(ANN, &hash("home")).await.unwrap());
    assert!(!credentials.note_use(Used { key: key.id, address_digest: hash("home"), now: NOW }).await.unwrap());
    assert_eq!(credentials.secret(ANN.0, "totp").await.unwrap().unwrap().expose(), b"secret");
    assert!(!credentials.use_step(ANN, 5).await.unwrap());
    let repeated = credentials.rotate(&hash("first"), &hash("second"), NOW, 10).await.unwrap();
    assert_eq!(repeated, Rotation::Repeated { session: SessionId(Uuid::from_u128(7)), account: ANN });

    assert_eq!(deliveries.checkpoint().await.unwrap(), DELIVERIES);
    let mut listed = 0;
    for webhook in 0..3 {
        let query =
            DeliveryQuery { webhook: WebhookId(Uuid::from_u128(webhook)), state: None, before: None, limit: 10_000 };
        listed += deliveries.list(&query).await.unwrap().len();
    }
    assert_eq!(listed as u64, DELIVERIES);
    let retried = deliveries.delivery(WebhookId(Uuid::from_u128(0)), Uuid::from_u128(3)).await.unwrap().unwrap();
    assert_eq!((retried.failures, retried.attempts.len(), retried.not_before), (1, 1, NOW.plus_ms(5)));
    assert_eq!(deliveries.replays().await.unwrap().len(), 1);
    assert_eq!(deliveries.due(NOW, 100, 100).await.unwrap().len(), 20, "of each line the first, and one waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_along_there_and_back() {
    let folder = TempDir::new().unwrap();
    let home = files(folder.path());
    let (credentials, deliveries) = in_files(&home).await;
    settle(&credentials, &deliveries).await;
    check(&credentials, &deliveries).await;
    credentials.close().await;
    deliveries.close().await;
    let url = database();
    let (here, there) = (KeptPlace::Files(home), KeptPlace::Database(url.clone()));
    let copied = copy_kept(&here, &there).await.unwrap();
    assert_eq!(copied, CopiedKept { accounts: 600 + 10, deliveries: 1 + DELIVERIES + 1 });
    assert_eq!(copy_kept(&here, &there).await.unwrap(), copied, "done twice, it comes to the same");

    // And back, before and after a node has used it.
    let other = TempDir::new().unwrap();
    let back = KeptPlace::Files(files(other.path()));
    assert_eq!(copy_kept(&there, &back).await.unwrap(), copied);
    let database = joined(&url).await;
    let (credentials, deliveries) = over(&database);
    check(&credentials, &deliveries).await;
    assert_eq!(copy_kept(&there, &back).await.unwrap(), copied);
    let (credentials, deliveries) = in_files(&files(other.path())).await;
    check(&credentials, &deliveries).await;

    // What is in use is not written over.
    for target in [&there, &back] {
        let refused = copy_kept(&here, target).await;
        assert!(matches!(refused, Err(KeptCopyError::InUse { what: "accounts" })), "{refused:?}");
    }
    check(&credentials, &deliveries).await;
}

/// Cut off anywhere, the target has nothing or all, and the next try comes to the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_begins_anew() {
    let folder = TempDir::new().unwrap();
    let home = files(folder.path());
    let (credentials, deliveries) = in_files(&home).await;
    settle(&credentials, &deliveries).await;
    let url = database();
    let (here, there) = (KeptPlace::Files(home), KeptPlace::Database(url.clone()));
    SharedDatabase::migrate(&url).await.unwrap();
    for round in 0..12_u64 {
        let copying = tokio::spawn({
            let (here, there) = (here.clone(), there.clone());
            async move { copy_kept(&here, &there).await }
        });
        tokio::time::sleep(std::time::Duration::from_millis(round * 8)).await;
        copying.abort();
        if let Ok(done) = copying.await {
            done.unwrap();
        }
        let count =
            |table: &str| SERVER.sql(name(&url), &format!("SELECT count(*) FROM dragoman_shared.{table}")).unwrap();
        assert!(["0", "600"].contains(&count("emails").as_str()), "{}", count("emails"));
        assert!(["0", "1100"].contains(&count("deliveries").as_str()), "{}", count("deliveries"));
    }
    copy_kept(&here, &there).await.unwrap();
    let database = joined(&url).await;
    let (credentials, deliveries) = over(&database);
    check(&credentials, &deliveries).await;
}

/// Nothing to copy is nothing copied.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_accounts_has_none_to_give() {
    let folder = TempDir::new().unwrap();
    let (url, here) = (database(), KeptPlace::Files(files(folder.path())));
    assert_eq!(copy_kept(&here, &KeptPlace::Database(url)).await.unwrap(), CopiedKept::default());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "and nothing is made there");
    let url = database();
    let there = KeptPlace::Database(url.clone());
    assert_eq!(copy_kept(&there, &here).await.unwrap(), CopiedKept::default());
    assert!(!SharedDatabase::is_made(&url).await.unwrap());
}

/// Accounts and deliveries that are still in the data folder are brought to the database, once, by one node.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_in_the_folder_is_taken_over_once() {
    let folder = TempDir::new().unwrap();
    let home = files(folder.path());
    let (credentials, deliveries) = in_files(&home).await;
    settle(&credentials, &deliveries).await;
    credentials.close().await;
    deliveries.close().await;
    // As a program before this one left it.
    for path in [&home.credentials, &home.deliveries] {
        let mut file = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap();
        sqlx::raw_sql("DROP TABLE origin; PRAGMA user_version = 1").execute(&mut file).await.unwrap();
        file.close().await.unwrap();
    }
    let url = database();
    let empty = TempDir::new().unwrap();
    let (one, other) = (joined(&url).await, joined(&url).await);
    assert_eq!(
        other.take_over(&files(empty.path())).await.unwrap(),
        None,
        "a node without such files has nothing to give"
    );
    // A node that started first has made keys for tokens: that is no account.
    over(&other).0.put_secret(Uuid::from_u128(9), "key", b"other").await.unwrap();
    let (first, second) = tokio::join!(one.take_over(&home), other.take_over(&home));
    let taken = [first.unwrap(), second.unwrap()];
    let all = TakenOver { accounts: 610, deliveries: DELIVERIES + 2 };
    assert_eq!(taken.iter().flatten().collect::<Vec<_>>(), [&all], "{taken:?}");
    let (credentials, deliveries) = over(&one);
    check(&credentials, &deliveries).await;

    // What is forgotten there does not come back from the folder.
    credentials.forget(ANN).await.unwrap();
    let again = SharedDatabase::connect(&url, node()).await.unwrap();
    assert_eq!(again.take_over(&home).await.unwrap(), None);
    assert_eq!(credentials.account_of(&hash("599")).await.unwrap(), None);
}

/// Where there are accounts already, those of the folder are left alone.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_in_the_database_are_not_written_over() {
    let folder = TempDir::new().unwrap();
    let home = files(folder.path());
    let (credentials, deliveries) = in_files(&home).await;
    settle(&credentials, &deliveries).await;
    credentials.close().await;
    let database = joined(&database()).await;
    let (theirs, _) = over(&database);
    theirs.claim_email(&hash("ben"), AccountId(Uuid::from_u128(2))).await.unwrap();
    assert_eq!(database.take_over(&home).await.unwrap(), None);
    assert_eq!(theirs.account_of(&hash("599")).await.unwrap(), None);
    assert!(theirs.account_of(&hash("ben")).await.unwrap().is_some());
}
