//! What every answer has, whatever the route.

use crate::{
    bad_requests::problem,
    kit::{ORIGIN, Options, Part, Server},
};
use http_api::{cache::Tag, health::Health};
use reqwest::{Method, Response};
use serde_json::Value;
use std::sync::{Arc, atomic::Ordering};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
}

#[tokio::test]
async fn a_trace_goes_in_and_out() {
    let server = Server::start().await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let answer = server.get("/v1/errors").header("traceparent", &parent).send().await.expect("an answer");
    let out = answer.headers()["traceparent"].to_str().expect("a text").to_owned();
    assert!(out.starts_with(&format!("00-{TRACE}-")) && out != parent && out.ends_with("-01"), "{out}");
    let other = server.get("/v1/errors").send().await.expect("an answer");
    assert!(!other.headers()["traceparent"].to_str().expect("a text").contains(TRACE));
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let server = Server::start().await;
    for path in ["/v1/errors", "/v1/nothing", "/livez"] {
        let answer = server.get(path).send().await.expect("an answer");
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
        assert!(headers.get("strict-transport-security").is_none(), "not without TLS");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_and_no_others() {
    let server = Server::start().await;
    let preflight = |origin: &str| {
        let ask = server.open(Method::OPTIONS, "/v1/things").header("origin", origin);
        let headers = "idempotency-key, if-range, content-digest, repr-digest, x-http-method-override";
        ask.header("access-control-request-method", "POST").header("access-control-request-headers", headers)
    };
    let allowed = preflight(ORIGIN).send().await.expect("an answer");
    assert_eq!(
        (allowed.status().as_u16(), &allowed.headers()["access-control-allow-origin"]),
        (200, &ORIGIN.parse().expect(""))
    );
    let may = allowed.headers()["access-control-allow-headers"].to_str().expect("a text");
    for name in ["if-range", "content-digest", "repr-digest", "x-http-method-override"] {
        assert!(may.split(',').any(|allowed| allowed.trim() == name), "{name} of {may}");
    }
    let refused = preflight("https://evil.example").send().await.expect("an answer");
    assert!(refused.headers().get("access-control-allow-origin").is_none());
    let failed = server.open(Method::GET, "/v1/things").header("origin", ORIGIN).send().await.expect("an answer");
    assert_eq!(
        (failed.status().as_u16(), &failed.headers()["access-control-allow-origin"]),
        (401, &ORIGIN.parse().expect(""))
    );
    let shown = failed.headers()["access-control-expose-headers"].to_str().expect("a text");
    for name in ["accept-ranges", "content-disposition", "content-range"] {
        assert!(shown.split(',').any(|exposed| exposed.trim() == name), "{name} of {shown}");
    }
}

#[tokio::test]
async fn long_texts_are_compressed_on_request() {
    let server = Server::start().await;
    for encoding in ["gzip", "br"] {
        let answer = server.get("/v1/things").header("accept-encoding", encoding).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-encoding"], encoding);
        let tag = answer.headers()["etag"].to_str().expect("a text").to_owned();
        assert!(tag.ends_with(&format!(".{encoding}\"")), "{tag}");
        let again = server.get("/v1/things").header("accept-encoding", encoding).header("if-none-match", &tag);
        let again = again.send().await.expect("an answer");
        assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().expect("a text")), (304, tag.as_str()));
        assert!(answer.bytes().await.expect("a body").len() < 1_000);
    }
    let plain = server.get("/v1/things").send().await.expect("an answer");
    assert!(!plain.headers()["etag"].to_str().expect("a text").contains('.'));
    assert!(plain.headers().get("content-encoding").is_none());
    let short = server.get("/livez").header("accept-encoding", "gzip").send().await.expect("an answer");
    assert!(short.headers().get("content-encoding").is_none());
}

#[tokio::test]
async fn a_cached_answer_is_made_once_until_it_changes() {
    let server = Server::start().await;
    let get = || server.get("/v1/things?limit=3").send();
    let first = get().await.expect("an answer");
    let tag = first.headers()["etag"].clone();
    get().await.expect("an answer");
    let known = server.get("/v1/things?limit=3").header("if-none-match", &tag).send().await.expect("an answer");
    assert_eq!((known.status().as_u16(), known.headers()["etag"].clone()), (304, tag));
    assert_eq!(server.inside.made.load(Ordering::SeqCst), 1);
    server.api.cache.invalidate(&[Tag::List("things")]);
    get().await.expect("an answer");
    assert_eq!(server.inside.made.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_position_that_was_never_written_is_not_waited_for() {
    let server = Server::start().await;
    let body = problem(server.get("/v1/things?min_position=5").send().await.expect("an answer")).await;
    assert_eq!((body["code"].as_str(), body["position"].as_u64()), (Some("position-unknown"), Some(0)));
    server.reach.send(5).expect("a reader");
    let answer = server.get("/v1/things?min_position=5").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn health_is_that_of_the_worst_part() {
    let parts = |last| Options {
        health: vec![Arc::new(Part("event-log", Health::up())), Arc::new(Part("disk", last))],
        ..Options::default()
    };
    let server = Server::with(parts(Health::degraded("little room"))).await;
    let report = json(server.get("/health").send().await.expect("an answer")).await;
    assert_eq!((&report["state"], &report["components"][1]["reason"]), (&"degraded".into(), &"little room".into()));
    assert_eq!(server.open(Method::GET, "/readyz").send().await.expect("an answer").status(), 200);
    let server = Server::with(parts(Health::down("no room"))).await;
    assert_eq!(server.get("/health").send().await.expect("an answer").status(), 503);
    let probe = problem(server.open(Method::GET, "/readyz").send().await.expect("an answer")).await;
    assert_eq!(probe["code"], "not-ready");
    assert!(!probe.to_string().contains("no room"), "only who has a token hears why");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_path() {
    let server = Server::start().await;
    for path in ["/v1/things/1", "/v1/things/2", "/v1/nothing?secret=1"] {
        server.get(path).send().await.expect("an answer");
    }
    let text = server.get("/metrics").send().await.expect("an answer").text().await.expect("a text");
    let count = |route: &str| format!("_count{{route=\"{route}\",method=\"GET\",status=\"404\"}}");
    assert!(text.contains(&format!("{} 2\n", count("/v1/things/{id}"))), "{text}");
    assert!(text.contains(&format!("{} 1\n", count("unmatched"))) && !text.contains("secret"), "{text}");
    let open = server.get("/metrics").header("accept", "application/openmetrics-text; version=1.0.0").send();
    assert!(open.await.expect("an answer").text().await.expect("a text").ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_catalogue_tells_of_every_problem() {
    let server = Server::start().await;
    let catalogue = json(server.get("/v1/errors").send().await.expect("an answer")).await;
    let rows = catalogue["items"].as_array().expect("rows").clone();
    assert_eq!(rows.len(), http_api::problem::Code::ALL.len());
    let codes = |list: &str| -> Vec<String> {
        let rows = catalogue[list].as_array().expect("rows").iter();
        rows.map(|row| row["code"].as_str().expect("a code").to_owned()).collect()
    };
    for (list, code) in [("faults", "unknown-reference"), ("reasons", "engine-missing"), ("reasons", "lost")] {
        assert!(codes(list).contains(&code.to_owned()), "{list} without {code}");
    }
    let kind = format!("/v1/errors/{}", rows[0]["code"].as_str().expect("a code"));
    assert_eq!(json(server.get(&kind).send().await.expect("an answer")).await, rows[0]);
}
