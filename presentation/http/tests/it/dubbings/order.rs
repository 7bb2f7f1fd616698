//! `POST /v1/dubbings`.

use super::set::Said;
use crate::kit::{OTHER_TOKEN, Options, Server};
use application::{admission::AdmissionLimits, ports::event_log::StreamId};
use domain::{
    asset::{Asset, AssetCommand, Quarantine, WhyQuarantined},
    glossary::{Content, Glossary, GlossaryCommand},
    project::{Project, ProjectCommand},
    value::{AssetId, DubbingId, GlossaryId, Personal, ProjectId},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const NOBODY: &str = "01980000-0000-7000-8000-000000000001";

fn with(asset: Uuid, more: &Value) -> Value {
    let mut body = json!({"asset": asset, "target_languages": ["es"]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// A glossary that is kept, for a language or for any.
async fn glossary(server: &Server, language: Option<&str>) -> Uuid {
    let id = server.api.ids.next();
    let language = language.map(|tag| tag.parse().expect("a tag"));
    let name = Personal::new("Terms".to_owned());
    let content = Content { name, language, terms: super::set::file("text/csv"), count: 1 };
    server.give::<Glossary>(&StreamId::Glossary(GlossaryId(id)), GlossaryCommand::Create(content)).await;
    id
}

#[tokio::test]
async fn an_order_begins_a_dubbing() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    let said = server.order(&json!({"asset": asset, "target_languages": ["es", "CA"]})).await;
    assert_eq!(said.status, 202, "{said:?}");
    let (id, body) = (said.id(), &said.body);
    assert_eq!(said.header("location"), format!("/v1/dubbings/{id}"));
    // Begun, and two languages requested: one append of three events.
    assert_eq!((said.header("etag"), body["revision"].as_u64()), ("\"3\"", Some(3)));
    assert_eq!((body["state"].as_str(), body["paused"].as_bool()), (Some("queued"), Some(false)));
    let source = json!({
        "name": "talk.mp4", "asset": asset, "duration_ms": 60_000, "width": 1280, "height": 720,
        "language": "en", "language_assumed": true, "transcript": "recognise",
    });
    assert_eq!(body["source"], source);
    let track = |language: &str| {
        json!({
            "language": language, "state": "queued", "has_result": false,
            "progress": {"fraction": 0.0, "lines": 0, "spoken": 0, "to_attend": 0},
            "links": {"self": format!("/v1/dubbings/{id}/tracks/{language}")},
        })
    };
    assert_eq!(body["tracks"], json!([track("ca"), track("es")]));
    assert_eq!(body["priority"], "normal");
    assert_eq!(server.api.log.head().await.expect("read"), said.position());
}

#[tokio::test]
async fn everything_that_can_be_said_is_taken() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    let project = server.api.ids.next();
    let name = Personal::new("A series".to_owned());
    server.give::<Project>(&StreamId::Project(ProjectId(project)), ProjectCommand::Create { name }).await;
    let glossary = glossary(&server, None).await;
    let more = json!({
        "source_language": "en-GB", "transcript": {"text": "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n"},
        "glossary": {"id": glossary}, "voices": {"S1": "es+f2"}, "keep_phrases": ["Dragoman"], "background": "keep",
        "subtitles": "embed", "keep_original": true, "audio_stream": 0, "priority": "high", "project": project,
        "client_reference": "order-7",
    });
    let said = server.order(&with(asset, &more)).await;
    assert_eq!(said.status, 202, "{said:?}");
    let body = &said.body;
    assert_eq!((body["priority"].as_str(), body["client_reference"].as_str()), (Some("high"), Some("order-7")));
    assert_eq!(body["project"], json!(project));
    let source = (&body["source"]["language"], &body["source"]["language_assumed"], &body["source"]["transcript"]);
    assert_eq!(source, (&json!("en-GB"), &json!(false), &json!("text")));
    let dubbing = server.api.aggregates.dubbing(said.id()).await.expect("read").state;
    let settings = &dubbing.tracks.values().next().expect("a track").settings;
    assert!(settings.embed_subtitles && settings.keep_original && settings.glossary.is_some());
    assert_eq!(settings.keep_phrases.reveal(), Some(&vec!["Dragoman".to_owned()]));
}

#[tokio::test]
async fn what_is_wrong_is_pointed_to() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    let catalan = glossary(&server, Some("ca")).await;
    let invalid = "invalid-request";
    let check = async |more: Value, code: &str, pointer: &str| {
        for path in ["/v1/dubbings", "/v1/dubbings/estimate"] {
            let said = server.say(Method::POST, path, Some(&with(asset, &more)), &[]).await;
            assert_eq!(said.problem(), (422, code, pointer), "{path} {more} {said:?}");
        }
    };
    check(json!({"asset": NOBODY}), invalid, "/asset").await;
    check(json!({"asset": "talk"}), invalid, "/asset").await;
    check(json!({"target_languages": []}), invalid, "/target_languages").await;
    check(json!({"target_languages": ["es", "ca", "ES"]}), invalid, "/target_languages/2").await;
    check(json!({"target_languages": vec!["es"; 51]}), invalid, "/target_languages").await;
    check(json!({"target_languages": ["ca", "en-US"]}), invalid, "/target_languages/1").await;
    check(json!({"target_languages": ["../es"]}), invalid, "/target_languages/0").await;
    check(json!({"target_languages": ["ca", "de"]}), "no-voice", "/target_languages/1").await;
    check(json!({"source_language": "de"}), "no-recogniser", "/source_language").await;
    let transcript = json!({"text": "1\n00:00:01,000 --> 00:00:02,000\nHallo.\n"});
    let german = json!({"source_language": "de", "transcript": transcript});
    check(german, "no-translation", "/target_languages/0").await;
    check(json!({"transcript": "embedded"}), invalid, "/transcript").await;
    check(json!({"transcript": "heard"}), invalid, "/transcript").await;
    check(json!({"transcript": {"text": "nothing"}}), invalid, "/transcript/text").await;
    check(json!({"transcript": {"text": "x".repeat((512 << 10) + 1)}}), invalid, "/transcript/text").await;
    check(json!({"glossary": {"id": NOBODY}}), invalid, "/glossary/id").await;
    check(json!({"glossary": {"csv": "source,target\none\n"}}), invalid, "/glossary/csv").await;
    check(json!({"voices": {"a/b": "nobody"}}), invalid, "/voices/a~1b").await;
    check(json!({"voices": {"": "es"}}), invalid, "/voices").await;
    check(json!({"voices": {"S1": "es", "S2": "ca+f2"}}), invalid, "/voices/S2").await;
    check(json!({"glossary": {"id": catalan}}), invalid, "/glossary/id").await;
    check(json!({"keep_phrases": ["one", ""]}), invalid, "/keep_phrases/1").await;
    check(json!({"audio_stream": 1}), invalid, "/audio_stream").await;
    check(json!({"audio_stream": -1}), invalid, "/audio_stream").await;
    check(json!({"project": NOBODY}), invalid, "/project").await;
    check(json!({"client_reference": "two words"}), invalid, "/client_reference").await;
    check(json!({"client_reference": "x".repeat(129)}), invalid, "/client_reference").await;
    check(json!({"priority": "urgent"}), invalid, "/priority").await;
    check(json!({"priority": 5}), invalid, "/priority").await;
    check(json!({"background": null}), invalid, "/background").await;
    check(json!({"transcript": {"text": "a", "lang": "en"}}), invalid, "/transcript").await;
    check(json!({"glossary": {"id": NOBODY, "csv": "a"}}), invalid, "/glossary").await;
    check(json!({"subtitle": "embed"}), invalid, "/subtitle").await;
    assert_eq!(server.api.admission.depth().reserved, 0);
}

#[tokio::test]
async fn a_glossary_is_used_in_its_language_only() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    let glossary = glossary(&server, Some("ca")).await;
    let uses = async |id: DubbingId| {
        let tracks = server.api.aggregates.dubbing(id).await.expect("read").state.tracks.clone();
        tracks.values().map(|track| track.settings.glossary.is_some()).collect::<Vec<_>>()
    };
    // A voice that speaks one of the languages is good enough, too.
    let both = json!({"target_languages": ["ca", "es"], "glossary": {"id": glossary}, "voices": {"S1": "es+f2"}});
    let said = server.order(&with(asset, &both)).await;
    assert_eq!((said.status, uses(said.id()).await), (202, vec![true, false]), "{said:?}");
    let first = server.order(&with(asset, &json!({}))).await.id();
    let path = format!("/v1/dubbings/{first}/tracks");
    let more = |language: &str| json!({"target_languages": [language], "glossary": {"id": glossary}});
    let refused = server.say(Method::POST, &path, Some(&more("es")), &[]).await;
    assert_eq!(refused.problem(), (422, "invalid-request", "/glossary/id"), "{refused:?}");
    assert_eq!(server.say(Method::POST, &path, Some(&more("ca")), &[]).await.status, 202);
    assert_eq!(uses(first).await, [true, false]);
}

