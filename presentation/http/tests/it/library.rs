//! Projects and glossaries: the whole of their lives, and what is refused on the way.

use crate::{bad_requests::problem, kit::Server, listener::Listener};
use application::{
    aggregates::CommandMeta,
    commands::projects::KeepProjects,
    ports::{clock::Ids, event_log::Tenant},
};
use domain::value::ProjectId;
use host::RandomIds;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// A request with a JSON body.
fn with(server: &Server, method: Method, path: &str, body: &Value) -> RequestBuilder {
    server.ask(method, path).header("content-type", "application/json").body(body.to_string())
}

async fn send(request: RequestBuilder, status: u16) -> Response {
    let answer = request.send().await.expect("an answer");
    if answer.status().as_u16() != status {
        panic!("{} instead of {status}: {}", answer.status(), answer.text().await.expect("a body"));
    }
    answer
}

async fn json_of(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers()[name].to_str().expect("a text").to_owned()
}

async fn check(request: RequestBuilder, status: u16, code: &str) -> Value {
    let body = problem(request.send().await.expect("an answer")).await;
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(status.into()), Some(code)), "{body}");
    body
}

async fn check_fault(request: RequestBuilder, pointer: &str) {
    let body = check(request, 422, "invalid-request").await;
    assert_eq!(body["errors"][0]["pointer"], pointer, "{body}");
}

/// A new thing: its path and tag.
async fn make(server: &Server, path: &str, body: &Value) -> (String, String) {
    let made = send(with(server, Method::POST, path, body), 201).await;
    (header(&made, "location"), header(&made, "etag"))
}

fn glossary(terms: &Value) -> Value {
    json!({"name": "Space", "language": "es", "terms": terms})
}

fn terms() -> Value {
    json!([{"source": "engine", "target": "motor"}, {"source": "say \"hi\", you", "target": "di «hola»"}])
}

#[tokio::test]
async fn a_project_lives() {
    let server = Server::start().await;
    let mut listener = Listener::open(server.get("/v1/events?types=project.*")).await;
    let made = send(with(&server, Method::POST, "/v1/projects", &json!({"name": "Autumn"})), 201).await;
    let (path, tag, position) = (header(&made, "location"), header(&made, "etag"), header(&made, "dragoman-position"));
    assert_eq!(json_of(made).await["name"], "Autumn");
    check(server.get(&format!("{path}?min_position={position}")), 503, "position-not-reached").await;
    server.catch_up().await;
    let read = send(server.get(&format!("{path}?min_position={position}")), 200).await;
    assert_eq!(header(&read, "etag").split('.').next(), tag.strip_suffix('"'));
    let known = server.get(&path).header("if-none-match", header(&read, "etag"));
    let project = json_of(read).await;
    assert_eq!((&project["name"], &project["dubbings"]), (&json!("Autumn"), &json!(0)));
    assert!(project["created_at"].as_str().expect("a time").ends_with('Z'));
    send(known, 304).await;
    let rename =
        |name: &str, tag: &str| with(&server, Method::PATCH, &path, &json!({"name": name})).header("if-match", tag);
    let renamed = send(rename("Winter", &tag), 200).await;
    let newer = header(&renamed, "etag");
    assert_ne!(newer, tag);
    let stale = check(rename("Spring", &tag), 412, "revision-mismatch").await;
    assert_eq!(stale["revision"], 2);
    let same = send(rename("Winter", &newer), 200).await;
    assert_eq!(header(&same, "etag"), newer, "what is so already changes nothing");
    send(rename("Spring", "*"), 200).await;
    server.catch_up().await;
    assert_eq!(json_of(send(server.get(&path), 200).await).await["name"], "Spring");
    check(server.ask(Method::DELETE, &path).header("if-match", &tag), 412, "revision-mismatch").await;
    let gone = send(server.ask(Method::DELETE, &path), 204).await;
    assert!(gone.headers().contains_key("dragoman-position"));
    server.catch_up().await;
    for request in [server.get(&path), rename("Summer", "*"), server.ask(Method::DELETE, &path)] {
        check(request, 404, "not-found").await;
    }
    assert_eq!(json_of(send(server.get("/v1/projects"), 200).await).await["items"], json!([]));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let message = listener.next().await.expect("a message");
        assert!(path.ends_with(message.data["project"].as_str().expect("an id")));
        assert!(!message.data.to_string().contains("Winter"));
        seen.push(message.event);
    }
    assert_eq!(seen, ["project.created", "project.renamed", "project.renamed", "project.removed"]);
}

