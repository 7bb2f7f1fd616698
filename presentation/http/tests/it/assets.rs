//! Files handed in as forms, and what becomes of them as assets.

use crate::{
    bad_requests::problem,
    kit::{OTHER_TOKEN, Options, Server, UPLOAD_BYTES_MAX},
};
use application::{
    aggregates::{CommandMeta, sha256},
    ports::event_log::StreamId,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    asset::{
        Asset, AssetCommand, AssetSound, AssetText, AssetVideo, Quarantine, ScanVerdict, ValidatedAsset, WhyNotScanned,
        WhyQuarantined,
    },
    value::{AssetId, Decibel, Producer},
};
use futures::StreamExt;
use http_api::UploadLimits;
use reqwest::{Body, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const HEAD: &str =
    "Content-Disposition: form-data; name=\"file\"; filename=\"../../talk.mp4\"\r\nContent-Type: video/mp4";
const CONTENT: &str = "not really a film\r\n--no more than lines";

fn part(head: &str, content: &str) -> String {
    format!("--b\r\n{head}\r\n\r\n{content}\r\n")
}

fn field(name: &str, value: &str) -> String {
    part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
}

fn post(server: &Server, parts: &[String]) -> RequestBuilder {
    post_as(server, "b", format!("{}--b--\r\n", parts.concat()))
}

fn post_as(server: &Server, boundary: &str, body: String) -> RequestBuilder {
    let post = server.ask(Method::POST, "/v1/assets");
    post.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body)
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
}

/// Hands in a file; its id.
pub async fn hand_in(server: &Server, content: &str) -> Uuid {
    let created = post(server, &[part(HEAD, content)]).send().await.expect("an answer");
    assert_eq!(created.status(), 201);
    json(created).await["id"].as_str().expect("an id").parse().expect("an id")
}

async fn give(server: &Server, id: Uuid, command: AssetCommand) {
    let meta = CommandMeta::fresh("test", server.api.ids.next());
    let stream = StreamId::Asset(AssetId(id));
    server.api.aggregates.execute::<Asset>(&stream, command, &meta).await.expect("accepted");
    server.catch_up().await;
}

fn found() -> ValidatedAsset {
    let language = Some("de".parse().expect("a language"));
    ValidatedAsset {
        container: "video/quicktime".to_owned(),
        duration_ms: 61_000,
        video: vec![AssetVideo { index: 0, codec: "video/x-h264".to_owned(), width: 1_280, height: 720 }],
        audio: vec![AssetSound {
            index: 0,
            codec: "audio/mpeg".to_owned(),
            channels: 2,
            rate_hz: 48_000,
            language: language.clone(),
        }],
        subtitles: vec![AssetText { index: 0, codec: "text/x-raw".to_owned(), language }],
        loudness: Decibel::from_db(-23.5),
        true_peak: Decibel::from_db(-1.25),
    }
}

#[tokio::test]
async fn a_file_is_handed_in_and_found_again() {
    let server = Server::start().await;
    let digest = sha256(CONTENT.as_bytes()).to_string();
    let created = post(&server, &[field("sha256", &digest), part(HEAD, CONTENT)]).send().await.expect("an answer");
    assert_eq!(created.status(), 201);
    let location = created.headers()["location"].to_str().expect("a path").to_owned();
    assert_eq!(
        (&created.headers()["etag"], &created.headers()["dragoman-position"]),
        (&"\"1\"".parse().expect(""), &"1".parse().expect(""))
    );
    let asset = json(created).await;
    assert_eq!(location, format!("/v1/assets/{}", asset["id"].as_str().expect("an id")));
    assert_eq!(
        (&asset["state"], &asset["name"], &asset["media_type"]),
        (&json!("uploaded"), &json!("../../talk.mp4"), &json!("video/mp4"))
    );
    assert_eq!(
        (&asset["bytes"], &asset["sha256"], &asset["scanned"]),
        (&json!(CONTENT.len()), &json!(digest), &json!(false))
    );
    let blob = server.api.blobs.get_bytes(&sha256(CONTENT.as_bytes())).await.expect("a store");
    assert_eq!(blob.as_deref(), Some(CONTENT.as_bytes()));
    assert_eq!(json(server.get(&location).send().await.expect("an answer")).await, asset);
    // Its note, which holds the name, is gone.
    assert_eq!(server.api.uploads.finished().await.expect("a store"), []);
    server.catch_up().await;
    let list = json(server.get("/v1/assets?min_position=1").send().await.expect("an answer")).await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["name"]), (&asset["id"], &asset["name"]));
    let elsewhere = server.open(Method::GET, &location).bearer_auth(OTHER_TOKEN).send().await.expect("an answer");
    assert_eq!(problem(elsewhere).await["code"], "not-found");
    let theirs = server.open(Method::GET, "/v1/assets").bearer_auth(OTHER_TOKEN).send().await.expect("an answer");
    assert_eq!(json(theirs).await["items"], json!([]));
}

