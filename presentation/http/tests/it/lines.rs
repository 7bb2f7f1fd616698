//! Lines of a track: shown beside the source, corrected, made anew.

use crate::{
    bad_requests::problem,
    film::{Film, nobody},
    in_step::InStep,
    kit::Server,
};
use application::{
    aggregates::{Aggregates, CommandMeta},
    commands::regenerate_track::{RegenerateError, RegenerateTrack},
    ports::event_log::Tenant,
};
use domain::{
    flow::{FlowCommand, PAUSED_BY_USER, Stage},
    track::TrackCommand,
    value::UtteranceId,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

fn patch(film: &Film<'_>, utterance: &str, tag: &str, body: &Value) -> RequestBuilder {
    let path = film.of_track(&format!("/utterances/{utterance}"));
    film.send(Method::PATCH, &path, &body.to_string()).header("if-match", tag)
}

async fn refused(request: RequestBuilder, status: u16, code: &str) -> Value {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{body}");
    body
}

fn regenerate(film: &Film<'_>, query: &str) -> RequestBuilder {
    film.server.ask(Method::POST, &film.of_track(&format!("/regenerate{query}")))
}

async fn line(film: &Film<'_>, place: usize) -> Value {
    film.json(film.get(&film.of_track("/utterances")), 200).await["items"][place].clone()
}

#[tokio::test]
async fn each_line_stands_beside_its_source() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let lines = film.json(film.get(&film.of_track("/utterances")), 200).await;
    assert_eq!(lines["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        lines["items"][0],
        json!({
            "id": "u1", "source": "hello u1", "gone": false, "speaker": "S1", "translation": "hola u1", "edited": false,
            "voice": "es", "voice_chosen": false, "rate": 110, "rate_chosen": false, "start_ms": 1_000, "end_ms": 1_900,
            "revision": 1, "output_revision": 1, "stale": false, "flags": [],
        })
    );
    assert_eq!(
        (&lines["items"][1]["voice"], &lines["items"][1]["flags"]),
        (&json!("es+f2"), &json!(["needs-attention"]))
    );
    let tag = film.tag(&film.of_track("/utterances")).await;
    assert!(tag.starts_with(&format!("\"{}.", lines["revision"])), "{tag}");
}

#[tokio::test]
async fn before_the_track_begins_lines_are_those_of_the_transcript() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let first = line(&film, 0).await;
    assert_eq!(
        (&first["source"], &first["translation"], &first["stale"]),
        (&json!("hello u1"), &json!(null), &json!(false))
    );
    refused(patch(&film, "u1", "\"1\"", &json!({"rate": 90})), 412, "revision-mismatch").await;
    for condition in ["*", "\"0\""] {
        refused(patch(&film, "u1", condition, &json!({"rate": 90})), 409, "not-possible").await;
    }
}

#[tokio::test]
async fn wording_voice_and_rate_are_corrected_and_given_back() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let tag = film.tag(&film.of_track("/utterances")).await;
    let body = json!({"translation": "buenos días", "voice": "es+f2", "rate": 90});
    let answer = patch(&film, "u1", &tag, &body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let new = answer.headers()["etag"].to_str().expect("a text").to_owned();
    assert!(answer.headers()["dragoman-position"].to_str().expect("a text").parse::<u64>().is_ok());
    let changed: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    film.changed();
    let of = |line: &Value| {
        ["translation", "edited", "voice", "voice_chosen", "rate", "rate_chosen", "stale"]
            .map(|name| line[name].clone())
    };
    let expected =
        [json!("buenos días"), json!(true), json!("es+f2"), json!(true), json!(90), json!(true), json!(true)];
    assert_eq!(of(&changed), expected);
    assert_eq!((&changed["revision"], &changed["output_revision"]), (&3.into(), &1.into()), "two things were said");
    assert_eq!(line(&film, 0).await, changed);
    refused(patch(&film, "u1", &tag, &json!({"rate": 95})), 412, "revision-mismatch").await;
    let back =
        film.json(patch(&film, "u1", &new, &json!({"translation": null, "voice": null, "rate": null})), 200).await;
    let expected = [json!("hola u1"), json!(false), json!("es"), json!(false), json!(110), json!(false), json!(true)];
    assert_eq!(of(&back), expected);
}

