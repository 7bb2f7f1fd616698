//! Connections that cannot be had, and schemas in every standing, on a real server.

use crate::{ConnectError, Migration, Schema, SchemaError, Step, connect, connect_options};
use scratch_postgres::ScratchPostgres;
use sqlx::PgConnection;
use std::{
    error::Error,
    io::{Read, Write},
    net::TcpListener,
    thread,
};

const ONE: Migration = Migration { number: 1, name: "films", sql: "CREATE TABLE films (name text); SELECT 1" };
const TWO: Migration = Migration { number: 2, name: "years", sql: "ALTER TABLE test_one.films ADD year integer" };
const BAD: Migration = Migration { number: 2, name: "years", sql: "CREATE TABLE left_over (x text); SELECT 1 / 0" };
const YOUNG: Schema = Schema { name: "test_one", migrations: &[ONE] };
const GROWN: Schema = Schema { name: "test_one", migrations: &[ONE, TWO] };

fn server() -> ScratchPostgres {
    ScratchPostgres::start(&[("fsync", "off")]).expect("a server")
}

async fn connected(url: &str) -> PgConnection {
    connect(&connect_options(url).unwrap()).await.unwrap()
}

/// A whole message: with what lies beneath.
fn said(error: &dyn Error) -> String {
    let beneath = error.source().map_or_else(String::new, |source| format!(": {}", said(source)));
    format!("{error}{beneath}")
}

#[track_caller]
fn check_says(error: &dyn Error, words: &[&str]) {
    let message = said(error);
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
    assert!(!error.to_string().contains(". "), "one sentence: {message}");
    assert!(!message.contains("scratch") && !message.contains("sesame"), "no password: {message}");
}

#[tokio::test]
async fn why_there_is_no_connection_is_said_in_one_sentence() {
    for url in ["", "postgres", "mysql://root:sesame@host/films", "postgres://me:sesame@host:port/films"] {
        let error = connect_options(url).unwrap_err();
        assert!(matches!(error, ConnectError::NoAddress { .. }), "{error:?}");
        check_says(&error, &["postgres://user:password@host:5432/database"]);
    }
    let server = server();
    let films = server.database("films").unwrap();
    server
        .sql("films", "CREATE ROLE visitor LOGIN PASSWORD 'sesame'; REVOKE CONNECT ON DATABASE films FROM PUBLIC")
        .unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = server.port().to_string();
    let cases: [(String, &[&str]); 5] = [
        (format!("postgres://me:sesame@{nobody}/films"), &["no PostgreSQL server answers", &nobody.to_string()]),
        (server.url_as("postgres", "sesame", "films"), &["refuses user postgres", &port]),
        (server.url_as("stranger", "sesame", "films"), &["refuses user stranger", &port]),
        (server.url("books"), &["has no database books", "createdb books"]),
        (server.url_as("visitor", "sesame", "films"), &["visitor may not connect", "GRANT CONNECT ON DATABASE films"]),
    ];
    for (url, words) in cases {
        let error = connect(&connect_options(&url).unwrap()).await.unwrap_err();
        check_says(&error, words);
    }
    let encrypted = format!("{films}?sslmode=require");
    check_says(&connect(&connect_options(&encrypted).unwrap()).await.unwrap_err(), &["could not be encrypted"]);
}

/// Plays a server of another version: refuses encryption, lets everybody in and says which version it is.
fn old_server(version: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://me:sesame@{}/films", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut heard = [0; 1024];
        client.read_exact(&mut heard[..8]).unwrap();
        client.write_all(b"N").unwrap();
        let _startup = client.read(&mut heard).unwrap();
        let told = [b"server_version\0", version.as_bytes(), b"\0"].concat();
        let message = |kind: u8, body: &[u8]| {
            let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
            [&[kind], &length[..], body].concat()
        };
        let answer = [message(b'R', &[0; 4]), message(b'S', &told), message(b'K', &[0; 8]), message(b'Z', b"I")];
        client.write_all(&answer.concat()).unwrap();
        // Until the client goes.
        let _gone = client.read(&mut heard);
    });
    url
}

#[tokio::test]
async fn old_servers_are_refused_by_their_version() {
    let error = connect(&connect_options(&old_server("14.20 (Debian)")).unwrap()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Old { major: 14, .. }), "{error:?}");
    check_says(&error, &["has version 14", "version 15 or newer"]);
    connect(&connect_options(&old_server("15.0")).unwrap()).await.unwrap();
}

#[tokio::test]
async fn sessions_have_time_outs() {
    let server = server();
    let mut connection = connected(&server.database("films").unwrap()).await;
    for setting in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
        let found: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(&mut connection).await.unwrap();
        assert_ne!(found, "0", "{setting}");
    }
}

