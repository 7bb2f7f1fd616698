//! What operators ask for: queues, what is parked, skipping it, and replaying a language.

use crate::{
    dubbings::set::{Said, track},
    kit::{OTHER_TOKEN, Server},
};
use application::ports::event_log::StreamId;
use domain::flow::{Stage, TABLE};
use reqwest::Method;
use serde_json::{Value, json};

/// `POST` with a body.
async fn post(server: &Server, path: &str, body: &Value) -> Said {
    server.say(Method::POST, path, Some(body), &[]).await
}

async fn queue(server: &Server, stage: &str) -> Value {
    let queues = server.read("/v1/queues").await.body["items"].clone();
    let queues = queues.as_array().expect("queues").clone();
    assert_eq!(queues.len(), TABLE.len(), "each stage has one");
    queues.into_iter().find(|queue| queue["stage"] == stage).expect("a queue")
}

#[tokio::test]
async fn a_queue_is_paused_and_resumed_and_the_trail_knows_who_did_it() {
    let server = Server::start().await;
    assert_eq!(
        queue(&server, "synthesise").await,
        json!({"stage": "synthesise", "ready": 0, "delayed": 0, "leased": 0})
    );
    let why = json!({"reason": " a new voice is put in "});
    let paused = post(&server, "/v1/queues/synthesise/pause", &why).await;
    assert_eq!(paused.status, 204, "{paused:?}");
    let shown = queue(&server, "synthesise").await["paused"].clone();
    assert_eq!((&shown["reason"], &shown["by"]), (&json!("a new voice is put in"), &json!("api")));
    assert!(shown["since"].as_str().is_some_and(|since| since.ends_with('Z')));
    assert_eq!(queue(&server, "mix").await.get("paused"), None);
    // Once more changes nothing.
    let again = post(&server, "/v1/queues/synthesise/pause", &json!({"reason": "another"})).await;
    assert_eq!((again.status, again.position()), (204, paused.position()));
    let resumed = server.tell("/v1/queues/synthesise/resume").await;
    assert!(resumed.status == 204 && resumed.position() > paused.position());
    assert_eq!(server.tell("/v1/queues/synthesise/resume").await.position(), resumed.position());
    assert_eq!(queue(&server, "synthesise").await.get("paused"), None);
    server.catch_up().await;
    let told = server.read("/v1/security-events?type=queue-paused").await.body["items"][0].clone();
    assert_eq!((&told["actor"], &told["data"]["stage"]), (&json!("api"), &json!("synthesise")));
    assert_eq!(told["data"]["reason"], "a new voice is put in");
}

#[tokio::test]
async fn a_pause_says_which_stage_and_why_and_is_for_those_who_run_the_installation() {
    let server = Server::start().await;
    for body in [json!({}), json!({"reason": "  "}), json!({"reason": "a\nb"}), json!({"reason": "x".repeat(201)})] {
        let refused = post(&server, "/v1/queues/mix/pause", &body).await;
        assert_eq!(refused.problem(), (422, "invalid-request", "/reason"), "{body}");
    }
    let unknown = post(&server, "/v1/queues/mixing/pause", &json!({"reason": "why"})).await;
    assert_eq!((unknown.problem().0, unknown.problem().1), (404, "not-found"));
    let request = server.open(Method::POST, "/v1/queues/mix/resume").bearer_auth(OTHER_TOKEN);
    assert_eq!(request.send().await.expect("an answer").status(), 403);
}