#[tokio::test]
async fn a_wording_is_void_once_the_source_has_changed() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    film.json(patch(&film, "u1", "*", &json!({"translation": "buenos días"})), 200).await;
    let source = film.path("/transcript/utterances/u1");
    film.json(film.send(Method::PATCH, &source, r#"{"text":"good night"}"#).header("if-match", "*"), 200).await;
    let line = line(&film, 0).await;
    assert_eq!((&line["source"], &line["edited"], &line["revision"]), (&json!("good night"), &json!(false), &3.into()));
}

#[tokio::test]
async fn what_cannot_be_so_is_refused_with_a_pointer() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let check = async |body: Value, pointer: &str| {
        let body = refused(patch(&film, "u1", "*", &body), 422, "invalid-request").await;
        assert_eq!(body["errors"][0]["pointer"], pointer, "{body}");
    };
    check(json!({}), "").await;
    check(json!({"rate": 49}), "/rate").await;
    check(json!({"rate": 201}), "/rate").await;
    check(json!({"rate": 99.5}), "/rate").await;
    check(json!({"rate": "90"}), "/rate").await;
    check(json!({"voice": ""}), "/voice").await;
    check(json!({"voice": "nobody"}), "/voice").await;
    check(json!({"voice": "ca+f2"}), "/voice").await;
    check(json!({"translation": "  "}), "/translation").await;
    check(json!({"text": "a"}), "/text").await;
    assert_eq!(line(&film, 0).await["revision"], 1);
    let path = film.of_track("/utterances/u1");
    refused(film.send(Method::PATCH, &path, r#"{"rate":90}"#), 428, "revision-required").await;
    refused(film.send(Method::PATCH, &path, r#"{"rate":90"#).header("if-match", "*"), 400, "malformed-json").await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    let (film, theirs) = (Film::published(&server).await, Film::of(&server, Tenant("others".to_owned())).await);
    theirs.transcribe().await;
    theirs.begin().await;
    theirs.make().await;
    refused(theirs.get(&theirs.of_track("/utterances")), 404, "not-found").await;
    refused(patch(&theirs, "u1", "*", &json!({"rate": 90})), 404, "not-found").await;
    refused(regenerate(&theirs, ""), 404, "not-found").await;
    refused(patch(&film, "u9", "*", &json!({"rate": 90})), 404, "not-found").await;
    for language in ["ca", "e", "..%2fes", "es%2f..", "%00", "es/../../../etc"] {
        let answer = film.get(&film.path(&format!("/tracks/{language}/utterances"))).send().await.expect("an answer");
        assert_eq!(problem(answer).await["status"], 404, "{language}");
    }
    refused(film.get(&format!("/v1/dubbings/{}/tracks/es/utterances", nobody())), 404, "not-found").await;
}

#[tokio::test]
async fn what_is_stale_is_made_anew_and_nothing_else() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    refused(regenerate(&film, ""), 409, "nothing-stale").await;
    refused(regenerate(&film, "?dry_run=true"), 409, "nothing-stale").await;
    film.json(patch(&film, "u1", "*", &json!({"translation": "buenos días"})), 200).await;
    let track = film.json(film.get(&film.of_track("")), 200).await;
    assert_eq!((&track["state"], &track["lines"]["stale"]), (&json!("stale"), &1.into()));

    let before = server.api.log.head().await.expect("a head");
    let dry = film.json(regenerate(&film, "?dry_run=true"), 200).await;
    assert_eq!((&dry["lines"], &dry["speech_ms"], &dry["source_ms"]), (&json!(["u1"]), &1_000.into(), &10_000.into()));
    assert_eq!((&dry["dry_run"], &dry["stages"][0]), (&json!(true), &json!("translate")));
    assert!(dry["seconds"].as_u64().is_some_and(|seconds| seconds > 0), "{dry}");
    assert_eq!(dry["cost"]["currency"], "EUR");
    assert_eq!(server.api.log.head().await.expect("a head"), before, "a dry run writes nothing");

    refused(regenerate(&film, "").header("if-match", "\"1\""), 412, "revision-mismatch").await;
    refused(regenerate(&film, "?dry_run=true").header("if-match", "\"1\""), 412, "revision-mismatch").await;
    let tag = film.tag(&film.of_track("")).await;
    let answer = regenerate(&film, "").header("if-match", tag).send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["location"].to_str().expect("a text")),
        (202, film.of_track("").as_str())
    );
    assert!(answer.headers().contains_key("dragoman-position"));
    film.changed();
    refused(regenerate(&film, ""), 409, "under-way").await;
    film.carry().await;
    refused(regenerate(&film, "?dry_run=true"), 409, "under-way").await;
    for is_translated in [false, true] {
        if is_translated {
            film.translate().await;
        }
        let track = film.json(film.get(&film.of_track("")), 200).await;
        assert_eq!((&track["state"], &track["has_result"]), (&json!("processing"), &json!(true)));
    }
    film.make_rest().await;
    let (line, track) = (line(&film, 0).await, film.json(film.get(&film.of_track("")), 200).await);
    assert_eq!((&line["stale"], &line["output_revision"]), (&json!(false), &2.into()));
    assert_eq!((&track["state"], &track["regenerations"]), (&json!("needs_attention"), &1.into()));
    refused(regenerate(&film, ""), 409, "nothing-stale").await;
}

#[tokio::test]
async fn a_repeated_request_is_carried_out_once() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    film.json(patch(&film, "u2", "*", &json!({"rate": 80})), 200).await;
    let keyed = || regenerate(&film, "").header("idempotency-key", "again");
    let first = film.json(keyed(), 202).await;
    assert_eq!(film.json(keyed(), 202).await, first);
    let dubbing = server.api.aggregates.dubbing(film.id).await.expect("a dubbing").state;
    assert_eq!(dubbing.tracks[&film.track.language].regenerations, 1);
}

