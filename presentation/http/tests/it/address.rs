//! From where requests come, as handlers hear it: with and without trusted proxies in front.

use crate::kit::{Options, Server};
use reqwest::{Method, RequestBuilder};

async fn behind(proxies: u8) -> Server {
    Server::with(Options { proxies, ..Options::default() }).await
}

fn whence(server: &Server, lines: &[(&str, &str)]) -> RequestBuilder {
    lines.iter().fold(server.get("/v1/whence"), |request, (name, value)| request.header(*name, *value))
}

/// The server thinks that it was asked from there.
async fn check(server: &Server, lines: &[(&str, &str)], expected: (&str, bool)) {
    let answer = whence(server, lines).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let found: (String, bool) = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    assert_eq!((found.0.as_str(), found.1), expected, "{lines:?}");
}

#[tokio::test]
async fn given_no_trusted_proxy_then_nobody_chooses_an_address() {
    let server = behind(0).await;
    check(&server, &[], ("127.0.0.1", true)).await;
    for line in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1")] {
        check(&server, &[line], ("127.0.0.1", false)).await;
    }
}

#[tokio::test]
async fn given_trusted_proxies_then_the_outermost_one_is_believed() {
    let server = behind(1).await;
    check(&server, &[], ("127.0.0.1", true)).await;
    check(&server, &[("x-forwarded-for", "192.0.2.1")], ("192.0.2.1", false)).await;
    check(&server, &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")], ("192.0.2.1", false)).await;
    check(&server, &[("forwarded", "for=6.6.6.6, for=\"[2001:db8::1]:443\"")], ("2001:db8::1", false)).await;
    check(&server, &[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=6.6.6.6")], ("127.0.0.1", false)).await;
    let chain = behind(2).await;
    check(&chain, &[("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.1")], ("192.0.2.1", false)).await;
    check(&chain, &[("x-forwarded-for", "192.0.2.1")], ("127.0.0.1", false)).await;
}

#[tokio::test]
async fn only_who_came_over_tls_is_told_to_insist_on_it() {
    for (proxies, proto, is_told) in [(0, "https", false), (1, "http", false), (1, "https", true)] {
        let server = behind(proxies).await;
        let request = server.open(Method::GET, "/livez").header("x-forwarded-proto", proto);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.headers().contains_key("strict-transport-security"), is_told, "{proxies}: {proto}");
    }
}