#[tokio::test]
async fn a_glossary_lives() {
    let server = Server::start().await;
    let (path, tag) = make(&server, "/v1/glossaries", &glossary(&terms())).await;
    server.catch_up().await;
    let read = json_of(send(server.get(&path), 200).await).await;
    assert_eq!((&read["name"], &read["language"], &read["terms"]), (&json!("Space"), &json!("es"), &terms()));
    let csv = json!({"name": "Sea", "terms": "engine,máquina\nsea,mar\n"});
    let put = |body: &Value, tag: &str| with(&server, Method::PUT, &path, body).header("if-match", tag);
    let newer = header(&send(put(&csv, &tag), 200).await, "etag");
    check(put(&csv, &tag), 412, "revision-mismatch").await;
    server.catch_up().await;
    let read = json_of(send(server.get(&path), 200).await).await;
    assert_eq!((&read["name"], &read["terms"][1]["target"]), (&json!("Sea"), &json!("mar")));
    assert!(read.get("language").is_none());
    let list = json_of(send(server.get("/v1/glossaries"), 200).await).await;
    assert_eq!((&list["items"][0]["count"], list["items"][0].get("terms")), (&json!(2), None));
    send(server.ask(Method::DELETE, &path).header("if-match", newer), 204).await;
    server.catch_up().await;
    for request in [server.get(&path), put(&csv, "*"), server.ask(Method::DELETE, &path)] {
        check(request, 404, "not-found").await;
    }
}

