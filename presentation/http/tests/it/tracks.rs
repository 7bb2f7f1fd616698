//! Tracks: how they stand, and how they are withdrawn.

use crate::{
    bad_requests::problem,
    film::{Film, nobody},
    kit::Server,
};
use application::{
    aggregates::{CommandError, CommandMeta},
    commands::control_dubbing::ControlError,
    ports::event_log::Tenant,
};
use domain::{
    dubbing::DubbingCommand,
    flow::{FlowCommand, PAUSED_BY_USER, Stage},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

async fn refused(request: RequestBuilder, status: u16, code: &str) {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{body}");
}

async fn states(film: &Film<'_>) -> [Value; 3] {
    let track = film.json(film.get(&film.of_track("")), 200).await;
    ["state", "has_result", "waits_for"].map(|name| track[name].clone())
}

#[tokio::test]
async fn a_track_tells_where_it_stands_all_the_way() {
    let server = Server::start().await;
    let film = Film::ordered(&server).await;
    let expect = async |state: &str, has_result: bool| {
        assert_eq!(states(&film).await, [json!(state), json!(has_result), json!(null)]);
    };
    expect("queued", false).await;
    film.transcribe().await;
    expect("queued", false).await;
    film.begin().await;
    film.translate().await;
    expect("processing", false).await;
    film.make_rest().await;
    expect("needs_attention", true).await;
}

#[tokio::test]
async fn a_track_tells_what_it_waits_for() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    film.dubbing(DubbingCommand::Flow(FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() })).await;
    assert_eq!(states(&film).await[2], "resume");
    film.dubbing(DubbingCommand::Flow(FlowCommand::Resume)).await;
    assert_eq!(states(&film).await[2], json!(null));
    film.begin().await;
    film.park(Stage::Translate).await;
    assert_eq!(states(&film).await[2], "retry");
    let track = film.json(film.get(&film.of_track("")), 200).await;
    assert_eq!(track["stages"][0], json!({"stage": "translate", "state": "parked"}));
}

#[tokio::test]
async fn a_published_track_tells_all_about_itself() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let track = film.json(film.get(&film.of_track("")), 200).await;
    let lines = json!({
        "total": 3, "translated": 3, "synthesised": 3, "fitted": 3, "flagged": 1, "to_attend": 1, "stale": 0,
    });
    assert_eq!((&track["lines"], &track["flags"]), (&lines, &json!({"needs-attention": 1})));
    assert_eq!(track["loudness"], json!({"lufs": -23.25, "true_peak_dbtp": -1.5, "reached": true}));
    assert_eq!((&track["language"], track["stages"].as_array().map(Vec::len)), (&json!("es"), Some(11)));
    let tag = film.tag(&film.of_track("")).await;
    assert!(tag.starts_with(&format!("\"{}.", track["revision"])), "{tag}");
    let known = film.get(&film.of_track("")).header("if-none-match", tag).send().await.expect("an answer");
    assert_eq!(known.status(), 304);
    let all = film.json(film.get(&film.path("/tracks")), 200).await;
    assert_eq!(all, json!({"items": [track]}));
}

