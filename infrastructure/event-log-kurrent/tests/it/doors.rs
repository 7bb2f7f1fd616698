//! Who gets in: passwords, certificates, and addresses where nobody is. Each failure is one sentence, without the
//! password.

use crate::{
    double::{Double, Plan},
    place::connect,
};
use application::{
    ports::event_log::EventLog,
    testing::event_log_kit::{append, assert_sound, plain, stream},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};

/// What is told of a failure to connect.
async fn refusal(url: &str) -> String {
    let Err(error) = connect(url).await else { panic!("{url} lets anybody in") };
    let told = format!("{error} {error:?}");
    assert!(!told.contains("hunter2"), "{told}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_opens_and_a_wrong_one_does_not() {
    let double = Double::planned(Plan { credentials: Some(("admin", "p@ss:w/rd")), tls: None }).await;
    let log = connect(&double.url_as("admin:p%40ss%3Aw%2Frd@")).await.expect("it opens");
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    assert_sound(&log, 1).await;
    for wrong in ["admin:hunter2@", ""] {
        let told = refusal(&double.url_as(wrong)).await;
        assert!(told.starts_with("KurrentDB refuses the user: check name and password"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_be_trusted() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, cert.pem()).expect("written");
    let double =
        Double::planned(Plan { credentials: None, tls: Some((cert.pem(), signing_key.serialize_pem())) }).await;
    let log = connect(&format!("{}&tlsCaFile={}", double.url(), authority.display())).await.expect("it is trusted");
    log.append(append(1, stream(1), 0, vec![plain(1)])).await.expect("appended");
    assert_sound(&log, 1).await;
    let told = refusal(&double.url()).await;
    assert!(told.starts_with("no TLS connection to KurrentDB at localhost:"), "{told}");
    connect(&format!("{}&tlsVerifyCert=false", double.url())).await.expect("whoever does not ask is not told");
    // Nobody speaks plainly there.
    let told = refusal(&double.url_as("me:hunter2@").replace("tls=true", "tls=false")).await;
    assert!(told.starts_with("KurrentDB does not answer at localhost:"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_where_nobody_is_is_named() {
    let mut double = Double::start().await;
    let url = double.url_as("me:hunter2@");
    double.stop().await;
    let told = refusal(&url).await;
    assert!(told.starts_with("KurrentDB does not answer at 127.0.0.1:"), "{told}");
    let told = refusal("postgres://me:hunter2@127.0.0.1/db").await;
    assert!(told.starts_with("the connection string for KurrentDB cannot be read; it looks like"), "{told}");
    let told = refusal("kurrentdb://me:hunter2@127.0.0.1:9?tlsCaFile=/nowhere/ca.pem").await;
    assert!(told.starts_with("the KurrentDB client could not be set up: "), "{told}");
}
