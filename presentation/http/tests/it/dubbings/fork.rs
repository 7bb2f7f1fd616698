//! `POST /v1/dubbings/{id}/fork`.

use crate::kit::{Options, Server};
use application::admission::AdmissionLimits;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_fork_takes_over_what_came_before() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.prepare(id).await;
    let said = server.tell(&format!("/v1/dubbings/{id}/fork?from=translate")).await;
    assert_eq!(said.status, 202, "{said:?}");
    assert_ne!(said.id(), id);
    assert_eq!(said.header("location"), format!("/v1/dubbings/{}", said.id()));
    assert_eq!(said.body["forked_from"], json!({"dubbing": id, "stage": "translate"}));
    let stages: Vec<&str> =
        said.body["stages"].as_array().into_iter().flatten().filter_map(|s| s["state"].as_str()).collect();
    assert_eq!(stages[..4], ["done", "done", "done", "waiting"]);
    assert_eq!(said.body["source"]["name"], "talk.mp4");
    server.catch_up().await;
    assert_eq!(server.read(&format!("/v1/dubbings/{}", said.id())).await.body["state"], "queued");
    assert_eq!(server.read(&format!("/v1/dubbings/{id}")).await.body["state"], "processing");
}

#[tokio::test]
async fn a_fork_leaves_out_languages_that_were_withdrawn() {
    let server = Server::start().await;
    let id = server.dubbing(&["ca", "es"]).await;
    let fork = || format!("/v1/dubbings/{id}/fork?from=ingest");
    for (language, status) in [("ca", 202), ("es", 409)] {
        let path = format!("/v1/dubbings/{id}/tracks/{language}");
        assert_eq!(server.say(Method::DELETE, &path, None, &[]).await.status, 204);
        let said = server.tell(&fork()).await;
        assert_eq!(said.status, status, "{said:?}");
        if status == 202 {
            let tracks = said.body["tracks"].as_array().expect("a list");
            assert_eq!(tracks.iter().map(|track| &track["language"]).collect::<Vec<_>>(), ["es"]);
        } else {
            assert_eq!(said.problem().1, "not-possible");
        }
    }
}

#[tokio::test]
async fn a_fork_begins_where_the_origin_has_come_to() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let early = server.tell(&format!("/v1/dubbings/{id}/fork?from=mix")).await;
    assert_eq!((early.problem().0, early.problem().1), (409, "stage-not-reached"));
    for query in ["", "?from=", "?from=nowhere", "?from=mix&from=mix", "?from=mix&to=es"] {
        let said = server.tell(&format!("/v1/dubbings/{id}/fork{query}")).await;
        assert_eq!((said.problem().0, said.problem().1), (400, "invalid-query"), "{query}");
    }
    assert_eq!(server.api.admission.depth().reserved, 0);
    server.hides(Method::POST, "/v1/dubbings/{id}/fork?from=ingest", id).await;
}

#[tokio::test]
async fn a_fork_is_of_what_its_giver_saw() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let path = format!("/v1/dubbings/{id}/fork?from=ingest");
    let stale = server.say(Method::POST, &path, None, &[("if-match", "\"1\"")]).await;
    assert_eq!((stale.problem().0, stale.problem().1), (412, "revision-mismatch"));
    for tag in ["\"2\"", "*"] {
        assert_eq!(server.say(Method::POST, &path, None, &[("if-match", tag)]).await.status, 202, "{tag}");
    }
}

#[tokio::test]
async fn a_fork_does_not_begin_with_a_source_that_is_gone_or_after_what_was_given_back() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let source = server.api.aggregates.dubbing(id).await.expect("a dubbing").state.request.clone();
    let source = source.expect("a request").source.sha256;
    let refuses = async |from: &str, detail: &str| {
        let said = server.tell(&format!("/v1/dubbings/{id}/fork?from={from}")).await;
        assert_eq!((said.problem().0, said.problem().1), (409, "not-possible"));
        assert!(said.body["detail"].as_str().is_some_and(|said| said.contains(detail)), "{said:?}");
    };
    server.api.blobs.delete(&source).await.expect("deleted");
    refuses("ingest", "not kept any more").await;
    assert_eq!(server.tell(&format!("/v1/dubbings/{id}/cancel")).await.status, 202);
    refuses("mix", "fork it from ingest, or order a new one").await;
    assert_eq!(server.api.admission.depth().reserved, 0);
}

#[tokio::test]
async fn a_fork_that_is_repeated_is_one_fork() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let path = format!("/v1/dubbings/{id}/fork?from=ingest");
    let first = server.say(Method::POST, &path, None, &[("idempotency-key", "k")]).await;
    let again = server.say(Method::POST, &path, None, &[("idempotency-key", "k")]).await;
    assert_eq!((first.status, &first.body), (202, &again.body));
    server.catch_up().await;
    assert_eq!(server.read("/v1/dubbings").await.body["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_fork_needs_room_too() {
    let admission = AdmissionLimits { active_max: 1, queued_max: 0, retry_after: Duration::from_secs(7) };
    let server = Server::with(Options { admission: Some(admission), ..Options::default() }).await;
    let id = server.dubbing(&["es"]).await;
    let refused = server.tell(&format!("/v1/dubbings/{id}/fork?from=ingest")).await;
    assert_eq!((refused.problem().0, refused.header("retry-after")), (503, "7"));
}
