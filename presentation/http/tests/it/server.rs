//! Connections: versions, TLS, bounds, and the end.

use crate::{
    bad_requests::problem,
    kit::{Options, Server, TOKEN},
};
use http_api::{HttpLimits, Tls, server::ServerLimits};
use reqwest::{Certificate, Client, Method, Version};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn limits() -> ServerLimits {
    ServerLimits { head_read: Duration::from_millis(200), grace: Duration::from_millis(300), ..ServerLimits::default() }
}

async fn with(server: ServerLimits) -> Server {
    Server::with(Options { server: Some(server), ..Options::default() }).await
}

/// What the server says to these bytes until it closes the connection.
async fn talk(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    stream.write_all(bytes).await.expect("written");
    let mut said = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the server closes");
    // A connection that is reset is closed, too.
    drop(read);
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn both_versions_are_spoken_without_tls() {
    let server = Server::start().await;
    assert_eq!(server.get("/livez").send().await.expect("an answer").version(), Version::HTTP_11);
    let client = Client::builder().no_proxy().tls_certs_only([]).http2_prior_knowledge().build().expect("a client");
    let answer = client.get(server.url("/livez")).send().await.expect("an answer");
    assert_eq!((answer.version(), answer.status().as_u16()), (Version::HTTP_2, 200));
}

#[tokio::test]
async fn both_versions_are_spoken_with_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let tls = Tls::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes()).expect("TLS");
    let server = Server::with(Options { tls: Some(tls), ..Options::default() }).await;
    let trusted = Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate");
    let builder = || Client::builder().no_proxy().tls_certs_only([trusted.clone()]);
    let url = format!("https://localhost:{}/v1/errors", server.address.port());
    for (client, version) in [(builder(), Version::HTTP_2), (builder().http1_only(), Version::HTTP_11)] {
        let client = client.resolve("localhost", server.address).build().expect("a client");
        let answer = client.get(&url).bearer_auth(TOKEN).send().await.expect("an answer");
        assert_eq!((answer.version(), answer.status().as_u16()), (version, 200));
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    }
    let old = builder().tls_version_max(reqwest::tls::Version::TLS_1_2).build().expect("a client");
    assert!(old.get(&url).send().await.expect_err("too old").is_connect());
}

#[test]
fn what_is_no_certificate_is_refused() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let refused = |chain: &str, key: &str| Tls::from_pem(chain.as_bytes(), key.as_bytes()).is_err();
    assert!(!refused(&chain, &key));
    assert!(refused("", &key) && refused(&chain, "") && refused(&key, &chain));
    assert!(refused(&chain, &other.signing_key.serialize_pem()));
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let server = with(limits()).await;
    assert_eq!(talk(&server, b"").await, "");
    assert_eq!(talk(&server, b"PRI * HT").await, "", "neither version");
    talk(&server, b"GET / HTTP/1.1\r\nhost: a\r\n").await;
    talk(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(server.get("/livez").send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = with(limits()).await;
    let long = format!("GET /livez HTTP/1.1\r\nhost: a\r\nx-a: {}\r\n\r\n", "a".repeat(40_000));
    assert!(talk(&server, long.as_bytes()).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET /livez HTTP/1.1\r\nhost: a\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert!(talk(&server, many.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert!(talk(&server, b"\x16\x03\x01 not HTTP\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn connections_are_bounded_and_given_back() {
    let server = with(ServerLimits { connections: 1, ..limits() }).await;
    let held = TcpStream::connect(server.address).await.expect("a connection");
    // Answered once the first one, which says nothing, is closed.
    let answer = timeout(PATIENCE, server.get("/livez").send()).await.expect("in time").expect("an answer");
    assert_eq!(answer.status(), 200);
    drop(held);
}

#[tokio::test]
async fn slow_answers_and_slow_bodies_end_in_time() {
    let short = Duration::from_millis(100);
    let http = HttpLimits { answer: short, body_read: Duration::from_millis(50), ..HttpLimits::default() };
    let server = Server::with(Options { http: Some(http), ..Options::default() }).await;
    let late = server.get("/v1/slow").send().await.expect("an answer");
    assert_eq!(
        (late.headers()["retry-after"].clone(), problem(late).await["code"].clone()),
        ("5".parse().expect(""), "timed-out".into())
    );
    let never = reqwest::Body::wrap_stream(futures::stream::pending::<Result<&str, std::io::Error>>());
    let post = server.ask(Method::POST, "/v1/things").header("content-type", "application/json").body(never);
    assert_eq!(problem(post.send().await.expect("an answer")).await["code"], "body-too-slow");
}

#[tokio::test]
async fn the_end_lets_requests_finish_and_streams_stop() {
    let server = Server::start().await;
    let mut stream = server.get("/v1/endless").send().await.expect("an answer");
    assert_eq!(stream.chunk().await.expect("a chunk").expect("a chunk"), "first");
    let slow = tokio::spawn(server.get("/v1/slow").send());
    server.inside.begun.notified().await;
    server.stop.cancel();
    assert_eq!(stream.chunk().await.expect("an orderly end"), None);
    // New connections are refused as soon as the port is closed.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.ended.is_finished());
    server.inside.go.notify_one();
    assert_eq!(slow.await.expect("no panic").expect("an answer").status(), 200);
    timeout(PATIENCE, server.ended).await.expect("the server ends").expect("no panic");
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let server = with(limits()).await;
    let slow = tokio::spawn(server.get("/v1/slow").send());
    server.inside.begun.notified().await;
    server.stop.cancel();
    timeout(PATIENCE, server.ended).await.expect("the server ends").expect("no panic");
    assert!(slow.await.expect("no panic").is_err());
}
