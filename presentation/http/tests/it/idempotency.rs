//! A POST that is repeated with its key is one POST.

use crate::{
    bad_requests::problem,
    kit::{Server, Thing},
};
use reqwest::{Method, RequestBuilder, Response};
use std::sync::atomic::Ordering;

const BODY: &str = r#"{"name":"a","sizes":[1]}"#;

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let server = Server::start().await;
    let first = send(server.post(BODY).header("idempotency-key", "k")).await;
    let again = send(server.post(BODY).header("idempotency-key", "k")).await;
    assert_eq!((first.status().as_u16(), again.status().as_u16()), (201, 201));
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert!(first.headers().get("idempotent-replayed").is_none());
    for name in ["location", "etag", "dragoman-position", "content-type"] {
        assert_eq!(first.headers()[name], again.headers()[name], "{name}");
    }
    assert_ne!(first.headers()["x-request-id"], again.headers()["x-request-id"]);
    assert_eq!(first.bytes().await.expect("a body"), again.bytes().await.expect("a body"));
    assert_eq!(server.inside.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_a_key_each_request_is_its_own() {
    let server = Server::start().await;
    let mut things = Vec::new();
    for _ in 0..2 {
        let body = send(server.post(BODY)).await.bytes().await.expect("a body");
        things.push(serde_json::from_slice::<Thing>(&body).expect("a thing"));
    }
    assert_ne!(things[0].id, things[1].id);
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let server = Server::start().await;
    send(server.post(BODY).header("idempotency-key", "k")).await;
    let other = send(server.post(r#"{"name":"b","sizes":[1]}"#).header("idempotency-key", "k")).await;
    let body = problem(other).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(422), Some("idempotency-key-reused")));
    let elsewhere = send(server.ask(Method::POST, "/v1/slow").header("idempotency-key", "k")).await;
    assert_eq!(problem(elsewhere).await["code"], "idempotency-key-reused");
    for key in ["a b", &"k".repeat(256)] {
        let refused = send(server.post(BODY).header("idempotency-key", key)).await;
        assert_eq!(problem(refused).await["code"], "invalid-header");
    }
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let server = Server::start().await;
    let all = (0..20).map(|_| send(server.post(BODY).header("idempotency-key", "k")));
    let statuses: Vec<u16> = futures::future::join_all(all).await.iter().map(|r| r.status().as_u16()).collect();
    assert!(statuses.iter().all(|status| [201, 409].contains(status)) && statuses.contains(&201), "{statuses:?}");
    assert_eq!(server.inside.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_its_answer_behind() {
    let server = Server::start().await;
    let slow = || server.ask(Method::POST, "/v1/slow").header("idempotency-key", "k");
    let gone = tokio::spawn(slow().send());
    server.inside.begun.notified().await;
    assert_eq!(problem(send(slow()).await).await["code"], "request-running");
    gone.abort();
    assert!(gone.await.expect_err("aborted").is_cancelled());
    server.inside.go.notify_one();
    let answer = loop {
        let answer = send(slow()).await;
        if answer.status() != 409 {
            break answer;
        }
    };
    assert_eq!((answer.status().as_u16(), &answer.headers()["idempotent-replayed"]), (200, &"true".parse().expect("")));
}

#[tokio::test]
async fn what_failed_may_be_tried_again() {
    let server = Server::start().await;
    let panicking = || server.ask(Method::POST, "/v1/panic").header("idempotency-key", "k");
    for _ in 0..2 {
        let failed = loop {
            let failed = problem(send(panicking()).await).await;
            if failed["code"] != "request-running" {
                break failed;
            }
        };
        assert_eq!(failed["code"], "internal");
    }
}
