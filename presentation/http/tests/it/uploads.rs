//! The tus protocol, header by header.

use crate::{
    bad_requests::problem,
    kit::{OTHER_TOKEN, Options, Server, UPLOAD_BYTES_MAX, UPLOADS_OPEN_MAX},
};
use application::{aggregates::sha256, commands::expire_uploads::ExpireUploads};
use base64::{Engine, prelude::BASE64_STANDARD};
use http_api::UploadLimits;
use reqwest::{Body, Method, RequestBuilder, Response};
use std::time::Duration;
use tokio::sync::oneshot;

const PIECE: &str = "application/offset+octet-stream";
pub const CONTENT: &[u8] = b"0123456789abcdef";

pub fn tus(server: &Server, method: Method, path: &str) -> RequestBuilder {
    server.ask(method, path).header("tus-resumable", "1.0.0")
}

fn create(server: &Server, length: usize) -> RequestBuilder {
    tus(server, Method::POST, "/v1/uploads").header("upload-length", length)
}

pub fn patch(server: &Server, path: &str, offset: usize, bytes: impl Into<Body>) -> RequestBuilder {
    let patch = tus(server, Method::PATCH, path).header("content-type", PIECE);
    patch.header("upload-offset", offset).body(bytes)
}

pub async fn send(request: RequestBuilder) -> Response {
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.headers()["tus-resumable"], "1.0.0", "{}", answer.status());
    answer
}

/// Begins an upload; its path.
pub async fn begin(server: &Server, length: usize) -> String {
    let created = send(create(server, length)).await;
    assert_eq!((created.status().as_u16(), header(&created, "upload-offset")), (201, "0"));
    header(&created, "location").to_owned()
}

pub fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("a text"))
}

pub async fn offset(server: &Server, path: &str) -> usize {
    let head = send(tus(server, Method::HEAD, path)).await;
    assert_eq!(head.status(), 200);
    header(&head, "upload-offset").parse().expect("a number")
}

async fn check(request: RequestBuilder, status: u16, code: &str) -> serde_json::Value {
    let answer = send(request).await;
    let body = problem(answer).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{body}");
    body
}

#[tokio::test]
async fn the_server_says_what_it_can() {
    let server = Server::start().await;
    let answer = server.ask(Method::OPTIONS, "/v1/uploads").send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), header(&answer, "tus-version")), (204, "1.0.0"));
    assert_eq!(header(&answer, "tus-resumable"), "1.0.0");
    assert_eq!(header(&answer, "tus-extension"), "creation,creation-with-upload,checksum,expiration,termination");
    assert_eq!(header(&answer, "tus-max-size"), UPLOAD_BYTES_MAX.to_string());
    assert_eq!(header(&answer, "tus-checksum-algorithm"), "sha256,sha1");
    // A browser's question before it asks is another thing.
    let preflight = server.open(Method::OPTIONS, "/v1/uploads").header("origin", crate::kit::ORIGIN);
    let preflight = preflight.header("access-control-request-method", "PATCH").send().await.expect("an answer");
    assert!(header(&preflight, "access-control-allow-headers").contains("upload-offset"));
}

