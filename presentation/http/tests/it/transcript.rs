//! The transcript: shown, corrected, cut, joined.

use crate::{
    bad_requests::problem,
    film::{Film, nobody},
    kit::Server,
};
use application::ports::event_log::Tenant;
use domain::{dubbing::DubbingCommand, flow::Stage};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

fn patch(film: &Film<'_>, utterance: &str, tag: &str, body: &Value) -> RequestBuilder {
    let path = film.path(&format!("/transcript/utterances/{utterance}"));
    film.send(Method::PATCH, &path, &body.to_string()).header("if-match", tag)
}

async fn refused(request: RequestBuilder, status: u16, code: &str) -> Value {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{body}");
    body
}

/// Ids, texts and times.
fn lines(transcript: &Value) -> Vec<(String, String, u64, u64)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let time = |value: &Value| value.as_u64().expect("a time");
    let line = |line: &Value| (text(&line["id"]), text(&line["text"]), time(&line["start_ms"]), time(&line["end_ms"]));
    transcript["utterances"].as_array().expect("a list").iter().map(line).collect()
}

#[tokio::test]
async fn it_is_shown_in_order_of_time() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let transcript = film.json(film.get(&film.path("/transcript")), 200).await;
    assert_eq!((&transcript["ready"], &transcript["language"]), (&json!(true), &json!("en")));
    let found: Vec<String> = lines(&transcript).into_iter().map(|line| line.0).collect();
    assert_eq!(found, ["u1", "u2", "u3"]);
    let [first, second] = [0, 1].map(|place| transcript["utterances"][place].clone());
    assert_eq!(
        first,
        json!({
            "id": "u1", "text": "hello u1", "start_ms": 1_000, "end_ms": 2_000, "speaker": {"id": "S1", "name": "Ana"},
            "confidence": 90, "revision": 1, "output_revision": null, "stale": false, "flags": [],
        })
    );
    assert_eq!((&second["flags"], &second["speaker"]["name"]), (&json!(["low-confidence"]), &json!(null)));
    assert_eq!(transcript["speakers"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn before_it_is_there_it_is_not_ready_and_not_corrected() {
    let server = Server::start().await;
    let film = Film::ordered(&server).await;
    let transcript = film.json(film.get(&film.path("/transcript")), 200).await;
    assert_eq!((&transcript["ready"], &transcript["utterances"]), (&json!(false), &json!([])));
    refused(patch(&film, "u1", "*", &json!({"text": "a"})), 404, "not-found").await;
}

#[tokio::test]
async fn a_client_that_has_it_is_not_sent_it_again() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let tag = film.tag(&film.path("/transcript")).await;
    let again = film.get(&film.path("/transcript")).header("if-none-match", &tag).send().await.expect("an answer");
    assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().expect("a text")), (304, tag.as_str()));
}

#[tokio::test]
async fn words_times_and_speaker_are_corrected() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let tag = film.tag(&film.path("/transcript")).await;
    let body = json!({"text": " good morning ", "start_ms": 1_100, "end_ms": 2_200, "speaker": "S3"});
    let answer = patch(&film, "u1", &tag, &body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let position = answer.headers()["dragoman-position"].to_str().expect("a text").to_owned();
    let new = answer.headers()["etag"].to_str().expect("a text").to_owned();
    let corrected: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    assert_eq!(new, format!("\"{}\"", corrected["revision"]));
    let line = &corrected["utterances"][0];
    assert_eq!(
        (&line["text"], &line["start_ms"], &line["end_ms"]),
        (&json!("good morning"), &1_100.into(), &2_200.into())
    );
    assert_eq!(
        (&line["speaker"]["id"], &line["confidence"], &line["revision"]),
        (&json!("S3"), &json!(null), &2.into())
    );
    server.reach.send(position.parse().expect("a number")).expect("a reader");
    film.changed();
    let read = film.json(film.get(&film.path(&format!("/transcript?min_position={position}"))), 200).await;
    assert_eq!(read["utterances"][0]["text"], "good morning");
    refused(patch(&film, "u1", &tag, &json!({"text": "late"})), 412, "revision-mismatch").await;
    film.json(patch(&film, "u1", &new, &json!({"end_ms": 2_300})), 200).await;
}

