//! `POST /v1/dubbings/{id}/cancel`, `/pause`, `/resume`, `/retry`.

use super::set::track;
use crate::kit::Server;
use application::ports::event_log::StreamId;
use domain::flow::Stage;
use reqwest::Method;
use serde_json::json;

const VERBS: [&str; 4] = ["cancel", "pause", "resume", "retry"];

#[tokio::test]
async fn a_dubbing_is_paused_and_resumed() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let verb = async |verb: &str| server.tell(&format!("/v1/dubbings/{id}/{verb}")).await;
    assert_eq!(verb("resume").await.problem().1, "not-paused");
    assert_eq!(verb("retry").await.problem().1, "nothing-to-retry");
    let paused = verb("pause").await;
    assert_eq!((paused.status, &paused.body["paused"], &paused.body["state"]), (202, &json!(true), &json!("queued")));
    assert_eq!(paused.header("location"), format!("/v1/dubbings/{id}"));
    assert_eq!(paused.header("etag"), "\"3\"");
    assert!(paused.body["progress"].get("seconds_left").is_none());
    // Once more changes nothing.
    let again = verb("pause").await;
    assert_eq!((again.status, again.header("etag"), again.position()), (202, "\"3\"", paused.position()));
    let resumed = verb("resume").await;
    assert_eq!((resumed.status, &resumed.body["paused"]), (202, &json!(false)));
    assert!(resumed.position() > paused.position());
}

#[tokio::test]
async fn a_pause_reaches_every_language() {
    let server = Server::start().await;
    let id = server.dubbing(&["ca", "es"]).await;
    server.prepare(id).await;
    let paused = server.tell(&format!("/v1/dubbings/{id}/pause")).await;
    server.catch_up().await;
    let shown = server.read(&format!("/v1/dubbings?min_position={}", paused.position())).await.body;
    assert_eq!(shown["items"][0]["paused"], true);
    for language in ["ca", "es"] {
        let StreamId::Track(id) = track(id, language) else {
            panic!("a track");
        };
        assert!(server.api.aggregates.track(&id).await.expect("read").state.flow.is_held());
    }
}

#[tokio::test]
async fn what_is_out_of_attempts_is_retried() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.park(&StreamId::Dubbing(id), Stage::Ingest).await;
    let retried = server.tell(&format!("/v1/dubbings/{id}/retry")).await;
    assert_eq!(retried.status, 202, "{retried:?}");
    assert!(retried.body.get("problem").is_none());
    assert_eq!(retried.body["stages"][0]["state"], "waiting");
    assert_eq!(server.tell(&format!("/v1/dubbings/{id}/retry")).await.problem().1, "nothing-to-retry");
}

#[tokio::test]
async fn a_dubbing_is_cancelled_for_good() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let verb = async |verb: &str| server.tell(&format!("/v1/dubbings/{id}/{verb}")).await;
    let cancelled = verb("cancel").await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (202, &json!("cancelled")));
    assert_eq!(cancelled.body["tracks"][0]["state"], "cancelled");
    assert_eq!(verb("cancel").await.status, 202);
    for other in ["pause", "resume", "retry"] {
        assert_eq!((verb(other).await.problem().0, verb(other).await.problem().1), (409, "already-ended"), "{other}");
    }
}

#[tokio::test]
async fn a_dubbing_that_has_ended_has_ended() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.prepare(id).await;
    server.complete(id).await;
    for verb in VERBS {
        let said = server.tell(&format!("/v1/dubbings/{id}/{verb}")).await;
        assert_eq!((said.problem().0, said.problem().1), (409, "already-ended"), "{verb}");
    }
}

#[tokio::test]
async fn a_command_is_decided_on_what_its_giver_saw() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    for verb in VERBS {
        let path = format!("/v1/dubbings/{id}/{verb}");
        let stale = server.say(Method::POST, &path, None, &[("if-match", "\"1\"")]).await;
        assert_eq!((stale.problem().0, stale.problem().1), (412, "revision-mismatch"), "{verb}");
        assert_eq!(stale.body["revision"], 2);
        let malformed = server.say(Method::POST, &path, None, &[("if-match", "2")]).await;
        assert_eq!((malformed.problem().0, malformed.problem().1), (400, "invalid-header"), "{verb}");
    }
    let pause = format!("/v1/dubbings/{id}/pause");
    let said = server.say(Method::POST, &pause, None, &[("if-match", "\"1\", \"2\"")]).await;
    assert_eq!(said.status, 202);
}

#[tokio::test]
async fn a_command_that_is_repeated_is_one_command() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let keyed = [("idempotency-key", "k"), ("if-match", "\"2\"")];
    let pause = format!("/v1/dubbings/{id}/pause");
    let first = server.say(Method::POST, &pause, None, &keyed).await;
    server.tell(&format!("/v1/dubbings/{id}/resume")).await;
    let again = server.say(Method::POST, &pause, None, &keyed).await;
    assert_eq!((first.status, &first.body), (202, &again.body));
    let now = server.api.aggregates.dubbing(id).await.expect("read");
    assert_eq!((now.revision, now.state.flow.is_held()), (4, false));
}

#[tokio::test]
async fn nobody_steers_what_is_anothers() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    for verb in VERBS {
        server.hides(Method::POST, &format!("/v1/dubbings/{{id}}/{verb}"), id).await;
    }
    assert_eq!(server.api.aggregates.dubbing(id).await.expect("read").revision, 2);
}