#[tokio::test]
async fn what_is_parked_is_listed_until_it_goes_on() {
    let server = Server::start().await;
    assert_eq!(server.read("/v1/parked-stages").await.body["items"], json!([]));
    let (first, second) = (server.dubbing(&["es", "ca"]).await, server.dubbing(&["es"]).await);
    server.prepare(first).await;
    for language in ["es", "ca"] {
        server.later(std::time::Duration::from_secs(60));
        server.park(&track(first, language), Stage::Translate).await;
    }
    server.later(std::time::Duration::from_secs(60));
    server.park(&StreamId::Dubbing(second), Stage::Ingest).await;
    server.catch_up().await;
    // Page by page, those that wait longest first.
    let (mut path, mut found) = ("/v1/parked-stages?limit=1".to_owned(), vec![]);
    loop {
        let page = server.read(&path).await.body;
        found.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/parked-stages?limit=1&cursor={next}");
    }
    let shown: Vec<_> = found
        .iter()
        .map(|item| (item["dubbing"].as_str().unwrap_or_default(), item["language"].as_str(), &item["stage"]))
        .collect();
    let (one, two) = (first.to_string(), second.to_string());
    assert_eq!(
        shown,
        [
            (&*one, Some("es"), &json!("translate")),
            (&*one, Some("ca"), &json!("translate")),
            (&*two, None, &json!("ingest"))
        ]
    );
    assert_eq!((&found[0]["code"], &found[0]["attempts"]), (&json!("engine-missing"), &json!(1)));
    assert_eq!(found[0]["message"], "espeak-ng is not installed");
    assert!(found[0]["since"].as_str() < found[1]["since"].as_str());
    let theirs = server.open(Method::GET, "/v1/parked-stages").bearer_auth(OTHER_TOKEN);
    let theirs = Said::of(theirs.send().await.expect("an answer")).await;
    assert_eq!(theirs.body["items"], json!([]), "another tenant's are another tenant's");
    // Retried and cancelled, it waits for nobody any more.
    assert_eq!(server.tell(&format!("/v1/dubbings/{first}/retry")).await.status, 202);
    assert_eq!(server.tell(&format!("/v1/dubbings/{second}/cancel")).await.status, 202);
    server.catch_up().await;
    assert_eq!(server.read("/v1/parked-stages").await.body["items"], json!([]));
}

#[tokio::test]
async fn a_stage_that_is_parked_is_skipped_when_it_can_be() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.prepare(id).await;
    let es = track(id, "es");
    for stage in [Stage::Translate, Stage::AssignVoices, Stage::Synthesise, Stage::Fit] {
        server.finish(&es, stage, 1_000).await;
    }
    let skip = |stage: &str| format!("/v1/dubbings/{id}/tracks/es/stages/{stage}/skip");
    let why = json!({"reason": "the engine does not know this face"});
    let early = post(&server, &skip("sync-lips"), &why).await;
    assert_eq!((early.problem().0, early.problem().1), (409, "not-parked"));
    server.park(&es, Stage::SyncLips).await;
    let needed = post(&server, &skip("mix"), &why).await;
    assert_eq!((needed.problem().0, needed.problem().1), (409, "stage-needed"));
    assert_eq!(needed.body["detail"], "mix cannot be skipped: without it the film has no sound");
    assert_eq!(post(&server, &skip("sync-lips"), &json!({})).await.problem(), (422, "invalid-request", "/reason"));
    // The whole has no such stage, and neither has a language that was never asked for.
    let elsewhere =
        [format!("/v1/dubbings/{id}/stages/sync-lips/skip"), skip("clean"), skip("mix").replace("/es/", "/ca/")];
    for path in elsewhere {
        assert_eq!(post(&server, &path, &why).await.problem().0, 404, "{path}");
    }
    let skipped = post(&server, &skip("sync-lips"), &why).await;
    assert_eq!(skipped.status, 202, "{skipped:?}");
    let stages = skipped.body["stages"].as_array().expect("stages");
    let stage = stages.iter().find(|stage| stage["stage"] == "sync-lips").expect("the stage");
    assert_eq!(stage["state"], "skipped");
    assert!(skipped.body.get("problem").is_none());
    server.catch_up().await;
    assert_eq!(server.read("/v1/parked-stages").await.body["items"], json!([]));
    server.hides(Method::POST, "/v1/dubbings/{id}/tracks/es/stages/sync-lips/skip", id).await;
}

#[tokio::test]
async fn a_language_is_replayed_from_a_stage_on() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.prepare(id).await;
    let replay = |query: &str| format!("/v1/dubbings/{id}/tracks/es/regenerate{query}");
    let early = server.tell(&replay("?from=mix")).await;
    assert_eq!((early.problem().0, early.problem().1), (409, "under-way"));
    server.complete(id).await;
    assert_eq!(server.tell(&replay("")).await.problem().1, "nothing-stale");
    for (query, code) in [("?from=ingest", "invalid-query"), ("?from=mixing", "invalid-query")] {
        assert_eq!(
            (server.tell(&replay(query)).await.problem().0, server.tell(&replay(query)).await.problem().1),
            (400, code)
        );
    }
    let planned = server.tell(&replay("?from=mix&dry_run=true")).await;
    let stages = json!(["mix", "mark", "mux", "assess", "sign", "publish"]);
    assert_eq!((planned.status, &planned.body["stages"], &planned.body["lines"]), (200, &stages, &json!([])));
    let begun = server.tell(&replay("?from=mix")).await;
    assert_eq!((begun.status, &begun.body["stages"]), (202, &stages));
    assert_eq!(server.tell(&replay("?from=mix")).await.problem().1, "under-way");
}