#[tokio::test]
async fn a_withdrawn_track_shows_nothing_any_more() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let withdraw = || film.server.ask(Method::DELETE, &film.of_track(""));
    refused(withdraw().header("if-match", "\"1\""), 412, "revision-mismatch").await;
    let tag = film.tag(&film.of_track("")).await;
    for condition in [tag.as_str(), "*"] {
        let done = withdraw().header("if-match", condition).send().await.expect("an answer");
        assert_eq!(done.status(), 204);
        assert!(done.headers().contains_key("dragoman-position"));
        film.changed();
        assert_eq!(states(&film).await, [json!("withdrawn"), json!(false), json!(null)]);
    }
    assert_eq!(film.json(film.get(&film.of_track("")), 200).await["links"], json!(null));
    for file in ["video", "audio", "subtitles.srt", "subtitles.vtt", "subtitles.ass", "report", "provenance"] {
        refused(film.get(&film.of_track(&format!("/{file}"))), 410, "withdrawn").await;
    }
    refused(film.send(Method::POST, &film.of_track("/links"), r#"{"expires_in_s":60}"#), 410, "withdrawn").await;
    refused(film.server.ask(Method::POST, &film.of_track("/regenerate")), 410, "withdrawn").await;
}

#[tokio::test]
async fn a_withdrawal_is_decided_on_what_was_seen() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let track = || async { server.api.aggregates.track(&film.track).await.expect("a track") };
    let meta = || CommandMeta::given(Tenant::default(), "api", server.api.ids.next());
    let seen = meta().expecting(Some(track().await.revision));
    let edit = film.send(Method::PATCH, &film.of_track("/utterances/u1"), r#"{"rate":90}"#).header("if-match", "*");
    film.json(edit, 200).await;
    let late = server.api.withdraw_track().run(&film.track, &seen).await.expect_err("it was edited meanwhile");
    assert!(matches!(late, ControlError::Track(CommandError::Stale { .. })), "{late:?}");
    let now = track().await;
    assert!(!now.state.cancelled && !now.state.flow.is_held());
    assert_eq!(server.api.aggregates.dubbing(film.id).await.expect("read").state.tracks.len(), 1);
    let seen = meta().expecting(Some(now.revision));
    server.api.withdraw_track().run(&film.track, &seen).await.expect("withdrawn");
    assert!(track().await.state.cancelled);
}

#[tokio::test]
async fn a_track_that_has_not_begun_is_there() {
    let server = Server::start().await;
    let film = Film::ordered(&server).await;
    for (condition, status) in [("\"1\"", 412), ("\"0\"", 204), ("*", 204)] {
        let done = film.server.ask(Method::DELETE, &film.of_track("")).header("if-match", condition);
        assert_eq!(done.send().await.expect("an answer").status().as_u16(), status, "{condition}");
    }
}

#[tokio::test]
async fn a_track_that_never_began_is_called_off() {
    let server = Server::start().await;
    let film = Film::ordered(&server).await;
    for _ in 0..2 {
        let done = film.server.ask(Method::DELETE, &film.of_track("")).send().await.expect("an answer");
        assert_eq!(done.status(), 204);
        film.changed();
    }
    assert_eq!(states(&film).await, [json!("cancelled"), json!(false), json!(null)]);
}

#[tokio::test]
async fn a_result_outlives_its_dubbing_until_it_is_withdrawn() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    film.dubbing(DubbingCommand::Cancel).await;
    assert_eq!(states(&film).await, [json!("needs_attention"), json!(true), json!(null)]);
    assert_eq!(film.get(&film.of_track("/audio")).send().await.expect("an answer").status(), 200);
    let done = film.server.ask(Method::DELETE, &film.of_track("")).send().await.expect("an answer");
    assert_eq!(done.status(), 204);
    film.changed();
    assert_eq!(states(&film).await, [json!("withdrawn"), json!(false), json!(null)]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    let (film, theirs) = (Film::ordered(&server).await, Film::of(&server, Tenant("others".to_owned())).await);
    for rest in ["/tracks", "/tracks/es"] {
        refused(theirs.get(&theirs.path(rest)), 404, "not-found").await;
        refused(film.get(&format!("/v1/dubbings/{}{rest}", nobody())), 404, "not-found").await;
    }
    refused(theirs.server.ask(Method::DELETE, &theirs.of_track("")), 404, "not-found").await;
    refused(theirs.send(Method::POST, &theirs.of_track("/links"), r#"{"expires_in_s":60}"#), 404, "not-found").await;
    for language in ["ca", "x", "es%00", "..%2f..", "a-very-long-language-tag-indeed"] {
        refused(film.get(&film.path(&format!("/tracks/{language}"))), 404, "not-found").await;
    }
    refused(film.get(&film.path("/tracks?state=queued")), 400, "invalid-query").await;
    let track = server.api.aggregates.track(&theirs.track).await.expect("a track").state;
    assert!(!track.cancelled);
}

fn order(film: &Film<'_>, body: &Value) -> RequestBuilder {
    film.send(Method::POST, &film.path("/tracks"), &body.to_string())
}

#[tokio::test]
async fn more_languages_use_the_transcript_again() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let body =
        json!({"target_languages": ["CA"], "voices": {"Ana": "ca+f2"}, "background": "off", "subtitles": "embed"});
    let answer = order(&film, &body).send().await.expect("an answer");
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["location"].to_str().expect("a text"), film.path("/tracks"));
    assert!(answer.headers().contains_key("dragoman-position"));
    let tracks: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    let of = |place: usize| (tracks["items"][place]["language"].clone(), tracks["items"][place]["state"].clone());
    assert_eq!([of(0), of(1)], [(json!("ca"), json!("queued")), (json!("es"), json!("needs_attention"))]);
    film.changed();
    let lines = film.json(film.get(&film.path("/tracks/ca/utterances")), 200).await;
    assert_eq!(lines["items"][0]["source"], "hello u1");
    let before = server.api.log.head().await.expect("a head");
    film.json(order(&film, &body), 202).await;
    assert_eq!(server.api.log.head().await.expect("a head"), before, "asked for once more, it is there already");
}

#[tokio::test]
async fn a_withdrawn_track_can_be_asked_for_again() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    film.server.ask(Method::DELETE, &film.of_track("")).send().await.expect("an answer");
    film.changed();
    film.json(order(&film, &json!({"target_languages": ["es"], "subtitles": "embed"})), 202).await;
    assert_eq!(states(&film).await, [json!("queued"), json!(false), json!(null)]);
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_with_a_pointer() {
    let server = Server::start().await;
    let film = Film::transcribed(&server).await;
    let check = async |body: Value, code: &str, pointer: &str| {
        let body = problem(order(&film, &body).send().await.expect("an answer")).await;
        assert_eq!((&body["status"], &body["code"]), (&json!(422), &json!(code)), "{body}");
        assert_eq!(body["errors"][0]["pointer"], pointer, "{body}");
    };
    check(json!({}), "invalid-request", "/target_languages").await;
    check(json!({"target_languages": []}), "invalid-request", "/target_languages").await;
    check(json!({"target_languages": ["ca", "ca"]}), "invalid-request", "/target_languages/1").await;
    check(json!({"target_languages": ["../ca"]}), "invalid-request", "/target_languages/0").await;
    check(json!({"target_languages": ["ca", "en"]}), "invalid-request", "/target_languages/1").await;
    check(json!({"target_languages": ["ca", "fr"]}), "no-voice", "/target_languages/1").await;
    check(json!({"target_languages": ["ca"], "voices": {"Ana": "x"}}), "invalid-request", "/voices/Ana").await;
    check(json!({"target_languages": ["ca"], "glossary": {"id": nobody()}}), "invalid-request", "/glossary/id").await;
    check(json!({"target_languages": ["ca"], "priority": "high"}), "invalid-request", "/priority").await;
    assert_eq!(film.json(film.get(&film.path("/tracks")), 200).await["items"].as_array().map(Vec::len), Some(1));
    refused(order(&film, &json!({"target_languages": ["ca"]})).header("if-match", "\"1\""), 412, "revision-mismatch")
        .await;
    film.dubbing(DubbingCommand::Cancel).await;
    refused(order(&film, &json!({"target_languages": ["ca"]})), 409, "not-possible").await;
    let theirs = Film::of(&server, Tenant("others".to_owned())).await;
    refused(order(&theirs, &json!({"target_languages": ["ca"]})), 404, "not-found").await;
}
