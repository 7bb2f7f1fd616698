//! What is said when the log cannot be opened: one sentence, what to do, and no password.

use super::*;
use std::error::Error;

async fn refusal(url: &str) -> String {
    let opened = PostgresEventLog::connect(url, None, None, codec(), Arc::new(ManualClock::default())).await;
    let error = opened.err().expect("it does not open");
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        told.push_str(&format!(": {error}"));
        source = error.source();
    }
    assert!(!told.contains("scratch") && !told.contains("wrong-password"), "{told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_address_gets_a_sentence_of_its_own() {
    let place = Place::new();
    let server = &place.server;
    let check = async |url: String, expected: &str| {
        let told = refusal(&url).await;
        assert!(told.contains(expected), "{told}");
    };
    check("postgres:/nowhere".to_owned(), "is no address of PostgreSQL").await;
    check("mysql://root@127.0.0.1/films".to_owned(), "is no address of PostgreSQL").await;
    check("postgres://postgres:scratch@127.0.0.1:1/films".to_owned(), "no PostgreSQL server answers").await;
    check(server.url_as("postgres", "wrong-password", "postgres"), "refuses user postgres").await;
    check(server.url("nowhere"), "has no database nowhere").await;
    server.sql("postgres", "CREATE ROLE guest LOGIN PASSWORD 'scratch'").expect("a role");
    check(server.url_as("guest", "scratch", &place.database()), "lacks rights").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_log_or_program_is_refused() {
    let place = Place::new();
    let (log, database) = place.log().await;
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    log.close().await;
    let url = place.server.url(&database);
    let other = EventCodec::new("other", Arc::new(MemoryKeyVault::new(1)));
    let opened = PostgresEventLog::connect(&url, None, None, other, Arc::new(ManualClock::default())).await;
    assert!(opened.err().expect("refused").to_string().contains("the log “main”, not “other”"));
    let again = open(&url).await;
    assert_eq!(again.head().await.expect("a head"), 1);
    let sql = |statements: &str| place.server.sql(&database, statements).expect("it is done");
    sql("UPDATE dragoman_log.migrations SET sha256 = 'another'");
    assert!(refusal(&url).await.contains("drifted"));
    sql(
        "UPDATE dragoman_log.migrations SET number = 9999 WHERE number = (SELECT max(number) FROM dragoman_log.migrations)",
    );
    assert!(refusal(&url).await.contains("use the newer program"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_belongs_to_the_installation_that_has_its_keys() {
    let place = Place::new();
    let url = place.server.url(&place.database());
    let opened = async |installation: Option<u128>| {
        let installation = installation.map(Uuid::from_u128);
        let log = PostgresEventLog::connect(&url, None, installation, codec(), Arc::new(ManualClock::default())).await;
        log.map(drop).map_err(|error| error.to_string())
    };
    // A copy, for instance, has no keys and claims nothing.
    assert_eq!(opened(None).await, Ok(()));
    assert_eq!(opened(Some(1)).await, Ok(()));
    assert_eq!(opened(Some(1)).await, Ok(()));
    assert!(opened(Some(2)).await.is_err_and(|said| said.contains("another data folder")));
    assert_eq!(opened(None).await, Ok(()));
}