#[tokio::test]
async fn what_came_of_a_scan_is_told() {
    let server = Server::start().await;
    let id = hand_in(&server, CONTENT).await;
    let told = async || json(server.get(&format!("/v1/assets/{id}")).send().await.expect("an answer")).await;
    let asset = told().await;
    assert_eq!((&asset["scanned"], asset.get("scan")), (&json!(false), None));
    give(&server, id, AssetCommand::RecordNotScanned(WhyNotScanned::TooLarge)).await;
    let asset = told().await;
    let expected = json!({"verdict": "not-scanned", "reason": "too-large"});
    assert_eq!((&asset["scanned"], &asset["scan"]), (&json!(false), &expected));
    let scanner = Producer { engine: "clamd".to_owned(), version: "1.4".to_owned(), model_digest: None };
    give(&server, id, AssetCommand::RecordScan { scanner, verdict: ScanVerdict::Clean }).await;
    let asset = told().await;
    assert_eq!((&asset["scanned"], &asset["scan"]), (&json!(true), &json!({"verdict": "clean"})));
}

#[tokio::test]
async fn a_list_comes_in_pages_and_may_be_filtered() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        server.clock.set(server.api.clock.now().plus_ms(1_000));
        ids.push(hand_in(&server, &format!("file {number}")).await.to_string());
    }
    give(&server, ids[1].parse().expect("an id"), AssetCommand::Validate(Box::new(found()))).await;
    let list =
        async |query: &str| json(server.get(&format!("/v1/assets?{query}")).send().await.expect("an answer")).await;
    let linked = server.get("/v1/assets?limit=2").send().await.expect("an answer");
    let link = linked.headers()["link"].to_str().expect("a text").to_owned();
    let page = json(linked).await;
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    assert_eq!(link, format!("</v1/assets?limit=2&cursor={cursor}>; rel=\"next\""));
    assert_eq!((&page["items"][0]["id"], &page["items"][1]["id"]), (&json!(ids[2]), &json!(ids[1])));
    let next = list(&format!("limit=2&cursor={}", page["next_cursor"].as_str().expect("a cursor"))).await;
    assert_eq!(
        (&next["items"][0]["id"], next["items"].as_array().map(Vec::len), &next["next_cursor"]),
        (&json!(ids[0]), Some(1), &Value::Null)
    );
    let ready = list("state=ready").await;
    assert_eq!((&ready["items"][0]["id"], ready["items"].as_array().map(Vec::len)), (&json!(ids[1]), Some(1)));
    assert_eq!(list("state=quarantined").await["items"], json!([]));
    for (query, code) in [
        ("state=erased", "invalid-query"),
        ("cursor=WzFd", "invalid-cursor"),
        ("cursor=W251bGwsMV0", "invalid-cursor"),
        ("limit=0", "invalid-query"),
        ("a=b", "invalid-query"),
    ] {
        let refused = server.get(&format!("/v1/assets?{query}")).send().await.expect("an answer");
        assert_eq!(problem(refused).await["code"], code, "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_named_and_nothing_stays() {
    let server = Server::start().await;
    let file = || part(HEAD, CONTENT);
    let wrong = "0".repeat(64);
    let in_part = format!("{HEAD}\r\nContent-Digest: sha-256=:{}:", BASE64_STANDARD.encode([0; 32]));
    let cases: &[(&[String], u16, &str)] = &[
        (&[], 422, "/file missing-field"),
        (&["--b\r\n".to_owned()], 400, "malformed-multipart"),
        (&[field("sha256", &wrong)], 422, "/file missing-field"),
        (&[file(), file()], 422, "/file duplicate-field"),
        (&[field("sha256", &wrong), field("sha256", &wrong)], 422, "/sha256 duplicate-field"),
        (&[field("name", "a"), file()], 422, "/name unknown-field"),
        (&[file(), field("sha256", "xyz")], 422, "/sha256 invalid-value"),
        (&[field("sha256", &wrong), file()], 422, "digest-mismatch"),
        (&[file(), field("sha256", &wrong)], 422, "digest-mismatch"),
        (&[part(&in_part, CONTENT)], 422, "digest-mismatch"),
        (&[part(&HEAD.replace("talk", &"t".repeat(300)), CONTENT)], 422, "/file invalid-value"),
        (&[part("Content-Type: video/mp4", CONTENT)], 400, "malformed-multipart"),
    ];
    for (parts, status, expected) in cases {
        let body = problem(post(&server, parts).send().await.expect("an answer")).await;
        let fault = &body["errors"][0];
        let found = match fault["pointer"].as_str() {
            Some(pointer) => format!("{pointer} {}", fault["code"].as_str().expect("a code")),
            None => body["code"].as_str().expect("a code").to_owned(),
        };
        assert_eq!((body["status"].as_u64(), found.as_str()), (Some(u64::from(*status)), *expected));
    }
    for media_type in
        ["application/json", "multipart/form-data", "multipart/mixed; boundary=b", "multipart/form-data; boundary="]
    {
        let refused = server.ask(Method::POST, "/v1/assets").header("content-type", media_type).body(file());
        assert_eq!(problem(refused.send().await.expect("an answer")).await["code"], "unsupported-media-type");
    }
    let long = server.ask(Method::POST, "/v1/assets").header("content-type", "multipart/form-data; boundary=b");
    let long = long
        .header("content-length", UPLOAD_BYTES_MAX + (1 << 20))
        .body(Body::wrap_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>()));
    assert_eq!(problem(long.send().await.expect("an answer")).await["code"], "body-too-large");
    nothing_stays(&server).await;
    assert_eq!(server.api.log.head().await.expect("a log"), 0);
}

