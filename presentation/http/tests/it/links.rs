//! Signed links: they open one file of one tenant, to read, until a moment.

use crate::{
    bad_requests::problem,
    film::{Film, video},
    kit::Server,
};
use application::ports::event_log::Tenant;
use domain::value::Timestamp;
use http_api::signed_url::UrlSigner;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// The moment at which the tests' clock stands.
const NOW_S: u64 = 1_769_846_400;

async fn refused(request: RequestBuilder, status: u16, code: &str) {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(u64::from(status)), Some(code)), "{body}");
}

async fn links(film: &Film<'_>) -> Value {
    film.json(film.get(&film.of_track("")), 200).await["links"].clone()
}

#[tokio::test]
async fn a_link_opens_its_file_without_a_token() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let links = links(&film).await;
    let mut opened = 0;
    for (name, link) in links.as_object().expect("links").iter().filter(|(name, _)| *name != "expires_at") {
        for method in [Method::GET, Method::HEAD] {
            let answer = server.open(method, link.as_str().expect("a link")).send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{name}");
        }
        opened += 1;
    }
    assert_eq!(opened, 7);
    let part = server.open(Method::GET, links["video"].as_str().expect("a link")).header("range", "bytes=7-9");
    let part = part.send().await.expect("an answer");
    assert_eq!((part.status().as_u16(), part.bytes().await.expect("a body").to_vec()), (206, video()[7..10].to_vec()));
    assert_eq!(links["expires_at"], Timestamp::from_unix_ms((NOW_S + 3_600) * 1_000).to_string());
}

#[tokio::test]
async fn a_link_opens_nothing_else() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let links = links(&film).await;
    let link = links["video"].as_str().expect("a link");
    let (path, query) = link.split_once('?').expect("a query");
    let open = |method, path: &str| server.open(method, path);
    refused(open(Method::GET, &format!("{}?{query}", film.of_track("/audio"))), 403, "link-invalid").await;
    refused(
        open(Method::GET, &format!("{path}?{}", query.replace("tenant=local", "tenant=others"))),
        403,
        "link-invalid",
    )
    .await;
    refused(open(Method::GET, &format!("{link}&a=b")), 403, "link-invalid").await;
    refused(open(Method::GET, &format!("{path}?signature=")), 403, "link-invalid").await;
    refused(open(Method::GET, &format!("{path}?{}", query.replacen("expires=1", "expires=2", 1))), 403, "link-invalid")
        .await;
    refused(open(Method::GET, path), 401, "unauthenticated").await;
    for method in [Method::DELETE, Method::POST, Method::PUT] {
        refused(open(method, link), 401, "unauthenticated").await;
    }
    for rest in ["", "/utterances"] {
        refused(open(Method::GET, &format!("{}?{query}", film.of_track(rest))), 401, "unauthenticated").await;
    }
    let tokened = film.get(link).send().await.expect("an answer");
    assert_eq!(tokened.status(), 200, "a token and a link are no contradiction");
    refused(film.get(&format!("{path}?expires=soon")), 400, "invalid-query").await;
    refused(film.get(&format!("{path}?expires=9223372036854775808")), 400, "invalid-query").await;
}

#[tokio::test]
async fn a_link_ends_at_its_moment_and_belongs_to_its_tenant() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let signer = UrlSigner::new(&[1; 32]);
    let sign = |tenant: &str, seconds| {
        let tenant = Tenant(tenant.to_owned());
        signer.sign(&tenant, &film.of_track("/audio"), Timestamp::from_unix_ms(seconds * 1_000))
    };
    let open = |link: String| server.open(Method::GET, &link);
    assert_eq!(open(sign("local", NOW_S + 1)).send().await.expect("an answer").status(), 200);
    refused(open(sign("local", NOW_S)), 403, "link-expired").await;
    refused(open(sign("others", NOW_S + 60)), 404, "not-found").await;
    let foreign = UrlSigner::new(&[2; 32]).sign(
        &Tenant::default(),
        &film.of_track("/audio"),
        Timestamp::from_unix_ms(u64::MAX / 2),
    );
    refused(open(foreign), 403, "link-invalid").await;
}

#[tokio::test]
async fn fresh_links_hold_as_long_as_asked() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let ask = |body: &str| film.send(Method::POST, &film.of_track("/links"), body);
    let links = film.json(ask(r#"{"expires_in_s":604800}"#), 200).await;
    assert_eq!(links["expires_at"], Timestamp::from_unix_ms((NOW_S + 604_800) * 1_000).to_string());
    let link = links["subtitles_ass"].as_str().expect("a link");
    assert_eq!(server.open(Method::GET, link).send().await.expect("an answer").status(), 200);
    for body in [
        r#"{"expires_in_s":59}"#,
        r#"{"expires_in_s":604801}"#,
        r#"{"expires_in_s":-1}"#,
        "{}",
        r#"{"expires_in_s":60,"a":1}"#,
    ] {
        refused(ask(body), 422, "invalid-request").await;
    }
    let early = Film::transcribed(&server).await;
    refused(early.send(Method::POST, &early.of_track("/links"), r#"{"expires_in_s":60}"#), 409, "not-published").await;
}
