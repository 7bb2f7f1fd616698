//! Whatever is wrong with a request is answered by a problem document that says so.

use crate::kit::{Server, TOKEN};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

const ID: &str = "/v1/things/0198aaaa-0000-7000-8000-000000000001";

/// The problem that an answer is, its form checked.
pub async fn problem(response: Response) -> Value {
    let status = response.status().as_u16();
    let media_type = response.headers().get("content-type").expect("a media type").clone();
    let body: Value = serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON");
    assert_eq!(media_type, "application/problem+json", "{body}");
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], format!("/v1/errors/{}", body["code"].as_str().expect("a code")));
    assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
    body
}

async fn check(request: RequestBuilder, status: u16, code: &str) -> Value {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{body}");
    body
}

async fn check_fault(request: RequestBuilder, status: u16, code: &str, place: (&str, &str), kind: &str) {
    let body = check(request, status, code).await;
    assert_eq!((&body["errors"][0][place.0], &body["errors"][0]["code"]), (&place.1.into(), &kind.into()), "{body}");
}

#[tokio::test]
async fn bodies() {
    let server = Server::start().await;
    let invalid = |body: &str, pointer: &'static str, kind: &'static str| {
        check_fault(server.post(body), 422, "invalid-request", ("pointer", pointer), kind)
    };
    invalid(r#"{"name":"a","sizes":[],"nmae":1}"#, "/nmae", "unknown-field").await;
    invalid(r#"{"name":"a"}"#, "/sizes", "missing-field").await;
    invalid(r#"{"name":"a","name":"b","sizes":[]}"#, "/name", "duplicate-field").await;
    invalid(r#"{"name":7,"sizes":[]}"#, "/name", "invalid-value").await;
    invalid(r#"{"name":"a","sizes":[1,-2]}"#, "/sizes/1", "invalid-value").await;
    invalid(r#"{"name":"a","sizes":[1,1e308]}"#, "/sizes/1", "invalid-value").await;
    invalid(r#"["a",[]]"#, "", "invalid-value").await;
    check(server.post(""), 400, "body-missing").await;
    check(server.post(r#"{"name":"#), 400, "malformed-json").await;
    check(server.post("\u{0}"), 400, "malformed-json").await;
    check(server.post(&" ".repeat((1 << 20) + 1)), 413, "body-too-large").await;
    let post = |media_type: &str| server.ask(Method::POST, "/v1/things").header("content-type", media_type).body("{}");
    check(post("text/plain"), 415, "unsupported-media-type").await;
    check(post("application/json").header("content-encoding", "gzip"), 415, "unsupported-media-type").await;
    check(server.ask(Method::POST, "/v1/things").body("{}"), 415, "unsupported-media-type").await;
}

#[tokio::test]
async fn paths_methods_and_queries() {
    let server = Server::start().await;
    check(server.get("/v1/nothing"), 404, "no-such-route").await;
    check(server.get("/v1/things/../../etc/passwd"), 404, "no-such-route").await;
    check(server.get("/v1/things/..%2f..%2fetc%2fpasswd"), 404, "not-found").await;
    check(server.get("/v1/things/%ff"), 404, "not-found").await;
    check(server.get("/v1/things/1"), 404, "not-found").await;
    check(server.get("/v1/errors/none"), 404, "not-found").await;
    check(server.get("/docs/none.js"), 404, "not-found").await;
    check(server.ask(Method::DELETE, "/v1/things"), 405, "method-not-allowed").await;
    let query = |query: &str, name: &'static str, kind: &'static str| {
        check_fault(server.get(&format!("/v1/things?{query}")), 400, "invalid-query", ("parameter", name), kind)
    };
    query("limits=1", "limits", "unknown-field").await;
    query("limit=0", "limit", "invalid-value").await;
    query("limit=201", "limit", "invalid-value").await;
    query("limit=-1", "limit", "invalid-value").await;
    query("limit=1&limit=1", "limit", "duplicate-field").await;
    query("min_position=x", "min_position", "invalid-value").await;
    check(server.get("/v1/things?cursor=abc"), 400, "invalid-cursor").await;
    for path in ["/v1/errors", "/v1/errors/not-found", "/v1/openapi.json", "/health", "/metrics", "/livez", "/readyz"] {
        let unknown = server.get(&format!("{path}?verbose=1"));
        check_fault(unknown, 400, "invalid-query", ("parameter", "verbose"), "unknown-field").await;
    }
}

#[tokio::test]
async fn a_wrong_method_hears_the_right_ones() {
    let server = Server::start().await;
    let refused = server.ask(Method::DELETE, "/v1/things").send().await.expect("an answer");
    assert_eq!(refused.headers()["allow"], "GET,HEAD,POST");
}

#[tokio::test]
async fn callers() {
    let server = Server::start().await;
    for path in ["/metrics", "/health", "/v1/errors", "/v1/things", "/v1/nothing", "/"] {
        check(server.open(Method::GET, path), 401, "unauthenticated").await;
        check(server.open(Method::GET, path).bearer_auth("wrong"), 401, "unauthenticated").await;
        check(server.open(Method::GET, path).basic_auth("a", Some(TOKEN)), 401, "unauthenticated").await;
    }
    let refused = server.open(Method::GET, "/health").send().await.expect("an answer");
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    for path in ["/livez", "/readyz", "/docs", "/docs/index.html", "/v1/openapi.json"] {
        let answer = server.open(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    // A signed link opens only what takes links.
    let link = server.api.signer.sign(
        &application::ports::event_log::Tenant::default(),
        "/v1/things",
        domain::value::Timestamp::from_unix_ms(u64::MAX / 2),
    );
    check(server.open(Method::GET, &link), 401, "unauthenticated").await;
}

#[tokio::test]
async fn conditions() {
    let server = Server::start().await;
    let put = |tag: &str| server.ask(Method::PUT, ID).header("if-match", tag);
    check(server.ask(Method::PUT, ID), 428, "revision-required").await;
    assert_eq!(check(put("\"2\""), 412, "revision-mismatch").await["revision"], 3);
    check(put("W/\"3\""), 412, "revision-mismatch").await;
    check_fault(put("3"), 400, "invalid-header", ("parameter", "If-Match"), "invalid-value").await;
    for tag in ["\"3\"", "\"2\", \"3\"", "*", "\"3.gzip\"", "\"3.abc.br\""] {
        let done = put(tag).send().await.expect("an answer");
        assert_eq!((done.status().as_u16(), &done.headers()["dragoman-position"]), (204, &"8".parse().expect("8")));
    }
}

#[tokio::test]
async fn failures_tell_an_id_and_nothing_else() {
    let server = Server::start().await;
    let response = server.get("/v1/panic").send().await.expect("an answer");
    let id = response.headers()["x-request-id"].to_str().expect("an id").to_owned();
    let body = problem(response).await;
    assert_eq!((body["code"].as_str(), body["request_id"].as_str()), (Some("internal"), Some(id.as_str())));
    assert!(!body.to_string().contains("secret"));
    check(server.get("/v1/rejected"), 409, "not-possible").await;
}