#[tokio::test]
async fn a_file_arrives_in_pieces() {
    let server = Server::start().await;
    let metadata =
        format!("filename {},filetype {}", BASE64_STANDARD.encode("../a b.mp4"), BASE64_STANDARD.encode("video/mp4"));
    let created = send(create(&server, CONTENT.len()).header("upload-metadata", &metadata)).await;
    let path = header(&created, "location").to_owned();
    assert_eq!(header(&created, "upload-expires"), "Sun, 01 Feb 2026 08:00:00 GMT");
    let first = send(patch(&server, &path, 0, &CONTENT[..10])).await;
    assert_eq!(
        (first.status().as_u16(), header(&first, "upload-offset"), header(&first, "dragoman-asset")),
        (204, "10", "")
    );
    let head = send(tus(&server, Method::HEAD, &path)).await;
    assert_eq!((header(&head, "upload-offset"), header(&head, "upload-length")), ("10", "16"));
    assert_eq!((header(&head, "cache-control"), header(&head, "upload-metadata")), ("no-store", metadata.as_str()));
    let last = send(patch(&server, &path, 10, &CONTENT[10..])).await;
    let asset = header(&last, "dragoman-asset").to_owned();
    assert_eq!(
        (last.status().as_u16(), header(&last, "upload-offset"), header(&last, "dragoman-position")),
        (204, "16", "1")
    );
    assert_eq!(header(&last, "upload-expires"), "");
    let document: serde_json::Value =
        serde_json::from_slice(&server.get(&asset).send().await.expect("an answer").bytes().await.expect("a body"))
            .expect("JSON");
    assert_eq!(
        (document["name"].as_str(), document["sha256"].as_str()),
        (Some("../a b.mp4"), Some(&*sha256(CONTENT).to_string()))
    );
    // Later it is told again, and the last piece may come again.
    let head = send(tus(&server, Method::HEAD, &path)).await;
    assert_eq!((header(&head, "dragoman-asset"), header(&head, "upload-offset")), (asset.as_str(), "16"));
    let again = send(patch(&server, &path, 16, "")).await;
    assert_eq!((again.status().as_u16(), header(&again, "dragoman-asset")), (204, asset.as_str()));
    check(patch(&server, &path, 10, &CONTENT[10..]), 409, "offset-mismatch").await;
    assert_eq!(server.api.log.head().await.expect("a log"), 1);
}

#[tokio::test]
async fn a_creation_may_bring_the_first_piece() {
    let server = Server::start().await;
    let with = |bytes: &'static [u8]| create(&server, CONTENT.len()).header("content-type", PIECE).body(bytes);
    let part = send(with(&CONTENT[..4])).await;
    assert_eq!((part.status().as_u16(), header(&part, "upload-offset")), (201, "4"));
    assert_eq!(offset(&server, header(&part, "location")).await, 4);
    let whole = send(with(CONTENT)).await;
    assert_eq!((whole.status().as_u16(), header(&whole, "upload-offset")), (201, "16"));
    assert!(header(&whole, "dragoman-asset").starts_with("/v1/assets/"));
    let empty = send(create(&server, 0)).await;
    assert!(header(&empty, "dragoman-asset").starts_with("/v1/assets/"));
    let wrong = with(CONTENT).header("upload-checksum", format!("sha1 {}", BASE64_STANDARD.encode([0; 20])));
    let wrong = send(wrong).await;
    assert_eq!((wrong.status().as_u16(), offset(&server, header(&wrong, "location")).await), (460, 0));
}

#[tokio::test]
async fn a_creation_that_is_wrong_is_refused() {
    let server = Server::start().await;
    let post = || tus(&server, Method::POST, "/v1/uploads");
    check(post(), 400, "invalid-header").await;
    check(post().header("upload-length", "-1"), 400, "invalid-header").await;
    check(post().header("upload-length", "1e3"), 400, "invalid-header").await;
    check(post().header("upload-length", "99999999999999999999"), 400, "invalid-header").await;
    check(post().header("upload-defer-length", "1"), 400, "invalid-header").await;
    assert_eq!(check(create(&server, 1 << 40), 413, "body-too-large").await["limit_bytes"], UPLOAD_BYTES_MAX);
    check(create(&server, 3).header("upload-metadata", "filename !"), 400, "invalid-header").await;
    check(create(&server, 3).header("upload-checksum", "md5 AAAA"), 400, "invalid-header").await;
    check(create(&server, 3).body("abc"), 415, "unsupported-media-type").await;
    check(create(&server, 3).header("content-type", PIECE).body("abcd"), 413, "body-too-large").await;
    check(server.ask(Method::POST, "/v1/uploads").header("upload-length", 3), 412, "tus-version").await;
    let other = server.ask(Method::POST, "/v1/uploads").header("tus-resumable", "0.2.2").header("upload-length", 3);
    let other = send(other).await;
    assert_eq!((other.status().as_u16(), header(&other, "tus-version")), (412, "1.0.0"));
}

