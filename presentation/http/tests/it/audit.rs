//! Who got what: each download stands in the security trail before its first byte goes out.

use crate::{
    bad_requests::problem,
    film::Film,
    kit::{Options, Server},
};
use application::ports::event_log::{
    Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, TenancyStream,
    Tenant,
};
use async_trait::async_trait;
use domain::value::Role;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

const FILES: [&str; 7] = ["video", "audio", "subtitles.srt", "subtitles.vtt", "subtitles.ass", "report", "provenance"];

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

impl Server {
    /// Events of a type in the trail, newest first.
    pub async fn trail(&self, kind: &str) -> Vec<Value> {
        self.catch_up().await;
        let events = self.read(&format!("/v1/security-events?type={kind}")).await;
        assert_eq!(events.status, 200, "{events:?}");
        events.body["items"].as_array().expect("items").clone()
    }
}

#[tokio::test]
async fn each_file_that_is_downloaded_is_written_down() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    for file in FILES {
        assert_eq!(send(film.get(&film.of_track(&format!("/{file}")))).await.status(), 200, "{file}");
    }
    let events = server.trail("result-downloaded").await;
    let files: Vec<&str> = events.iter().rev().map(|event| event["data"]["file"].as_str().expect("a file")).collect();
    assert_eq!(files, ["video", "audio", "subtitles", "subtitles", "subtitles", "report", "provenance"]);
    for event in &events {
        let data = &event["data"];
        assert_eq!((&data["dubbing"], &data["language"]), (&json!(film.id.to_string()), &json!("es")));
        assert_eq!(data["by_link"], false);
        assert_eq!(data["address"], "127.0.0.1");
    }
}

#[tokio::test]
async fn a_hundred_parts_are_one_download_until_ten_minutes_have_passed() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let path = film.of_track("/video");
    let part = |place: usize| {
        let first = place * 1_000;
        send(film.get(&path).header("range", format!("bytes={first}-{}", first + 999)))
    };
    let parts = futures::future::join_all((0..50).map(part)).await;
    assert!(parts.iter().all(|part| part.status() == 206));
    assert_eq!(server.trail("result-downloaded").await.len(), 1);
    server.later(Duration::from_secs(599));
    assert_eq!(send(film.get(&path)).await.status(), 200);
    assert_eq!(server.trail("result-downloaded").await.len(), 1);
    server.later(Duration::from_secs(1));
    assert_eq!(part(3).await.status(), 206);
    assert_eq!(server.trail("result-downloaded").await.len(), 2);
}

#[tokio::test]
async fn what_hands_nothing_out_is_no_download() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let path = film.of_track("/video");
    let head = send(server.ask(Method::HEAD, &path)).await;
    let tag = head.headers()["etag"].clone();
    assert_eq!(send(film.get(&path).header("if-none-match", tag)).await.status(), 304);
    assert_eq!(send(film.get(&path).header("range", "bytes=9999999-")).await.status(), 416);
    assert_eq!(send(server.open(Method::GET, &path)).await.status(), 401);
    assert_eq!(send(film.get(&film.path("/tracks/ca/video"))).await.status(), 404);
    assert_eq!(server.trail("result-downloaded").await, [] as [Value; 0]);
}

#[tokio::test]
async fn each_caller_is_named_and_a_link_is_a_link() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let path = film.of_track("/video");
    let mut people = Vec::new();
    for role in [Role::Viewer, Role::Reviewer] {
        let person = server.person("local", role).await;
        let token = server.sign_in(&person).await;
        for _ in 0..2 {
            assert_eq!(send(server.open(Method::GET, &path).bearer_auth(&token)).await.status(), 200);
        }
        people.push(json!(person.id.to_string()));
    }
    let links = film.json(film.send(Method::POST, &film.of_track("/links"), r#"{"expires_in_s":60}"#), 200).await;
    let link = links["video"].as_str().expect("a link");
    for method in [Method::HEAD, Method::GET, Method::GET] {
        assert_eq!(send(server.open(method, link)).await.status(), 200);
    }
    let events = server.trail("result-downloaded").await;
    let told: Vec<(&Value, &Value)> =
        events.iter().rev().map(|event| (&event["account"], &event["data"]["by_link"])).collect();
    let (no, yes) = (json!(false), json!(true));
    assert_eq!(told, [(&people[0], &no), (&people[1], &no), (&Value::Null, &yes)]);
    let exported = server.trail("records-exported").await;
    let links = exported.iter().filter(|event| event["data"]["what"] == "links");
    assert_eq!(links.count(), 1, "{exported:?}");
}

#[tokio::test]
async fn another_result_is_another_download() {
    let server = Server::start().await;
    let film = Film::published(&server).await;
    let path = film.of_track("/provenance");
    assert_eq!(send(film.get(&path)).await.status(), 200);
    let other = Film::published(&server).await;
    assert_eq!(send(film.get(&other.of_track("/provenance"))).await.status(), 200);
    assert_eq!(send(film.get(&path)).await.status(), 200);
    assert_eq!(server.trail("result-downloaded").await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_handed_out() {
    let around: fn(Arc<dyn EventLog>) -> Arc<dyn EventLog> = |inner| Arc::new(NoTrail(inner));
    let server = Server::with(Options { log: Some(around), ..Options::default() }).await;
    let film = Film::published(&server).await;
    let links = film.json(film.get(&film.of_track("")), 200).await["links"].clone();
    for file in FILES {
        let refused = problem(send(film.get(&film.of_track(&format!("/{file}")))).await).await;
        assert_eq!((&refused["status"], &refused["code"]), (&json!(503), &json!("unavailable")), "{file}");
    }
    let link = links["video"].as_str().expect("a link");
    assert_eq!(send(server.open(Method::GET, link)).await.status(), 503);
    let make = film.send(Method::POST, &film.of_track("/links"), r#"{"expires_in_s":60}"#);
    assert_eq!(send(make).await.status(), 503);
    assert_eq!(send(server.ask(Method::HEAD, &film.of_track("/video"))).await.status(), 200);
}

/// A log to which no security event can be written.
struct NoTrail(Arc<dyn EventLog>);

#[async_trait]
impl EventLog for NoTrail {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match append.stream {
            StreamId::Tenancy(TenancyStream::Security(_)) => Err(AppendError::OutOfRoom),
            _ => self.0.append(append).await,
        }
    }

    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.0.read_stream(stream, from, limit).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        self.0.read_log(after, limit).await
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        self.0.find_outcome(tenant, command, stream).await
    }

    async fn head(&self) -> Result<u64, ReadError> {
        self.0.head().await
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.0.wakeups()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        self.0.verify().await
    }
}
