//! The document of the API, and the page that shows it. To write the document anew:
//! `UPDATE_DOCS=1 cargo test -p http-api --test it document`.

use crate::kit::Server;
use reqwest::Method;
use serde_json::Value;
use std::{fs, path::Path};

#[test]
fn the_document_is_checked_in() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let expected = format!("{}\n", http_api::openapi().to_pretty_json().expect("JSON"));
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests asks for it this way")]
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&file, &expected).expect("written");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "out of date: UPDATE_DOCS=1 cargo test -p http-api --test it document");
}

#[test]
fn every_operation_keeps_the_conventions() {
    let document = serde_json::to_value(http_api::openapi()).expect("JSON");
    // What a derive makes of an inline schema and a description of its own: a text that is also an object.
    assert!(!document.to_string().contains("allOf"));
    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1"));
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
            let default = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert_eq!(default["schema"]["$ref"], "#/components/schemas/Problem", "{method} {path}");
            assert!(names.insert(operation["operationId"].to_string()), "{method} {path} shares its operationId");
        }
    }
    assert!(names.len() > 5);
}

#[test]
fn whoever_makes_a_thing_is_told_what_can_be_done_with_it() {
    let document = serde_json::to_value(http_api::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|item| item.as_object().expect("operations").values());
    let names: Vec<&Value> = operations.map(|operation| &operation["operationId"]).collect();
    for (thing, status) in [("assets", "201"), ("dubbings", "202"), ("glossaries", "201"), ("projects", "201")] {
        let links = &paths[&format!("/v1/{thing}")]["post"]["responses"][status]["links"];
        assert!(links[format!("get_v1_{thing}_id")].is_object(), "{thing}");
        for link in links.as_object().expect("links").values() {
            assert!(names.contains(&&link["operationId"]), "{link}");
            assert_eq!(link["parameters"]["id"], "$response.body#/id", "{link}");
        }
    }
}

#[tokio::test]
async fn the_server_shows_the_same_document() {
    let server = Server::start().await;
    let answer = server.open(Method::GET, "/v1/openapi.json").send().await.expect("an answer");
    let shown: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    assert_eq!(shown, serde_json::to_value(http_api::openapi()).expect("JSON"));
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let server = Server::start().await;
    let answer = server.open(Method::GET, "/docs").send().await.expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().expect("a text").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("http"), "{policy}");
    let page = answer.text().await.expect("a page");
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script>"), "{page}");
    let loaded = page.split(['"']).filter(|part| part.ends_with(".js") || part.ends_with(".css"));
    let mut files = 0;
    for file in loaded {
        let file = server.open(Method::GET, &format!("/docs/{}", file.trim_start_matches("./"))).send();
        let file = file.await.expect("an answer");
        assert_eq!(file.status(), 200);
        let is_ours = file.headers()["content-type"].to_str().expect("a text").starts_with("text/");
        assert!(is_ours && !file.text().await.expect("a file").is_empty());
        files += 1;
    }
    assert!(files >= 4, "{files} files");
    let set_up = server.open(Method::GET, "/docs/swagger-initializer.js").send().await.expect("an answer");
    let set_up = set_up.text().await.expect("a script");
    assert!(set_up.contains("/v1/openapi.json") && !set_up.contains("petstore"), "{set_up}");
}
