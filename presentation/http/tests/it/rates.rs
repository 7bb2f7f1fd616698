//! Who asks too often: what it is told, what it costs others, and what is never refused.

use crate::{
    bad_requests::problem,
    kit::{ORIGIN, OTHER_TOKEN, Options, Server},
};
use http_api::RateLimits;
use reqwest::{Method, RequestBuilder, Response};

/// A limit that does not fill again while a test runs.
const SLOW: RateLimits = RateLimits {
    address_per_minute: 0,
    user_per_minute: 0,
    key_per_minute: 0,
    global_per_minute: 0,
    burst_seconds: 180,
};

async fn with(rates: RateLimits) -> Server {
    Server::with(Options { proxies: 1, rates, ..Options::default() }).await
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

/// A request that a proxy passes on.
fn from(address: &str, request: RequestBuilder) -> RequestBuilder {
    request.header("x-forwarded-for", address)
}

/// A header, or nothing.
fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("a text")).to_owned()
}

/// The number behind `r=` or `t=`.
fn parameter(field: &str, name: &str) -> u64 {
    let found = field.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("{name} of {field}")).parse().expect("a number")
}

#[tokio::test]
async fn a_user_is_told_what_is_left_and_refused_when_nothing_is() {
    let server = with(RateLimits { user_per_minute: 1, ..SLOW }).await;
    for left in [2, 1, 0] {
        let answer = send(from("192.0.2.1", server.get("/v1/things/1"))).await;
        assert_ne!(answer.status(), 429);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"user\";q=3;w=180");
        let field = header(&answer, "ratelimit");
        assert!(field.starts_with("\"user\";r="), "{field}");
        assert_eq!(parameter(&field, "r"), left);
    }
    // From wherever, whatever it is.
    let refused = send(from("192.0.2.2", server.get("/v1/errors")).header("origin", ORIGIN)).await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = header(&refused, "retry-after").parse().expect("whole seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(header(&refused, "ratelimit"), format!("\"user\";r=0;t={wait}"));
    assert_eq!(header(&refused, "ratelimit-policy"), "\"user\";q=3;w=180");
    let exposed = header(&refused, "access-control-expose-headers").to_lowercase();
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert!(exposed.split(',').any(|exposed| exposed.trim() == name), "{name} of {exposed}");
    }
    let problem = problem(refused).await;
    assert_eq!((&problem["code"], &problem["policy"]), (&"rate-limited".into(), &"user".into()));
    // Somebody else is not concerned.
    let other = server.open(Method::GET, "/v1/errors").bearer_auth(OTHER_TOKEN);
    assert_eq!(send(from("192.0.2.1", other)).await.status(), 200);
    let text = server.api.metrics.open_metrics().expect("a text");
    assert!(text.contains("dragoman_rate_limited_total{policy=\"user\"} 1\n"), "{text}");
    assert!(text.contains("dragoman_rate_limited_total{policy=\"address\"} 0\n"), "{text}");
}

#[tokio::test]
async fn an_address_is_refused_before_anybody_looks_at_its_token() {
    let server = with(RateLimits { address_per_minute: 1, ..SLOW }).await;
    let guess = |address: &'static str| {
        let request = server.open(Method::GET, "/v1/errors").bearer_auth("a guess");
        send(from(address, request))
    };
    for _ in 0..3 {
        let answer = guess("2001:db8::1").await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "ratelimit-policy")),
            (401, "\"address\";q=3;w=180".into())
        );
    }
    let refused = guess("2001:db8::2").await;
    assert_eq!((refused.status().as_u16(), header(&refused, "www-authenticate")), (429, String::new()));
    assert_eq!(problem(refused).await["policy"], "address");
    assert_eq!(guess("2001:db8:0:1::1").await.status(), 401);
    // A client that writes more addresses in front of its own stays who it is.
    let disguised = from("2001:db8:0:9::9, 2001:db8::3", server.get("/v1/errors"));
    assert_eq!(send(disguised).await.status(), 429);
    let nowhere = from("2001:db8::1", server.open(Method::GET, "/nowhere"));
    assert_eq!(send(nowhere).await.status(), 429);
}

#[tokio::test]
async fn who_watches_over_the_server_is_never_refused() {
    let server = with(RateLimits { address_per_minute: 1, global_per_minute: 1, ..SLOW }).await;
    for _ in 0..20 {
        for path in ["/livez", "/readyz"] {
            let answer = send(from("192.0.2.1", server.open(Method::GET, path))).await;
            assert_ne!(answer.status(), 429);
            assert_eq!(header(&answer, "ratelimit"), "");
        }
    }
    let page = || send(from("192.0.2.1", server.open(Method::GET, "/v1/openapi.json")));
    assert_eq!(header(&page().await, "ratelimit-policy"), "\"address\";q=3;w=180", "nothing was counted before");
}

#[tokio::test]
async fn all_together_have_a_limit_and_the_tightest_one_is_told() {
    let server = with(RateLimits { address_per_minute: 1, user_per_minute: 2, global_per_minute: 1, ..SLOW }).await;
    let ask = |address: &'static str| send(from(address, server.get("/v1/errors")));
    let told = |answer: &Response| header(answer, "ratelimit").split(';').next().expect("a name").to_owned();
    assert_eq!(told(&ask("192.0.2.1").await), "\"address\"");
    assert_eq!(told(&ask("192.0.2.2").await), "\"global\"");
    assert_eq!(told(&ask("192.0.2.3").await), "\"global\"");
    let refused = ask("192.0.2.4").await;
    assert_eq!(problem(refused).await["policy"], "global");
}

#[tokio::test]
async fn a_program_of_this_machine_is_counted_once() {
    let server = with(RateLimits { address_per_minute: 1, ..SLOW }).await;
    let left = |answer: Response| parameter(&header(&answer, "ratelimit"), "r");
    assert_eq!(left(send(server.get("/v1/errors")).await), 2, "with a token");
    assert_eq!(left(send(server.open(Method::GET, "/v1/errors")).await), 1, "without");
    assert_eq!(left(send(server.open(Method::GET, "/v1/openapi.json")).await), 0, "where none is needed");
    for request in [server.get("/v1/errors"), server.open(Method::GET, "/v1/errors"), server.open(Method::GET, "/docs")]
    {
        assert_eq!(send(request).await.status(), 429);
    }
}

#[tokio::test]
async fn streams_count_once() {
    let server = with(RateLimits { user_per_minute: 1, ..SLOW }).await;
    let mut stream = send(server.get("/v1/endless")).await;
    assert_eq!(parameter(&header(&stream, "ratelimit"), "r"), 2);
    assert_eq!(stream.chunk().await.expect("a chunk").expect("a chunk"), "first");
    assert_eq!(parameter(&header(&send(server.get("/v1/errors")).await, "ratelimit"), "r"), 1);
}

#[tokio::test]
async fn a_refused_request_leaves_nothing_and_can_be_repeated() {
    let server = with(RateLimits { user_per_minute: 1, ..SLOW }).await;
    let post = || server.post("{\"name\": \"a\", \"sizes\": []}").header("idempotency-key", "one");
    let first = send(post()).await;
    assert_eq!(first.status(), 201);
    for _ in 0..2 {
        let again = send(post()).await;
        assert_eq!((again.status().as_u16(), header(&again, "idempotent-replayed")), (201, "true".to_owned()));
    }
    assert_eq!(send(post()).await.status(), 429);
    assert_eq!(server.inside.made.load(std::sync::atomic::Ordering::SeqCst), 1);
}