#[tokio::test]
async fn a_correction_that_changes_nothing_is_no_event() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let before = server.api.log.head().await.expect("a head");
    let same = film.json(patch(&film, "u1", "*", &json!({"text": "hello u1", "end_ms": 2_000})), 200).await;
    assert_eq!(same["utterances"][0]["revision"], 1);
    assert_eq!(server.api.log.head().await.expect("a head"), before);
}

#[tokio::test]
async fn an_utterance_is_cut_and_joined_again() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let cut = json!({"split": {"at_ms": 1_400, "texts": ["hello", "u one"]}});
    let cut = film.json(patch(&film, "u1", "*", &cut), 200).await;
    let expected = |id: &str, text: &str, start_ms, end_ms| (id.to_owned(), text.to_owned(), start_ms, end_ms);
    assert_eq!(lines(&cut), [expected("u1", "hello", 1_000, 1_400), expected("u4", "u one", 1_400, 2_000)]);
    let shown = film.json(film.get(&film.path("/transcript")), 200).await;
    let order: Vec<String> = lines(&shown).into_iter().map(|line| line.0).collect();
    assert_eq!(order, ["u1", "u4", "u2", "u3"]);
    let joined = film.json(patch(&film, "u1", "*", &json!({"merge": {"with": "u4"}})), 200).await;
    assert_eq!(lines(&joined), [expected("u1", "hello u one", 1_000, 2_000)]);
    let shown = film.json(film.get(&film.path("/transcript")), 200).await;
    assert_eq!(lines(&shown).len(), 3);
}

#[tokio::test]
async fn what_cannot_be_so_is_refused_with_a_pointer() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let check = async |body: Value, pointers: &[&str]| {
        let body = refused(patch(&film, "u1", "*", &body), 422, "invalid-request").await;
        let found: Vec<_> = body["errors"].as_array().expect("faults").iter().map(|f| f["pointer"].clone()).collect();
        assert_eq!(found, pointers, "{body}");
    };
    check(json!({}), &[""]).await;
    check(json!({"text": ""}), &["/text"]).await;
    check(json!({"text": "a\nb"}), &["/text"]).await;
    check(json!({"text": null}), &["/text"]).await;
    check(json!({"txet": "a"}), &["/txet"]).await;
    check(json!({"text": "a".repeat(2_001)}), &["/text"]).await;
    check(json!({"start_ms": -1}), &["/start_ms"]).await;
    check(json!({"end_ms": 3_600_000_001_u64}), &["/end_ms"]).await;
    check(json!({"start_ms": 2_000}), &["/start_ms"]).await;
    check(json!({"start_ms": 5, "end_ms": 5}), &["/end_ms"]).await;
    check(json!({"end_ms": 3_500}), &["/start_ms"]).await;
    check(json!({"start_ms": 9_000, "end_ms": 10_001}), &["/end_ms"]).await;
    check(json!({"speaker": "S9"}), &["/speaker"]).await;
    check(json!({"speaker": "../S1"}), &["/speaker"]).await;
    check(json!({"split": {"at_ms": 1_000, "texts": ["a", "b"]}}), &["/split/at_ms"]).await;
    check(json!({"split": {"at_ms": 1_500, "texts": ["a"]}}), &["/split/texts"]).await;
    check(json!({"split": {"at_ms": 1_500, "texts": ["a", " "]}}), &["/split/texts/1"]).await;
    check(json!({"merge": {"with": "u3"}}), &["/merge/with"]).await;
    check(json!({"text": "a", "merge": {"with": "u2"}}), &["/text", "/merge"]).await;
    let both = json!({"split": {"at_ms": 1_500, "texts": ["a", "b"]}, "merge": {"with": "u2"}});
    check(both, &["/split", "/merge"]).await;
    let unchanged = film.json(film.get(&film.path("/transcript")), 200).await;
    assert_eq!(unchanged["utterances"][0]["text"], "hello u1");
}