#[tokio::test]
async fn an_asset_must_be_ready() {
    let server = Server::start().await;
    let asset = server.uploaded("talk.mp4").await;
    let said = server.order(&with(asset, &json!({}))).await;
    assert_eq!(said.problem(), (409, "asset-not-ready", "/asset"));
    assert_eq!(said.header("retry-after"), "1");
    let (code, message) = ("no-audio".to_owned(), "the film has no sound".to_owned());
    let silent = Quarantine { why: WhyQuarantined::NotDubbable, code, message };
    server.give::<Asset>(&StreamId::Asset(AssetId(asset)), AssetCommand::Quarantine(silent)).await;
    let said = server.order(&with(asset, &json!({}))).await;
    assert_eq!(said.problem(), (422, "asset-not-dubbable", "/asset"));
    assert_eq!((&said.body["reason"], &said.body["detail"]), (&json!("no-audio"), &json!("the film has no sound")));
}

#[tokio::test]
async fn anothers_asset_is_as_none() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    let ask = async |asset: &str| {
        let body = json!({"asset": asset, "target_languages": ["es"]}).to_string();
        let post = server.open(Method::POST, "/v1/dubbings").bearer_auth(OTHER_TOKEN);
        let post = post.header("content-type", "application/json").body(body);
        Said::of(post.send().await.expect("an answer")).await
    };
    let theirs = ask(&asset.to_string()).await;
    assert_eq!(theirs.problem(), (422, "invalid-request", "/asset"));
    assert_eq!(theirs.body, ask(NOBODY).await.body);
}

