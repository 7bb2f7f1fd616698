//! What can be asked for, and what was used.

use crate::{bad_requests::problem, kit::Server, listener::Scribe};
use application::ports::event_log::DomainEvent;
use domain::dubbing::{DubbingEvent, IngestedSource};
use domain::value::{Artefact, Sha256};
use serde_json::{Value, json};
use uuid::Uuid;

async fn get(server: &Server, path: &str) -> Value {
    let answer = server.get(path).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

#[tokio::test]
async fn voices_are_listed_by_language() {
    let server = Server::start().await;
    let voice = |name, language, gender| json!({"name": name, "language": language, "gender": gender});
    let spanish = [voice("es", "es", "male"), voice("es+f2", "es", "female")];
    assert_eq!(get(&server, "/v1/voices?language=es").await["items"], json!(spanish));
    assert_eq!(get(&server, "/v1/voices").await["items"].as_array().expect("items").len(), 4);
    assert_eq!(get(&server, "/v1/voices?language=fr").await["items"], json!([]));
}

#[tokio::test]
async fn languages_are_listed_with_what_they_can_become() {
    let server = Server::start().await;
    let all = json!({"understood": ["es", "ca"], "speakable": ["ca", "es"]});
    assert_eq!(get(&server, "/v1/languages").await, all);
    let target = |language| json!({"language": language, "route": ["en", language]});
    assert_eq!(get(&server, "/v1/languages?from=en").await["targets"], json!([target("ca"), target("es")]));
    assert_eq!(get(&server, "/v1/languages?from=fr").await["targets"], json!([]));
}

#[tokio::test]
async fn engines_are_listed_with_what_is_missing() {
    let server = Server::start().await;
    let items = get(&server, "/v1/engines").await["items"].clone();
    let able = json!({"stage": "transcribe", "installed": true, "name": "able", "purpose": "tests", "version": "1",
        "licence": "MIT", "languages": ["es", "ca"]});
    let missing = json!({"stage": "mix", "installed": false, "languages": [], "package": "mixer-utils",
        "problem": "a mixer is not installed (Debian package mixer-utils)"});
    assert_eq!(items, json!([able, missing]));
}

#[tokio::test]
async fn what_is_no_language_is_refused() {
    let server = Server::start().await;
    let long = format!("en{}", "-abcdefgh".repeat(8));
    for query in ["voices?language=", "voices?language=e", "languages?from=%20", "languages?to=es", "engines?a=b"] {
        let refused = server.get(&format!("/v1/{query}")).send().await.expect("an answer");
        assert_eq!(problem(refused).await["code"], "invalid-query", "{query}");
    }
    let refused = server.get(&format!("/v1/voices?language={long}")).send().await.expect("an answer");
    assert_eq!(problem(refused).await["code"], "invalid-query");
}

#[tokio::test]
async fn usage_is_listed_by_month() {
    let server = Server::start().await;
    let used = json!({"month": "2026-01", "running_jobs": 0, "minutes_a_month": 0, "bytes_a_month": 0,
        "spend_micros_a_month": 0});
    assert_eq!(get(&server, "/v1/usage").await, json!({"items": [], "quotas": {}, "used": used}));
    let source = || {
        let media = Artefact { sha256: Sha256::new([1; 32]), media_type: "video/mp4".to_owned(), bytes: 9 };
        let (container, audio_codec) = ("video/mp4".to_owned(), "audio/mpeg".to_owned());
        DomainEvent::Dubbing(DubbingEvent::SourceIngested(IngestedSource {
            media,
            signed: false,
            container,
            duration_ms: 1_500,
            picture: None,
            audio_stream: 0,
            audio_codec,
            audio_channels: 1,
            subtitles: vec![],
        }))
    };
    Scribe::of_dubbing(&server, "local", Uuid::from_u128(1)).write(vec![source(), source()]).await;
    Scribe::of_dubbing(&server, "other", Uuid::from_u128(2)).write(vec![source()]).await;
    server.catch_up().await;
    let usage = get(&server, "/v1/usage").await;
    assert_eq!(usage["items"].as_array().expect("items").len(), 1);
    let month = &usage["items"][0];
    assert_eq!(
        (&month["month"], &month["source_ms"], &month["engine_ms"]),
        (&json!("2026-01"), &json!(3_000), &json!(0))
    );
}
