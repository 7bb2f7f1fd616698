//! `GET /v1/dubbings`.

use crate::kit::{OTHER_TOKEN, Server};
use application::ports::event_log::StreamId;
use domain::{
    flow::Stage,
    project::{Project, ProjectCommand},
    value::{DubbingId, Personal, ProjectId},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

async fn order(server: &Server, name: &str, more: Value) -> DubbingId {
    let mut body = json!({"asset": server.asset(name).await, "target_languages": ["es"]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let said = server.order(&body).await;
    assert_eq!(said.status, 202, "{said:?}");
    server.later(Duration::from_secs(1));
    said.id()
}

fn ids(body: &Value) -> Vec<String> {
    let items = body["items"].as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

async fn project(server: &Server) -> Uuid {
    let id = server.api.ids.next();
    let create = ProjectCommand::Create { name: Personal::new("A series".to_owned()) };
    server.give::<Project>(&StreamId::Project(ProjectId(id)), create).await;
    id
}

#[tokio::test]
async fn a_list_shows_what_there_is() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    let body = json!({"asset": asset, "target_languages": ["es", "ca"], "client_reference": "order-7"});
    let id = server.order(&body).await.id();
    server.catch_up().await;
    let said = server.read("/v1/dubbings").await;
    let moment = "2026-01-31T08:00:00.000Z";
    let item = json!({
        "id": id, "state": "queued", "paused": false, "stands_still": false, "name": "talk.mp4", "asset": asset,
        "source_language": "en", "target_languages": ["ca", "es"], "priority": "normal", "client_reference": "order-7",
        "started_at": moment, "updated_at": moment, "revision": 3, "links": {"self": format!("/v1/dubbings/{id}")},
    });
    assert_eq!((said.status, &said.body), (200, &json!({"items": [item]})));
    assert!(said.headers.get("link").is_none());
    server.prepare(id).await;
    server.catch_up().await;
    let item = server.read("/v1/dubbings").await.body["items"][0].clone();
    assert_eq!(
        (&item["state"], &item["duration_ms"], &item["width"]),
        (&json!("processing"), &json!(60_000), &json!(1280))
    );
}

#[tokio::test]
async fn filters_leave_what_was_asked_for() {
    let server = Server::start().await;
    let project = project(&server).await;
    let talk = order(&server, "Talk.mp4", json!({"project": project, "client_reference": "Order-7"})).await;
    let song = order(&server, "Lied mit Ärger.mkv", json!({"target_languages": ["ca"]})).await;
    server.begin(&StreamId::Dubbing(song), Stage::Ingest).await;
    let film = order(&server, "film.mp4", json!({"target_languages": ["ca", "es"]})).await;
    server.catch_up().await;
    let check = async |query: &str, expected: &[DubbingId]| {
        let said = server.read(&format!("/v1/dubbings?{query}")).await;
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!((said.status, ids(&said.body)), (200, expected), "{query}");
    };
    check("", &[film, song, talk]).await;
    check("state=queued", &[film, talk]).await;
    check("state=preparing,completed", &[song]).await;
    check("language=ca", &[film, song]).await;
    check("language=ES&state=queued", &[film, talk]).await;
    check(&format!("project={project}"), &[talk]).await;
    check(&format!("project={}", Uuid::from_u128(1)), &[]).await;
    check("text=talk", &[talk]).await;
    check("text=order-", &[talk]).await;
    check("text=MIT%20%C3%A4RGER", &[song]).await;
    check(&format!("text={}", film.to_string().to_uppercase()), &[film]).await;
    check("text=.mp4&language=es", &[film, talk]).await;
    check("text=nothing", &[]).await;
    check("started_after=2026-01-31T08:00:01Z", &[film, song]).await;
    check("started_before=2026-01-31T10:00:01%2B02:00", &[talk]).await;
    check("started_after=2026-01-31T08:00:01Z&started_before=2026-01-31T08:00:02Z", &[song]).await;
}

#[tokio::test]
async fn wrong_filters_are_refused_by_name() {
    let server = Server::start().await;
    let long = format!("text={}", "x".repeat(201));
    let wrong = [
        ("state=parked", "state"),
        ("state=", "state"),
        ("state=queued&state=failed", "state"),
        ("language=..", "language"),
        ("project=1", "project"),
        ("text=", "text"),
        (long.as_str(), "text"),
        ("started_after=yesterday", "started_after"),
        ("started_before=2026-13-01T00:00:00Z", "started_before"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("order=asc", "order"),
        ("min_position=x", "min_position"),
    ];
    for (query, name) in wrong {
        let said = server.read(&format!("/v1/dubbings?{query}")).await;
        assert_eq!((said.problem().0, said.problem().1), (400, "invalid-query"), "{query}");
        assert_eq!(said.body["errors"][0]["parameter"], name, "{query}");
    }
    for cursor in ["x", "bnVsbA", "WyJ4IiwieSJd"] {
        let said = server.read(&format!("/v1/dubbings?cursor={cursor}")).await;
        assert_eq!((said.problem().0, said.problem().1), (400, "invalid-cursor"), "{cursor}");
    }
}

/// Follows the links from page to page; between pages, something new comes in.
async fn walk(server: &Server, first: &str) -> Vec<String> {
    let (mut path, mut seen) = (first.to_owned(), Vec::new());
    for _ in 0..50 {
        let said = server.read(&path).await;
        assert_eq!(said.status, 200, "{said:?}");
        seen.extend(ids(&said.body));
        let Some(link) = said.headers.get("link").map(|link| link.to_str().expect("a text").to_owned()) else {
            assert!(said.body.get("next_cursor").is_none());
            return seen;
        };
        assert!(said.body["next_cursor"].is_string());
        path = link.trim_start_matches('<').split('>').next().expect("a path").to_owned();
        order(server, "new talk.mp4", json!({})).await;
        server.catch_up().await;
    }
    panic!("the pages do not end");
}

#[tokio::test]
async fn pages_hold_everything_once_while_more_comes_in() {
    let server = Server::start().await;
    let mut ordered = Vec::new();
    for number in 0..7 {
        let name = if number % 2 == 0 { "talk.mp4" } else { "film.mp4" };
        ordered.push((name, order(&server, name, json!({})).await.to_string()));
    }
    // Some of one moment: then ids decide.
    let asset = server.asset("talk.mp4").await;
    for _ in 0..3 {
        let said = server.order(&json!({"asset": asset, "target_languages": ["es"]})).await;
        ordered.push(("talk.mp4", said.id().to_string()));
    }
    server.later(Duration::from_secs(1));
    server.catch_up().await;
    let is_talk = |(name, _): &&(&str, String)| *name == "talk.mp4";
    let all: Vec<&String> = ordered.iter().map(|(_, id)| id).collect();
    let talks: Vec<&String> = ordered.iter().filter(is_talk).map(|(_, id)| id).collect();
    for (filter, step, expected) in [("", 3, all), ("&text=talk&state=queued", 2, talks)] {
        // What comes in while the pages are read is newer, and stands before them.
        let at_once = ids(&server.read(&format!("/v1/dubbings?limit=200{filter}")).await.body);
        assert!(expected.iter().all(|id| at_once.contains(id)), "{filter}");
        assert_eq!(walk(&server, &format!("/v1/dubbings?limit={step}{filter}")).await, at_once, "{filter}");
    }
}

#[tokio::test]
async fn a_search_looks_at_a_bounded_number_a_page() {
    let server = Server::start().await;
    let wanted = order(&server, "needle.mp4", json!({})).await;
    let asset = server.asset("hay.mp4").await;
    let body = json!({"asset": asset, "target_languages": ["es"]}).to_string();
    for _ in 0..999 {
        let post = server.ask(Method::POST, "/v1/dubbings").header("content-type", "application/json");
        assert_eq!(post.body(body.clone()).send().await.expect("an answer").status(), 202);
    }
    let order_one_more = async || order(&server, "hay.mp4", json!({})).await;
    order_one_more().await;
    server.catch_up().await;
    let first = server.read("/v1/dubbings?text=needle").await;
    assert_eq!((ids(&first.body).len(), first.body["next_cursor"].is_string()), (0, true));
    let cursor = first.body["next_cursor"].as_str().expect("a cursor");
    let second = server.read(&format!("/v1/dubbings?text=needle&cursor={cursor}")).await;
    assert_eq!((ids(&second.body), second.body.get("next_cursor")), (vec![wanted.to_string()], None));
}

#[tokio::test]
async fn a_list_shows_ones_own() {
    let server = Server::start().await;
    server.dubbing(&["es"]).await;
    let theirs = server.open(Method::GET, "/v1/dubbings").bearer_auth(OTHER_TOKEN).send().await.expect("an answer");
    assert_eq!(theirs.text().await.expect("a body"), r#"{"items":[]}"#);
    assert_eq!(server.read("/v1/dubbings").await.body["items"].as_array().map(Vec::len), Some(1));
}