#[tokio::test]
async fn an_order_that_is_repeated_is_one_order() {
    let server = Server::start().await;
    let body = with(server.asset("talk.mp4").await, &json!({}));
    let keyed = [("idempotency-key", "k")];
    let first = server.say(Method::POST, "/v1/dubbings", Some(&body), &keyed).await;
    let again = server.say(Method::POST, "/v1/dubbings", Some(&body), &keyed).await;
    assert_eq!((first.status, again.status), (202, 202), "{first:?}");
    assert_eq!((&first.body, first.position()), (&again.body, again.position()));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = server.order(&body).await;
    assert_ne!(other.id(), first.id());
    server.catch_up().await;
    assert_eq!(server.read("/v1/dubbings").await.body["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_was_refused_for_now_is_asked_once_more_with_its_key() {
    let server = Server::start().await;
    let asset = server.uploaded("talk.mp4").await;
    let body = with(asset, &json!({}));
    let order = async || server.say(Method::POST, "/v1/dubbings", Some(&body), &[("idempotency-key", "k")]).await;
    for _ in 0..2 {
        let early = order().await;
        assert_eq!((early.problem().1, early.header("retry-after")), ("asset-not-ready", "1"));
        assert!(!early.headers.contains_key("idempotent-replayed"));
    }
    server.validate(asset).await;
    let (first, again) = (order().await, order().await);
    assert_eq!((first.status, again.status, &first.body), (202, 202, &again.body), "{first:?}");
    assert_eq!(again.header("idempotent-replayed"), "true");
    // What is wrong with the request stays wrong.
    let wrong = with(asset, &json!({"priority": "urgent"}));
    for is_replayed in [false, true] {
        let refused = server.say(Method::POST, "/v1/dubbings", Some(&wrong), &[("idempotency-key", "l")]).await;
        assert_eq!(refused.problem().0, 422);
        assert_eq!(refused.headers.contains_key("idempotent-replayed"), is_replayed);
    }
}

#[tokio::test]
async fn no_more_is_taken_than_there_is_room_for() {
    let admission = AdmissionLimits { active_max: 1, queued_max: 1, retry_after: Duration::from_secs(7) };
    let server = Server::with(Options { admission: Some(admission), ..Options::default() }).await;
    let body = with(server.asset("talk.mp4").await, &json!({}));
    for _ in 0..2 {
        assert_eq!(server.order(&body).await.status, 202);
    }
    let head = server.api.log.head().await.expect("read");
    let refused = server.order(&body).await;
    assert_eq!((refused.problem().0, refused.problem().1), (503, "overloaded"));
    assert_eq!(refused.header("retry-after"), "7");
    assert_eq!(server.api.log.head().await.expect("read"), head);
}
