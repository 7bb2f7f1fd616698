//! No more is set in motion than there is room for, whatever would do it.

use crate::{
    film::Film,
    kit::{Options, Server},
};
use application::admission::AdmissionLimits;
use domain::flow::Stage;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// There is room for one dubbing, and it is taken.
async fn full() -> Server {
    let admission = AdmissionLimits { active_max: 1, queued_max: 0, retry_after: Duration::from_secs(7) };
    let server = Server::with(Options { admission: Some(admission), ..Options::default() }).await;
    server.dubbing(&["es"]).await;
    server
}

/// Refused, and nothing is written.
async fn check(server: &Server, path: &str, body: Option<&Value>) {
    let head = server.api.log.head().await.expect("read");
    let refused = server.say(Method::POST, path, body, &[]).await;
    assert_eq!((refused.problem().0, refused.problem().1), (503, "overloaded"), "{path}");
    assert_eq!(refused.header("retry-after"), "7");
    assert_eq!(server.api.log.head().await.expect("read"), head, "{path}");
    assert_eq!(server.api.admission.depth().reserved, 0);
}

#[tokio::test]
async fn a_finished_dubbing_needs_room_for_more() {
    let server = full().await;
    let film = Film::published(&server).await;
    check(&server, &film.path("/tracks"), Some(&json!({"target_languages": ["ca"]}))).await;
    let edit = film.send(Method::PATCH, &film.of_track("/utterances/u1"), r#"{"rate":90}"#).header("if-match", "*");
    film.json(edit, 200).await;
    check(&server, &film.of_track("/regenerate"), None).await;
    let dry = server.tell(&film.of_track("/regenerate?dry_run=true")).await;
    assert_eq!((dry.status, &dry.body["dry_run"]), (200, &json!(true)));
}

#[tokio::test]
async fn what_stands_still_needs_room_to_go_on() {
    let server = full().await;
    let film = Film::transcribed(&server).await;
    film.begin().await;
    assert_eq!(server.tell(&film.path("/pause")).await.status, 202);
    check(&server, &film.path("/resume"), None).await;
    let parked = Film::transcribed(&server).await;
    parked.begin().await;
    parked.park(Stage::Translate).await;
    check(&server, &parked.path("/retry"), None).await;
    // What ends work needs none.
    assert_eq!(server.tell(&film.path("/cancel")).await.status, 202);
}

#[tokio::test]
async fn what_has_its_place_needs_no_other_one() {
    let admission = AdmissionLimits { active_max: 1, queued_max: 0, retry_after: Duration::from_secs(7) };
    let server = Server::with(Options { admission: Some(admission), ..Options::default() }).await;
    let id = server.dubbing(&["es"]).await;
    let tracks = format!("/v1/dubbings/{id}/tracks");
    let more = server.say(Method::POST, &tracks, Some(&json!({"target_languages": ["ca"]})), &[]).await;
    assert_eq!(more.status, 202, "{more:?}");
    for verb in ["pause", "resume"] {
        assert_eq!(server.tell(&format!("/v1/dubbings/{id}/{verb}")).await.status, 202, "{verb}");
    }
    let depth = server.api.admission.depth();
    assert_eq!((depth.waiting, depth.reserved), (1, 0));
}

#[tokio::test]
async fn what_was_resumed_takes_its_place_at_once() {
    let admission = AdmissionLimits { active_max: 1, queued_max: 0, retry_after: Duration::from_secs(7) };
    let server = Server::with(Options { admission: Some(admission), ..Options::default() }).await;
    let (first, second) = (Film::transcribed(&server).await, Film::transcribed(&server).await);
    for film in [&first, &second] {
        assert_eq!(server.tell(&film.path("/pause")).await.status, 202);
    }
    assert_eq!(server.tell(&first.path("/resume")).await.status, 202);
    check(&server, &second.path("/resume"), None).await;
}