#[tokio::test]
async fn what_is_kept_is_listed_page_by_page() {
    let server = Server::start().await;
    for number in 0..5 {
        make(&server, "/v1/projects", &json!({"name": format!("Project {number}")})).await;
        make(&server, "/v1/glossaries", &glossary(&terms())).await;
    }
    server.catch_up().await;
    for list in ["/v1/projects", "/v1/glossaries"] {
        let (mut path, mut ids) = (format!("{list}?limit=2"), Vec::new());
        loop {
            let page = send(server.get(&path), 200).await;
            let link = page.headers().get("link").map(|link| link.to_str().expect("a text").to_owned());
            let page = json_of(page).await;
            ids.extend(page["items"].as_array().expect("items").iter().map(|item| item["id"].to_string()));
            match link {
                Some(link) => path = link.split(['<', '>']).nth(1).expect("a link").to_owned(),
                None => break,
            }
        }
        assert_eq!(ids.len(), 5);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5, "each once");
        let known = async |tag: &str| server.get(list).header("if-none-match", tag).send().await.expect("an answer");
        let tag = header(&send(server.get(list), 200).await, "etag");
        assert_eq!(known(&tag).await.status(), 304, "{list}");
        make(&server, list, &if list.ends_with("projects") { json!({"name": "One more"}) } else { glossary(&terms()) })
            .await;
        server.catch_up().await;
        assert_eq!(known(&tag).await.status(), 200, "{list}");
        for query in ["limit=0", "limit=201", "limit=x", "limit=1&limit=2", "other=1"] {
            check(server.get(&format!("{list}?{query}")), 400, "invalid-query").await;
        }
        for cursor in ["", "x", "WyJhIiwiYiJd", "WzEsMl0"] {
            check(server.get(&format!("{list}?cursor={cursor}")), 400, "invalid-cursor").await;
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_its_place() {
    let server = Server::start().await;
    let (project, _) = make(&server, "/v1/projects", &json!({"name": "Autumn"})).await;
    let (kept, _) = make(&server, "/v1/glossaries", &glossary(&terms())).await;
    let requests = |path: &str, body: &Value| {
        let one = if path == "/v1/projects" { (Method::PATCH, &project) } else { (Method::PUT, &kept) };
        [with(&server, Method::POST, path, body), with(&server, one.0, one.1, body).header("if-match", "*")]
    };
    let check_body = async |path: &str, body: Value, pointer: &str| {
        for request in requests(path, &body) {
            check_fault(request, pointer).await;
        }
    };
    for name in [json!(""), json!("a\nb"), json!("n".repeat(201)), json!(7), json!(null), json!(["a"])] {
        check_body("/v1/projects", json!({ "name": name }), "/name").await;
        check_body("/v1/glossaries", json!({ "name": name, "terms": [] }), "/name").await;
    }
    check_body("/v1/projects", json!({}), "/name").await;
    check_body("/v1/projects", json!({"name": "a", "colour": "red"}), "/colour").await;
    let check_terms = async |terms: Value, pointer: &str| {
        check_body("/v1/glossaries", glossary(&terms), pointer).await;
    };
    check_body("/v1/glossaries", json!({"name": "a"}), "/terms").await;
    check_body("/v1/glossaries", json!({"name": "a", "language": "x", "terms": []}), "/language").await;
    check_terms(json!(7), "/terms").await;
    check_terms(json!({}), "/terms").await;
    check_terms(json!([{"source": "a"}]), "/terms/0/target").await;
    check_terms(json!([{"source": "a", "target": "b", "note": "c"}]), "/terms/0/note").await;
    check_terms(json!([{"source": "a", "target": "b"}, {"source": "c", "target": "…"}]), "/terms/1/target").await;
    check_terms(json!([{"source": "a", "target": "b\nc"}]), "/terms/0/target").await;
    check_terms(json!([{"source": "a", "target": "b"}, {"source": "A", "target": "c"}]), "/terms/1").await;
    check_terms(json!("a,b\nc\n"), "/terms").await;
    check_terms(json!("a,b\na,c\n"), "/terms").await;
    for (path, method) in [(&project, Method::PATCH), (&kept, Method::PUT)] {
        let body = glossary(&json!([]));
        let body = if method == Method::PUT { body } else { json!({"name": "a"}) };
        check(with(&server, method.clone(), path, &body), 428, "revision-required").await;
        check(with(&server, method.clone(), path, &body).header("if-match", "1"), 400, "invalid-header").await;
        let unknown = path.replace(path.rsplit('/').next().expect("an id"), "0198aaaa-0000-7000-8000-000000000001");
        check(with(&server, method.clone(), &unknown, &body).header("if-match", "*"), 404, "not-found").await;
        check(server.get(&unknown), 404, "not-found").await;
        check(server.get(&format!("{path}x")), 404, "not-found").await;
        check(server.ask(Method::DELETE, &unknown), 404, "not-found").await;
        check(server.ask(Method::POST, path), 405, "method-not-allowed").await;
    }
}

#[tokio::test]
async fn a_repeated_request_makes_one_thing() {
    let server = Server::start().await;
    for (path, body) in [("/v1/projects", json!({"name": "a"})), ("/v1/glossaries", glossary(&terms()))] {
        let post = |body: &Value| with(&server, Method::POST, path, body).header("idempotency-key", path);
        let (first, again) = (send(post(&body), 201).await, send(post(&body), 201).await);
        for name in ["location", "etag", "dragoman-position"] {
            assert_eq!(header(&first, name), header(&again, name));
        }
        assert_eq!(json_of(first).await, json_of(again).await);
        let other = json!({"name": "other", "terms": []});
        check(post(&other), 422, "idempotency-key-reused").await;
        server.catch_up().await;
        assert_eq!(json_of(send(server.get(path), 200).await).await["items"].as_array().expect("items").len(), 1);
    }
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let server = Server::start().await;
    let keep = KeepProjects { aggregates: server.api.aggregates.clone() };
    let id = RandomIds.next();
    let meta = CommandMeta::given(Tenant("other".to_owned()), "tests", RandomIds.next());
    keep.create(ProjectId(id), "Theirs".to_owned(), &meta).await.expect("made");
    server.catch_up().await;
    let path = format!("/v1/projects/{id}");
    let rename = with(&server, Method::PATCH, &path, &json!({"name": "Ours"})).header("if-match", "*");
    for request in [server.get(&path), rename, server.ask(Method::DELETE, &path)] {
        check(request, 404, "not-found").await;
    }
    assert_eq!(json_of(send(server.get("/v1/projects"), 200).await).await["items"], json!([]));
}

#[tokio::test]
async fn names_do_not_stand_in_read_models() {
    let server = Server::start().await;
    make(&server, "/v1/projects", &json!({"name": "Confidential"})).await;
    make(&server, "/v1/glossaries", &json!({"name": "Confidential", "terms": terms()})).await;
    server.catch_up().await;
    for table in [&projections::projects::TABLE, &projections::glossaries::TABLE] {
        let rows = server.api.read_store.query(table, &[]).await.expect("rows");
        assert!(rows.len() == 1 && !format!("{rows:?}").contains("Confidential"), "{rows:?}");
    }
}