#[tokio::test]
async fn a_schema_is_made_kept_up_to_date_and_never_changed_unasked() {
    let server = server();
    let mut connection = connected(&server.database("films").unwrap()).await;
    let step = |migration: Migration| Step { schema: "test_one", number: migration.number, name: migration.name };
    assert_eq!(GROWN.pending(&mut connection).await.unwrap(), [step(ONE), step(TWO)]);
    assert!(matches!(YOUNG.check(&mut connection).await, Err(SchemaError::Behind { missing: 1, .. })));
    YOUNG.open(&mut connection).await.unwrap();
    YOUNG.open(&mut connection).await.unwrap();
    let behind = GROWN.open(&mut connection).await.unwrap_err();
    check_says(&behind, &["lacks 1 of", "run `dragoman migrate`"]);
    assert_eq!(GROWN.bring_up_to_date(&mut connection).await.unwrap(), [step(TWO)]);
    assert_eq!(GROWN.bring_up_to_date(&mut connection).await.unwrap(), []);
    GROWN.check(&mut connection).await.unwrap();
    let newer = YOUNG.open(&mut connection).await.unwrap_err();
    assert!(matches!(newer, SchemaError::Newer { found: 2, known: 1, .. }), "{newer:?}");
    check_says(&newer, &["newer program"]);
    let applied =
        server.sql("films", "SELECT number, name, length(sha256) FROM test_one.migrations ORDER BY 1").unwrap();
    assert_eq!(applied, "1|films|64\n2|years|64");
}

#[tokio::test]
async fn what_is_not_ours_or_was_edited_is_refused() {
    let server = server();
    let mut connection = connected(&server.database("films").unwrap()).await;
    server.sql("films", "CREATE SCHEMA test_one; CREATE TABLE test_one.mine (x text)").unwrap();
    let foreign = YOUNG.open(&mut connection).await.unwrap_err();
    assert!(matches!(foreign, SchemaError::Foreign { .. }), "{foreign:?}");
    // An empty one was made for us by somebody with the right to.
    server.sql("films", "DROP TABLE test_one.mine").unwrap();
    GROWN.open(&mut connection).await.unwrap();
    let edited = Migration { sql: "CREATE TABLE films (name text, year integer)", ..ONE };
    let edited: &'static [Migration] = Vec::leak(vec![edited, TWO]);
    let drifted = Schema { name: "test_one", migrations: edited }.open(&mut connection).await.unwrap_err();
    assert!(matches!(drifted, SchemaError::Drifted { number: 1, .. }), "{drifted:?}");
    check_says(&drifted, &["migration 1 (films) is not the one of this program"]);
    // One of them was taken out of the table, or never applied.
    server.sql("films", "DELETE FROM test_one.migrations WHERE number = 1").unwrap();
    let hole = GROWN.bring_up_to_date(&mut connection).await.unwrap_err();
    assert!(matches!(hole, SchemaError::Drifted { number: 2, .. }), "{hole:?}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let server = server();
    let mut connection = connected(&server.database("films").unwrap()).await;
    let broken = Schema { name: "test_one", migrations: &[ONE, BAD] };
    let error = broken.bring_up_to_date(&mut connection).await.unwrap_err();
    check_says(&error, &["migration 2 (years) of schema test_one failed", "division by zero"]);
    assert_eq!(broken.pending(&mut connection).await.unwrap().len(), 1, "the first stays");
    assert_eq!(server.sql("films", "SELECT to_regclass('test_one.left_over') IS NULL").unwrap(), "t");
    assert_eq!(GROWN.bring_up_to_date(&mut connection).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_lacks_rights_is_named() {
    let server = server();
    server.database("films").unwrap();
    server.sql("films", "CREATE ROLE visitor LOGIN PASSWORD 'sesame'").unwrap();
    let mut visitor = connected(&server.url_as("visitor", "sesame", "films")).await;
    let error = YOUNG.open(&mut visitor).await.unwrap_err();
    check_says(&error, &["user visitor lacks rights", "GRANT CREATE ON DATABASE films TO visitor"]);
    let mut owner = connected(&server.url("films")).await;
    YOUNG.open(&mut owner).await.unwrap();
    assert!(matches!(YOUNG.check(&mut visitor).await, Err(SchemaError::NoRight { .. })), "it may not even look");
    // Whoever may only look can find out whether all is well.
    server
        .sql("films", "GRANT USAGE ON SCHEMA test_one TO visitor; GRANT SELECT ON test_one.migrations TO visitor")
        .unwrap();
    YOUNG.check(&mut visitor).await.unwrap();
    assert!(matches!(GROWN.bring_up_to_date(&mut visitor).await, Err(SchemaError::NoRight { .. })));
    GROWN.bring_up_to_date(&mut owner).await.unwrap();
    GROWN.check(&mut visitor).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_migrate_at_once_each_migration_has_one() {
    let server = server();
    let url = server.database("films").unwrap();
    let runs: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { GROWN.bring_up_to_date(&mut connected(&url).await).await })
        })
        .collect();
    let mut applied = Vec::new();
    for run in runs {
        applied.extend(run.await.unwrap().unwrap().into_iter().map(|step| step.number));
    }
    applied.sort_unstable();
    assert_eq!(applied, [1, 2]);
}

#[tokio::test]
async fn a_replica_is_checked_and_never_changed() {
    let server = server();
    let url = server.database("films").unwrap();
    YOUNG.open(&mut connected(&url).await).await.unwrap();
    let replica = server.replica(&[("fsync", "off")]).unwrap();
    let mut connection = connected(&replica.url("films")).await;
    YOUNG.open(&mut connection).await.unwrap();
    let error = GROWN.bring_up_to_date(&mut connection).await.unwrap_err();
    check_says(&error, &["only reads", "primary"]);
}