#[tokio::test]
async fn a_piece_that_is_wrong_is_refused() {
    let server = Server::start().await;
    let path = begin(&server, CONTENT.len()).await;
    assert_eq!(check(patch(&server, &path, 3, "abc"), 409, "offset-mismatch").await["offset"], 0);
    check(patch(&server, &path, 0, vec![0; 17]), 413, "body-too-large").await;
    check(patch(&server, &path, usize::MAX, "abc"), 413, "body-too-large").await;
    check(tus(&server, Method::PATCH, &path).header("upload-offset", 0).body("abc"), 415, "unsupported-media-type")
        .await;
    check(tus(&server, Method::PATCH, &path).header("content-type", PIECE).body("abc"), 400, "invalid-header").await;
    check(patch(&server, &path, 0, "abc").header("upload-checksum", "sha256 abc"), 400, "invalid-header").await;
    for none in ["/v1/uploads/0198aaaa-0000-7000-8000-000000000001", "/v1/uploads/nonsense"] {
        check(patch(&server, none, 0, "abc"), 404, "not-found").await;
        check(tus(&server, Method::DELETE, none), 404, "not-found").await;
        assert_eq!(send(tus(&server, Method::HEAD, none)).await.status(), 404);
    }
    assert_eq!(send(server.ask(Method::HEAD, &path)).await.status(), 412);
    assert_eq!(offset(&server, &path).await, 0);
}

#[tokio::test]
async fn checksums_keep_a_piece_whole_or_not_at_all() {
    let server = Server::start().await;
    let path = begin(&server, CONTENT.len()).await;
    let sum = |bytes: &[u8]| format!("sha256 {}", BASE64_STANDARD.encode(sha256(bytes).as_bytes()));
    let wrong = patch(&server, &path, 0, &CONTENT[..8]).header("upload-checksum", sum(b"other"));
    check(wrong, 460, "checksum-mismatch").await;
    assert_eq!(offset(&server, &path).await, 0);
    let right = patch(&server, &path, 0, &CONTENT[..8]).header("upload-checksum", sum(&CONTENT[..8]));
    assert_eq!(send(right).await.status(), 204);
    // SHA-1 of "89abcdef", by Python.
    let sha1 = "/D/Er9zZKnEO9yzjXJs1Gr2aTuc=";
    let last = patch(&server, &path, 8, &CONTENT[8..]).header("upload-checksum", format!("sha1 {sha1}"));
    let last = send(last).await;
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (204, "16"));
}

#[tokio::test]
async fn a_file_of_another_digest_than_announced_is_removed() {
    let server = Server::start().await;
    let announce = |digest: String| format!("sha256 {}", BASE64_STANDARD.encode(digest));
    let right = create(&server, CONTENT.len()).header("upload-metadata", announce(sha256(CONTENT).to_string()));
    let right = send(right).await;
    assert_eq!(send(patch(&server, header(&right, "location"), 0, CONTENT)).await.status(), 204);
    let wrong = send(create(&server, 3).header("upload-metadata", announce(sha256(CONTENT).to_string()))).await;
    let path = header(&wrong, "location").to_owned();
    check(patch(&server, &path, 0, "abc"), 422, "digest-mismatch").await;
    assert_eq!(send(tus(&server, Method::HEAD, &path)).await.status(), 404);
    assert_eq!(server.api.log.head().await.expect("a log"), 1);
}

