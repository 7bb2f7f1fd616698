//! `POST /v1/dubbings/estimate`.

use super::set::Said;
use crate::kit::{Options, Server};
use application::{admission::AdmissionLimits, estimate::Prices};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn estimate(server: &Server, languages: &[&str], more: Value) -> Said {
    let mut body = json!({"asset": server.asset("talk.mp4").await, "target_languages": languages});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let said = server.say(Method::POST, "/v1/dubbings/estimate", Some(&body), &[]).await;
    assert_eq!(said.status, 200, "{said:?}");
    said
}

fn stage<'a>(said: &'a Said, name: &str) -> &'a Value {
    let mut stages = said.body["stages"].as_array().expect("stages").iter();
    stages.find(|stage| stage["stage"] == name).expect("the stage")
}

#[tokio::test]
async fn before_anything_was_measured_the_documented_figures_stand_in() {
    let server = Server::start().await;
    let said = estimate(&server, &["es"], json!({})).await;
    let body = &said.body;
    assert_eq!((body["seconds"].as_f64(), body["basis"].as_str()), (Some(7.8), Some("assumed")));
    assert_eq!((body["wait_seconds"].as_f64(), body["source_seconds"].as_f64()), (Some(0.0), Some(60.0)));
    assert_eq!(body["cost"], json!({"currency": "EUR", "amount": "0.000000"}));
    let two = estimate(&server, &["es", "ca"], json!({})).await;
    assert_eq!((stage(&two, "ingest")["times"].as_u64(), stage(&two, "mix")["times"].as_u64()), (Some(1), Some(2)));
    assert!(two.body["seconds"].as_f64() > body["seconds"].as_f64());
    server.catch_up().await;
    assert_eq!(server.read("/v1/dubbings").await.body["items"], json!([]));
}

#[tokio::test]
async fn what_was_measured_here_is_what_it_takes() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.prepare(id).await;
    server.catch_up().await;
    let some = estimate(&server, &["es"], json!({})).await;
    assert_eq!(
        (&stage(&some, "ingest")["basis"], &stage(&some, "mix")["basis"]),
        (&json!("measured"), &json!("assumed"))
    );
    assert_eq!(some.body["basis"], "assumed");
    server.complete(id).await;
    server.catch_up().await;
    // Every stage took a second for a film of a minute: four of the whole, eleven of each language.
    let all = estimate(&server, &["es", "ca"], json!({})).await;
    assert_eq!((all.body["seconds"].as_f64(), all.body["basis"].as_str()), (Some(26.0), Some("measured")));
    assert_eq!(stage(&all, "publish")["seconds"], 2.0);
}

#[tokio::test]
async fn prices_are_per_minute() {
    let prices =
        Prices { currency: "CHF".to_owned(), transcribe: 10_000, translate: 200_000, synthesise: 1_000_000, finish: 3 };
    let server = Server::with(Options { prices, ..Options::default() }).await;
    let said = estimate(&server, &["es", "ca"], json!({})).await;
    assert_eq!(said.body["cost"], json!({"currency": "CHF", "amount": "2.410006"}));
    assert_eq!(stage(&said, "synthesise")["cost"]["amount"], "2.000000");
    let transcript = json!({"transcript": {"text": "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n"}});
    let read = estimate(&server, &["es", "ca"], transcript).await;
    assert_eq!(
        (&read.body["cost"]["amount"], &stage(&read, "transcribe")["seconds"]),
        (&json!("2.400006"), &json!(0.0))
    );
}

#[tokio::test]
async fn who_comes_late_waits_for_those_before() {
    let admission = AdmissionLimits { active_max: 2, queued_max: 10, retry_after: Duration::from_secs(7) };
    let server = Server::with(Options { admission: Some(admission), ..Options::default() }).await;
    server.dubbing(&["es"]).await;
    assert_eq!(estimate(&server, &["es"], json!({})).await.body["wait_seconds"], 0.0);
    for _ in 0..2 {
        server.dubbing(&["es"]).await;
    }
    // Three of 7.8 s each, two at a time.
    assert_eq!(estimate(&server, &["es"], json!({})).await.body["wait_seconds"], 11.7);
}