#[tokio::test]
async fn each_utterance_tells_what_of_it_can_be_heard() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let heard = async || {
        let transcript = film.json(film.get(&film.path("/transcript")), 200).await;
        let of = |line: &Value| ["id", "revision", "output_revision", "stale"].map(|name| line[name].clone());
        transcript["utterances"].as_array().expect("a list").iter().map(of).map(Value::from_iter).collect::<Value>()
    };
    assert_eq!(heard().await, json!([["u1", 1, 1, false], ["u2", 1, 1, false], ["u3", 1, 1, false]]));
    let of_track = film.send(Method::PATCH, &film.of_track("/utterances/u3"), r#"{"rate":90}"#);
    film.json(of_track.header("if-match", "*"), 200).await;
    let corrected = film.json(patch(&film, "u2", "*", &json!({"text": "bye"})), 200).await;
    let line = &corrected["utterances"][0];
    assert_eq!((&line["revision"], &line["output_revision"], &line["stale"]), (&2.into(), &1.into(), &json!(true)));
    let cut = json!({"split": {"at_ms": 1_400, "texts": ["hello", "u one"]}});
    film.json(patch(&film, "u1", "*", &cut), 200).await;
    let stale = json!([["u1", 2, 1, true], ["u4", 1, null, true], ["u2", 2, 1, true], ["u3", 1, 1, false]]);
    assert_eq!(heard().await, stale);
    film.json(film.server.ask(Method::POST, &film.of_track("/regenerate")), 202).await;
    film.carry().await;
    assert_eq!(heard().await, stale, "nothing new can be heard yet");
    film.make().await;
    let made = json!([["u1", 2, 2, false], ["u4", 1, 1, false], ["u2", 2, 2, false], ["u3", 1, 1, false]]);
    assert_eq!(heard().await, made);
}

#[tokio::test]
async fn joined_utterances_are_as_bounded_as_any() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    film.json(patch(&film, "u1", "*", &json!({"text": "a".repeat(1_999)})), 200).await;
    let body = refused(patch(&film, "u1", "*", &json!({"merge": {"with": "u2"}})), 422, "invalid-request").await;
    assert_eq!(body["errors"][0]["pointer"], "/merge/with");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("2,000 characters")), "{body}");
}

#[tokio::test]
async fn it_must_be_said_which_revision_is_meant() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let path = film.path("/transcript/utterances/u1");
    refused(film.send(Method::PATCH, &path, r#"{"text":"a"}"#), 428, "revision-required").await;
    refused(patch(&film, "u1", "\"1\"", &json!({"text": "a"})), 412, "revision-mismatch").await;
    refused(patch(&film, "u1", "1", &json!({"text": "a"})), 400, "invalid-header").await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    let (film, theirs) = (Film::transcribed(&server).await, Film::of(&server, Tenant("others".to_owned())).await);
    theirs.transcribe().await;
    for path in [theirs.path("/transcript"), format!("/v1/dubbings/{}/transcript", nobody())] {
        refused(film.get(&path), 404, "not-found").await;
    }
    for path in ["/v1/dubbings/..%2f..%2fetc/transcript", "/v1/dubbings/1/transcript"] {
        refused(film.get(path), 404, "not-found").await;
    }
    refused(patch(&theirs, "u1", "*", &json!({"text": "a"})), 404, "not-found").await;
    for utterance in ["u4", "1", "u01", "..%2fu1", "u1%00", "u99999999999"] {
        refused(patch(&film, utterance, "*", &json!({"text": "a"})), 404, "not-found").await;
    }
    refused(film.get(&film.path("/transcript?page=1")), 400, "invalid-query").await;
}

#[tokio::test]
async fn after_the_end_nothing_is_corrected() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    film.dubbing(DubbingCommand::Cancel).await;
    refused(patch(&film, "u1", "*", &json!({"text": "a"})), 409, "not-possible").await;
    let dubbing = server.api.aggregates.dubbing(film.id).await.expect("a dubbing").state;
    assert!(dubbing.flow.is_done(Stage::Transcribe));
}