#[tokio::test]
async fn of_two_who_ask_at_the_same_time_one_has_it_made_anew() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    film.json(patch(&film, "u2", "*", &json!({"rate": 80})), 200).await;
    let aggregates = Arc::new(Aggregates::new(Arc::new(InStep::new(server.api.log.clone()))));
    let regenerate = RegenerateTrack { aggregates };
    let [one, other] = [1, 2].map(|id| CommandMeta::given(Tenant::default(), "api", Uuid::from_u128(id)));
    let answers = tokio::join!(regenerate.run(&film.track, None, &one), regenerate.run(&film.track, None, &other));
    let ((Ok((plan, _)), Err(refusal)) | (Err(refusal), Ok((plan, _)))) = answers else { panic!("{answers:?}") };
    assert_eq!((plan.lines, refusal.to_string()), (vec![UtteranceId(2)], RegenerateError::UnderWay.to_string()));
    let dubbing = server.api.aggregates.dubbing(film.id).await.expect("a dubbing").state;
    assert_eq!(dubbing.tracks[&film.track.language].regenerations, 1);
}

#[tokio::test]
async fn cut_and_joined_lines_come_and_go_with_the_next_result() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let utterance = |id: &str| film.path(&format!("/transcript/utterances/{id}"));
    let edit =
        |id: &str, body: Value| film.send(Method::PATCH, &utterance(id), &body.to_string()).header("if-match", "*");
    film.json(edit("u1", json!({"split": {"at_ms": 1_400, "texts": ["a", "b"]}})), 200).await;
    film.json(edit("u2", json!({"merge": {"with": "u3"}})), 200).await;
    let lines = film.json(film.get(&film.of_track("/utterances")), 200).await;
    let of = |line: &Value| (line["id"].clone(), line["gone"].clone(), line["stale"].clone());
    let found: Vec<_> = lines["items"].as_array().expect("a list").iter().map(of).collect();
    let expected = |id: &str, gone: bool| (json!(id), json!(gone), json!(true));
    assert_eq!(found, [expected("u1", false), expected("u4", false), expected("u2", false), expected("u3", true)]);
    refused(patch(&film, "u4", "*", &json!({"rate": 90})), 409, "not-possible").await;
    let dry = film.json(regenerate(&film, "?dry_run=true"), 200).await;
    assert_eq!(dry["lines"], json!(["u1", "u2", "u3", "u4"]));
}

#[tokio::test]
async fn a_track_without_a_result_or_that_stands_still_is_not_made_anew() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    refused(regenerate(&film, ""), 409, "not-published").await;
    film.begin().await;
    film.make().await;
    film.json(patch(&film, "u1", "*", &json!({"rate": 80})), 200).await;
    film.track(TrackCommand::Flow(FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() })).await;
    for query in ["", "?dry_run=true"] {
        refused(regenerate(&film, query), 409, "stands-still").await;
    }
    refused(regenerate(&film, "?dry_run=maybe"), 400, "invalid-query").await;
    refused(regenerate(&film, "?dryrun=true"), 400, "invalid-query").await;
}

#[tokio::test]
async fn a_regeneration_that_is_cancelled_leaves_the_result_and_can_be_asked_for_again() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    film.complete().await;
    film.json(patch(&film, "u1", "*", &json!({"translation": "buenos días"})), 200).await;
    film.json(regenerate(&film, ""), 202).await;
    film.changed();
    film.carry().await;
    film.translate().await;
    film.json(film.server.ask(Method::POST, &film.path("/cancel")), 202).await;
    film.changed();
    film.complete().await;
    let dubbing = film.json(film.get(&film.path("")), 200).await;
    assert_eq!(dubbing["state"], "needs_attention", "as it was before");
    let track = film.json(film.get(&film.of_track("")), 200).await;
    assert_eq!((&track["state"], &track["has_result"]), (&json!("stale"), &json!(true)));
    assert_eq!(film.get(&film.of_track("/video")).send().await.expect("an answer").status(), 200);
    refused(film.server.ask(Method::POST, &film.path("/cancel")), 409, "already-ended").await;
    let dry = film.json(regenerate(&film, "?dry_run=true"), 200).await;
    assert_eq!(dry["lines"], json!(["u1"]));
    film.json(regenerate(&film, ""), 202).await;
}

#[tokio::test]
async fn a_parked_track_is_made_anew_once_its_lines_have_changed() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    film.begin().await;
    film.park(Stage::Translate).await;
    refused(regenerate(&film, ""), 409, "stands-still").await;
    let edit = json!({"text": "Good night."}).to_string();
    let path = film.path("/transcript/utterances/u1");
    film.json(film.send(Method::PATCH, &path, &edit).header("if-match", "*"), 200).await;
    film.changed();
    assert_eq!(film.json(regenerate(&film, ""), 202).await["lines"], json!(["u1"]));
    film.changed();
    film.carry().await;
    film.make().await;
    let track = film.json(film.get(&film.of_track("")), 200).await;
    assert_eq!((&track["has_result"], &track["lines"]["stale"]), (&json!(true), &0.into()));
}