#[tokio::test]
async fn one_writes_at_a_time() {
    const HALF: usize = 1 << 20;
    let server = Server::start().await;
    let path = begin(&server, 2 * HALF).await;
    let (go, wait) = oneshot::channel::<()>();
    let slow = futures::stream::iter([Ok::<_, std::io::Error>(vec![1; HALF])]);
    let slow = futures::StreamExt::chain(
        slow,
        futures::stream::once(async move {
            wait.await.expect("told");
            Ok(vec![2; HALF])
        }),
    );
    let first = tokio::spawn(patch(&server, &path, 0, Body::wrap_stream(slow)).send());
    // Once some of it is there, the first one holds the upload.
    let mut looks = 0;
    while offset(&server, &path).await == 0 {
        looks += 1;
        assert!(looks < 1_000, "the first piece does not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = send(patch(&server, &path, 0, "abc")).await;
    assert_eq!((second.status().as_u16(), header(&second, "retry-after")), (423, "1"));
    check(tus(&server, Method::DELETE, &path), 423, "upload-locked").await;
    go.send(()).expect("it waits");
    let first = first.await.expect("not broken").expect("an answer");
    assert_eq!((first.status().as_u16(), header(&first, "upload-offset")), (204, (2 * HALF).to_string().as_str()));
}

#[tokio::test]
async fn the_method_that_is_meant_counts() {
    let server = Server::start().await;
    let path = begin(&server, CONTENT.len()).await;
    let post = |meant: &str| tus(&server, Method::POST, &path).header("x-http-method-override", meant.to_owned());
    let piece = post("PATCH").header("content-type", PIECE).header("upload-offset", 0).body(&CONTENT[..8]);
    let taken = send(piece).await;
    assert_eq!((taken.status().as_u16(), header(&taken, "upload-offset")), (204, "8"));
    // The one that was sent does not.
    let told = send(tus(&server, Method::GET, &path).header("x-http-method-override", "HEAD")).await;
    assert_eq!((told.status().as_u16(), header(&told, "upload-offset")), (200, "8"));
    let refused = problem(post("PUT").send().await.expect("an answer")).await;
    assert_eq!(refused["code"], "method-not-allowed");
    assert_eq!(send(post("DELETE")).await.status(), 204);
    assert_eq!(send(tus(&server, Method::HEAD, &path)).await.status(), 404);
    // Nowhere else.
    let elsewhere = server.get("/v1/errors").header("x-http-method-override", "DELETE").send().await;
    assert_eq!(elsewhere.expect("an answer").status(), 200);
}

#[tokio::test]
async fn an_upload_can_be_broken_off() {
    let server = Server::start().await;
    let path = begin(&server, CONTENT.len()).await;
    send(patch(&server, &path, 0, "abc")).await;
    assert_eq!(send(tus(&server, Method::DELETE, &path)).await.status(), 204);
    check(tus(&server, Method::DELETE, &path), 404, "not-found").await;
    check(patch(&server, &path, 3, "def"), 404, "not-found").await;
    // An asset outlives the note of its upload.
    let path = begin(&server, CONTENT.len()).await;
    let last = send(patch(&server, &path, 0, CONTENT)).await;
    let asset = header(&last, "dragoman-asset").to_owned();
    assert_eq!(send(tus(&server, Method::DELETE, &path)).await.status(), 204);
    assert_eq!(server.get(&asset).send().await.expect("an answer").status(), 200);
}

/// The round that removes what is past its time.
fn expiry(server: &Server) -> ExpireUploads {
    ExpireUploads {
        import: server.api.import_asset(),
        uploads: server.api.uploads.clone(),
        clock: server.clock.clone(),
        every: Duration::from_secs(60),
    }
}

#[tokio::test]
async fn an_upload_that_goes_on_does_not_expire() {
    const HOUR_MS: u64 = 3_600_000;
    let server = Server::start().await;
    let (path, idle) = (begin(&server, CONTENT.len()).await, begin(&server, CONTENT.len()).await);
    let later = |hours: u64| server.clock.set(server.api.clock.now().plus_ms(hours * HOUR_MS));
    later(10);
    let piece = send(patch(&server, &path, 0, "0123")).await;
    assert_eq!(header(&piece, "upload-expires"), "Sun, 01 Feb 2026 18:00:00 GMT");
    let head = send(tus(&server, Method::HEAD, &path)).await;
    assert_eq!(header(&head, "upload-expires"), "Sun, 01 Feb 2026 18:00:00 GMT");
    later(10);
    // Neither a piece that is refused nor one with nothing in it is a byte that came.
    let wrong = format!("sha1 {}", BASE64_STANDARD.encode([0; 20]));
    check(patch(&server, &path, 4, "4567").header("upload-checksum", wrong), 460, "checksum-mismatch").await;
    let empty = send(patch(&server, &path, 4, "")).await;
    assert_eq!(header(&empty, "upload-expires"), "Sun, 01 Feb 2026 18:00:00 GMT");
    later(5);
    assert_eq!(expiry(&server).run().await.expect("a round").uploads, 1);
    check(patch(&server, &idle, 0, "0"), 404, "not-found").await;
    assert_eq!(send(patch(&server, &path, 4, "4567")).await.status(), 204);
    later(23);
    assert_eq!(expiry(&server).run().await.expect("a round").uploads, 0);
    let last = send(patch(&server, &path, 8, &CONTENT[8..])).await;
    assert!(header(&last, "dragoman-asset").starts_with("/v1/assets/"));
}

#[tokio::test]
async fn an_upload_whose_piece_takes_long_does_not_expire_meanwhile() {
    let server = Server::start().await;
    let path = begin(&server, 2 << 20).await;
    let (go, wait) = oneshot::channel::<()>();
    let slow = futures::stream::iter([Ok::<_, std::io::Error>(vec![1; 1 << 20])]);
    let more = futures::stream::once(async move { Ok(wait.await.map(|()| vec![2; 1 << 19]).expect("told")) });
    let never = futures::stream::pending();
    let slow = Body::wrap_stream(futures::StreamExt::chain(futures::StreamExt::chain(slow, more), never));
    let sent = tokio::spawn(patch(&server, &path, 0, slow).send());
    let until = async |bytes| {
        for _ in 0..1_000 {
            if offset(&server, &path).await >= bytes {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the piece does not come");
    };
    until(1).await;
    server.clock.set(server.api.clock.now().plus_ms(20 * 3_600_000));
    go.send(()).expect("it waits");
    until((1 << 20) + 1).await;
    server.clock.set(server.api.clock.now().plus_ms(20 * 3_600_000));
    assert!(offset(&server, &path).await > 1 << 20, "after forty hours it is kept still");
    sent.abort();
}

#[tokio::test]
async fn an_upload_expires() {
    let server = Server::start().await;
    let (path, whole) = (begin(&server, CONTENT.len()).await, begin(&server, CONTENT.len()).await);
    send(patch(&server, &path, 0, "abc")).await;
    let asset = header(&send(patch(&server, &whole, 0, CONTENT)).await, "dragoman-asset").to_owned();
    let expire = expiry(&server);
    server.clock.set(server.api.clock.now().plus_ms(86_400_000 - 1));
    assert_eq!(expire.run().await.expect("a round").uploads, 0);
    assert_eq!(offset(&server, &path).await, 3);
    server.clock.set(server.api.clock.now().plus_ms(1));
    check(patch(&server, &path, 3, "def"), 410, "upload-expired").await;
    assert_eq!(send(tus(&server, Method::HEAD, &path)).await.status(), 410);
    let expired = expire.run().await.expect("a round");
    assert_eq!((expired.uploads, expired.bytes), (2, 3));
    check(patch(&server, &path, 3, "def"), 404, "not-found").await;
    assert_eq!(server.get(&asset).send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn no_more_is_taken_in_than_there_is_room_for() {
    let busy = async |request: RequestBuilder| {
        let answer = request.send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (503, "30"));
        assert_eq!(problem(answer).await["code"], "overloaded");
    };
    let form = |server: &Server| {
        let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\nabc\r\n--b--\r\n";
        let post = server.ask(Method::POST, "/v1/assets").header("content-type", "multipart/form-data; boundary=b");
        post.body(file)
    };
    let server = Server::start().await;
    let mut paths = Vec::new();
    for _ in 0..UPLOADS_OPEN_MAX {
        paths.push(begin(&server, CONTENT.len()).await);
    }
    busy(create(&server, CONTENT.len())).await;
    busy(form(&server)).await;
    // Those that were begun go on, and make room.
    assert_eq!(send(patch(&server, &paths[0], 0, CONTENT)).await.status(), 204);
    assert_eq!(form(&server).send().await.expect("an answer").status(), 201);
    assert_eq!(send(create(&server, CONTENT.len())).await.status(), 201);

    // While too much waits to be looked at, nothing begins, and what was begun goes on.
    let limits = UploadLimits { bytes_max: UPLOAD_BYTES_MAX, waiting_max: 0, ..UploadLimits::default() };
    let server = Server::with(Options { uploads: Some(limits), ..Options::default() }).await;
    busy(create(&server, CONTENT.len())).await;
    busy(form(&server)).await;
    assert_eq!(server.api.uploads.unfinished().await.expect("a store"), []);
}

#[tokio::test]
async fn nobody_reaches_the_uploads_of_others() {
    let server = Server::start().await;
    let path = begin(&server, CONTENT.len()).await;
    let theirs = |method: Method| {
        let ask = server.open(method, &path).bearer_auth(OTHER_TOKEN).header("tus-resumable", "1.0.0");
        ask.header("content-type", PIECE).header("upload-offset", 0)
    };
    assert_eq!(send(theirs(Method::HEAD)).await.status(), 404);
    check(theirs(Method::PATCH).body("abc"), 404, "not-found").await;
    check(theirs(Method::DELETE), 404, "not-found").await;
    assert_eq!(server.open(Method::HEAD, &path).send().await.expect("an answer").status(), 401);
    assert_eq!(offset(&server, &path).await, 0);
}

#[tokio::test]
async fn a_repeated_creation_is_one_upload() {
    let server = Server::start().await;
    let keyed = |length| create(&server, length).header("idempotency-key", "k");
    let (first, again) = (send(keyed(16)).await, keyed(16).send().await.expect("an answer"));
    assert_eq!(header(&first, "location"), header(&again, "location"));
    assert_eq!(header(&again, "idempotent-replayed"), "true");
    let other = keyed(17).send().await.expect("an answer");
    assert_eq!(problem(other).await["code"], "idempotency-key-reused");
}

#[tokio::test]
async fn a_key_belongs_to_one_first_piece() {
    let server = Server::start().await;
    let keyed = |key: &str, piece: Option<&[u8]>| {
        let create = create(&server, CONTENT.len()).header("idempotency-key", key.to_owned());
        match piece {
            Some(piece) => create.header("content-type", PIECE).body(piece.to_vec()),
            None => create,
        }
    };
    let first = send(keyed("k", Some(&CONTENT[..8]))).await;
    assert_eq!((first.status().as_u16(), header(&first, "upload-offset")), (201, "8"));
    for other in [Some(&CONTENT[..4]), Some(&b"01234567 and more"[..8].repeat(2)[1..9]), None] {
        let refused = problem(keyed("k", other).send().await.expect("an answer")).await;
        assert_eq!(refused["code"], "idempotency-key-reused", "{other:?}");
    }
    let again = send(keyed("k", Some(&CONTENT[..8]))).await;
    assert_eq!(
        (header(&again, "location"), header(&again, "idempotent-replayed")),
        (header(&first, "location"), "true")
    );
    assert_eq!(offset(&server, header(&first, "location")).await, 8);
    let bare = send(keyed("l", None)).await;
    assert_eq!(header(&send(keyed("l", None)).await, "location"), header(&bare, "location"));
    let refused = problem(keyed("l", Some(CONTENT)).send().await.expect("an answer")).await;
    assert_eq!(refused["code"], "idempotency-key-reused");
}