/// Waits until no upload is left.
async fn nothing_stays(server: &Server) {
    for _ in 0..500 {
        if server.api.uploads.unfinished().await.expect("a store").is_empty() {
            assert_eq!(server.api.uploads.finished().await.expect("a store"), []);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("an upload is left");
}

#[tokio::test]
async fn digests_in_headers_are_those_of_the_whole_form() {
    let server = Server::start().await;
    let body = format!("{}--b--\r\n", part(HEAD, CONTENT));
    let of = |bytes: &[u8]| format!("sha-256=:{}:", BASE64_STANDARD.encode(sha256(bytes).as_bytes()));
    for name in ["content-digest", "repr-digest"] {
        let right = post_as(&server, "b", body.clone()).header(name, of(body.as_bytes()));
        assert_eq!(right.send().await.expect("an answer").status(), 201);
        let wrong = post_as(&server, "b", body.clone()).header(name, of(CONTENT.as_bytes()));
        assert_eq!(problem(wrong.send().await.expect("an answer")).await["code"], "digest-mismatch");
        let malformed = post_as(&server, "b", body.clone()).header(name, "sha-256=abc");
        assert_eq!(problem(malformed.send().await.expect("an answer")).await["code"], "invalid-header");
    }
}

#[tokio::test]
async fn a_repeated_form_is_one_asset() {
    let server = Server::start().await;
    let send = async |boundary: &str| {
        let body = format!("{}--{boundary}--", part(HEAD, CONTENT).replace("--b\r", &format!("--{boundary}\r")));
        post_as(&server, boundary, body).header("idempotency-key", "k").send().await.expect("an answer")
    };
    let broken = post_as(&server, "b", part(HEAD, CONTENT)).header("idempotency-key", "k").send().await;
    assert_eq!(problem(broken.expect("an answer")).await["code"], "malformed-multipart");
    let first = send("b").await;
    let again = send("other").await;
    assert_eq!((first.status().as_u16(), again.status().as_u16()), (201, 201));
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(json(first).await, json(again).await);
    assert_eq!(server.api.log.head().await.expect("a log"), 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_form() {
    let server = Server::start().await;
    let send = async |head: &str, content: &str| {
        let form = post(&server, &[part(head, content)]).header("idempotency-key", "k");
        form.send().await.expect("an answer")
    };
    let first = json(send(HEAD, CONTENT).await).await;
    let other_name = HEAD.replace("talk.mp4", "other.mp4");
    for (head, content) in [(HEAD, "another film"), (HEAD, ""), (&*other_name, CONTENT)] {
        let refused = problem(send(head, content).await).await;
        assert_eq!((&refused["status"], &refused["code"]), (&json!(422), &json!("idempotency-key-reused")), "{head}");
    }
    // What cannot be compared is refused for what it is.
    let broken = post_as(&server, "b", part(HEAD, CONTENT)).header("idempotency-key", "k").send().await;
    assert_eq!(problem(broken.expect("an answer")).await["code"], "malformed-multipart");
    let again = send(HEAD, CONTENT).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert!(!again.headers().keys().any(|name| name.as_str().contains("sha256")));
    assert_eq!(json(again).await, first);
    assert_eq!(server.api.log.head().await.expect("a log"), 1);
}

#[tokio::test]
async fn an_erasure_is_of_what_its_giver_saw() {
    let server = Server::start().await;
    let path = format!("/v1/assets/{}", hand_in(&server, CONTENT).await);
    server.catch_up().await;
    let delete = |tag: &str| server.ask(Method::DELETE, &path).header("if-match", tag.to_owned());
    let refused = problem(delete("\"7\"").send().await.expect("an answer")).await;
    assert_eq!((&refused["code"], &refused["revision"]), (&json!("revision-mismatch"), &json!(1)));
    let theirs = server.open(Method::DELETE, &path).bearer_auth(OTHER_TOKEN).header("if-match", "\"7\"");
    assert_eq!(problem(theirs.send().await.expect("an answer")).await["code"], "not-found");
}

#[tokio::test]
async fn too_large_and_too_slow_files_are_refused() {
    let limits =
        UploadLimits { bytes_max: UPLOAD_BYTES_MAX, stall: Duration::from_millis(100), ..UploadLimits::default() };
    let server = Server::with(Options { uploads: Some(limits), ..Options::default() }).await;
    let head = format!("--b\r\n{HEAD}\r\n\r\n");
    let silent = futures::stream::iter([Ok::<_, std::io::Error>(head.into_bytes())]).chain(futures::stream::pending());
    let slow = server.ask(Method::POST, "/v1/assets").header("content-type", "multipart/form-data; boundary=b");
    let refused = slow.body(Body::wrap_stream(silent)).send().await.expect("an answer");
    assert_eq!(problem(refused).await["code"], "body-too-slow");
    nothing_stays(&server).await;
}

#[tokio::test]
async fn an_asset_shows_what_was_found() {
    let server = Server::start().await;
    let id = hand_in(&server, CONTENT).await;
    give(&server, id, AssetCommand::Validate(Box::new(found()))).await;
    let answer = server.get(&format!("/v1/assets/{id}")).send().await.expect("an answer");
    let tag = answer.headers()["etag"].to_str().expect("a tag").to_owned();
    let asset = json(answer).await;
    assert_eq!((&asset["state"], asset["checked_at"].is_string()), (&json!("ready"), true));
    let expected = json!({
        "container": "video/quicktime", "duration_ms": 61_000,
        "video": [{"index": 0, "codec": "video/x-h264", "width": 1_280, "height": 720}],
        "audio": [{"index": 0, "codec": "audio/mpeg", "channels": 2, "rate_hz": 48_000, "language": "de"}],
        "subtitles": [{"index": 0, "codec": "text/x-raw", "language": "de"}],
        "loudness_lufs": -23.5, "true_peak_dbtp": -1.25,
    });
    assert_eq!(asset["media"], expected);
    let known = server.get(&format!("/v1/assets/{id}")).header("if-none-match", tag).send().await;
    assert_eq!(known.expect("an answer").status(), 304);
}

#[tokio::test]
async fn an_asset_that_cannot_be_dubbed_says_why() {
    let server = Server::start().await;
    let cases = [
        (WhyQuarantined::Unsupported, "not-media", 415, "asset-unsupported"),
        (WhyQuarantined::NotDubbable, "no-audio", 422, "asset-not-dubbable"),
        (WhyQuarantined::Infected, "infected", 422, "asset-infected"),
    ];
    for (why, reason, status, code) in cases {
        let id = hand_in(&server, reason).await;
        let message = format!("it is {reason}; hand in another file");
        let quarantine = Quarantine { why, code: reason.to_owned(), message: message.clone() };
        give(&server, id, AssetCommand::Quarantine(quarantine)).await;
        let body = problem(server.get(&format!("/v1/assets/{id}")).send().await.expect("an answer")).await;
        assert_eq!((body["status"].as_u64(), &body["code"]), (Some(status), &json!(code)));
        assert_eq!((&body["reason"], &body["detail"]), (&json!(reason), &json!(message)));
        assert_eq!((&body["asset"]["state"], &body["asset"]["bytes"]), (&json!("quarantined"), &json!(reason.len())));
    }
}

#[tokio::test]
async fn an_erased_asset_leaves_nothing_behind() {
    let server = Server::start().await;
    let (id, twin) = (hand_in(&server, CONTENT).await, hand_in(&server, CONTENT).await);
    server.catch_up().await;
    let path = format!("/v1/assets/{id}");
    let delete = async |path: &str, token: &str| {
        // The read models are brought up to date while the answer waits for them.
        let runner = server.runner.clone();
        let behind = tokio::spawn(async move {
            loop {
                runner.catch_up().await.expect("read models");
                tokio::task::yield_now().await;
            }
        });
        let answer = server.open(Method::DELETE, path).bearer_auth(token).send().await.expect("an answer");
        behind.abort();
        answer
    };
    assert_eq!(server.get(&path).send().await.expect("an answer").status(), 200);
    assert_eq!(delete(&path, OTHER_TOKEN).await.status(), 404);
    let erased = delete(&path, crate::kit::TOKEN).await;
    assert_eq!((erased.status().as_u16(), &erased.headers()["dragoman-position"]), (204, &"3".parse().expect("3")));
    assert_eq!(problem(server.get(&path).send().await.expect("an answer")).await["code"], "not-found");
    assert_eq!(delete(&path, crate::kit::TOKEN).await.status(), 204);
    assert!(server.api.vault.key(id).expect("a vault").is_none());
    // The same bytes are another asset, too.
    let blob = sha256(CONTENT.as_bytes());
    assert!(server.api.blobs.path(&blob).await.expect("a store").is_some());
    assert_eq!(delete(&format!("/v1/assets/{twin}"), crate::kit::TOKEN).await.status(), 204);
    assert!(server.api.blobs.path(&blob).await.expect("a store").is_none());
    assert_eq!(delete("/v1/assets/0198aaaa-0000-7000-8000-000000000001", crate::kit::TOKEN).await.status(), 404);
    assert_eq!(delete("/v1/assets/nonsense", crate::kit::TOKEN).await.status(), 404);
    server.catch_up().await;
    assert_eq!(json(server.get("/v1/assets").send().await.expect("an answer")).await["items"], json!([]));
}

#[tokio::test]
async fn a_large_file_arrives_in_pieces() {
    const PIECE: usize = 64 << 10;
    const PIECES: usize = 3_200;
    let server = Server::start().await;
    hand_in(&server, CONTENT).await;
    let head = format!("--b\r\n{HEAD}\r\n\r\n").into_bytes();
    let piece = bytes::Bytes::from(vec![7; PIECE]);
    let pieces = futures::stream::repeat(piece).take(PIECES);
    let body = futures::stream::iter([bytes::Bytes::from(head)]).chain(pieces);
    let body = body.chain(futures::stream::iter([bytes::Bytes::from_static(b"\r\n--b--")]));
    let post = server.ask(Method::POST, "/v1/assets").header("content-type", "multipart/form-data; boundary=b");
    let created = post.body(Body::wrap_stream(body.map(Ok::<_, std::io::Error>))).send().await.expect("an answer");
    assert_eq!(created.status(), 201);
    assert_eq!(json(created).await["bytes"], PIECE * PIECES);
}
