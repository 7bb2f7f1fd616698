//! The page on which people choose a password: what it may do, and that it loads nothing from elsewhere.

use crate::kit::Server;
use reqwest::{Method, Response};

async fn open(server: &Server, path: &str) -> Response {
    server.open(Method::GET, path).send().await.expect("an answer")
}

/// What stands in this attribute, wherever it stands.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    let found = page.split(begin.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
    found.collect()
}

#[tokio::test]
async fn the_page_and_its_files_are_open_to_all_and_may_do_little() {
    let server = Server::start().await;
    for (path, media_type) in [
        ("/welcome", "text/html; charset=utf-8"),
        ("/welcome/welcome.css", "text/css; charset=utf-8"),
        ("/welcome/welcome.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = open(&server, path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().expect("a text").to_owned();
        assert_eq!(header("content-type"), media_type);
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let policy = header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self'", "form-action 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    }
}

#[tokio::test]
async fn the_page_loads_its_own_files_and_nothing_is_written_into_it() {
    let server = Server::start().await;
    let page = open(&server, "/welcome").await.text().await.expect("a page");
    let loaded: Vec<&str> = [values(&page, "src"), values(&page, "href")].concat();
    assert!(loaded.len() >= 4, "{loaded:?}");
    for file in loaded.into_iter().filter(|file| !file.starts_with("data:")) {
        // Relative, so that the page also works below the path of a proxy.
        assert!(!file.starts_with('/') && !file.contains(':'), "{file}");
        assert_eq!(open(&server, &format!("/{file}")).await.status(), 200, "{file}");
    }
    assert!(!page.contains("<style") && values(&page, "style").is_empty(), "styles stand in their file");
    assert_eq!(page.matches("<script").count(), 1);
    for handler in ["onclick", "onsubmit", "onload", "oninput"] {
        assert!(!page.contains(handler), "{handler}");
    }
}

#[tokio::test]
async fn everything_that_is_typed_into_has_a_label_and_the_script_finds_its_parts() {
    let server = Server::start().await;
    let page = open(&server, "/welcome").await.text().await.expect("a page");
    let (ids, labels) = (values(&page, "id"), values(&page, "for"));
    for field in ["password", "again", "show"] {
        assert!(ids.contains(&field) && labels.contains(&field), "{field}");
    }
    for described in values(&page, "aria-describedby") {
        assert!(described.split(' ').all(|id| ids.contains(&id)), "{described}");
    }
    assert!(page.contains("aria-live=\"polite\""));
    let script = open(&server, "/welcome/welcome.js").await.text().await.expect("a script");
    let parts: Vec<&str> = script.split("part(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(parts.len() > 10);
    for part in parts {
        assert!(ids.contains(&part), "{part}");
    }
    assert!(!script.contains("innerHTML") && !script.contains("eval("));
}
