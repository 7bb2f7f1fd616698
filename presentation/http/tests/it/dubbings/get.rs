//! `GET /v1/dubbings/{id}`.

use super::set::track;
use crate::kit::{Options, Server};
use application::{
    ports::{
        event_log::StreamId,
        read_store::{Batch, Condition, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table},
    },
    testing::MemoryReadStore,
};
use async_trait::async_trait;
use domain::{
    dubbing::{Dubbing, DubbingCommand},
    flow::Stage,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Counts how often rows are asked for.
#[derive(Default)]
struct Counted {
    rows: MemoryReadStore,
    asked: AtomicU32,
}

impl Counted {
    fn count(&self) -> &MemoryReadStore {
        self.asked.fetch_add(1, Ordering::SeqCst);
        &self.rows
    }
}

#[async_trait]
impl ReadStore for Counted {
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError> {
        self.rows.checkpoint(projection).await
    }

    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError> {
        self.count().load(table, keys).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError> {
        self.rows.apply(batch).await
    }

    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError> {
        self.count().query(table, filter).await
    }

    async fn page(&self, table: &'static Table, query: &PageQuery) -> Result<Vec<Row>, ReadStoreError> {
        self.count().page(table, query).await
    }

    async fn count(&self, table: &'static Table, conditions: &[Condition]) -> Result<u64, ReadStoreError> {
        self.rows.count(table, conditions).await
    }

    async fn sums(
        &self,
        table: &'static Table,
        columns: &[&'static str],
        conditions: &[Condition],
    ) -> Result<Vec<i64>, ReadStoreError> {
        self.rows.sums(table, columns, conditions).await
    }

    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError> {
        self.rows.reset(projection, table).await
    }
}

#[tokio::test]
async fn a_dubbing_is_shown_from_its_order_to_its_end() {
    let server = Server::start().await;
    let id = server.dubbing(&["ca", "es"]).await;
    let (path, stream) = (format!("/v1/dubbings/{id}"), StreamId::Dubbing(id));
    let show = async || {
        server.catch_up().await;
        let said = server.read(&path).await;
        assert_eq!(said.status, 200, "{said:?}");
        said.body
    };
    let states = |body: &Value| {
        let tracks: Vec<Value> = body["tracks"].as_array().into_iter().flatten().map(|t| t["state"].clone()).collect();
        json!([body["state"], tracks])
    };
    let first = show().await;
    assert_eq!(states(&first), json!(["queued", ["queued", "queued"]]));
    assert_eq!(first["progress"]["fraction"], 0.0);
    // 7.8 s for a minute in one language, 2.95 s of them for the language.
    assert_eq!(first["progress"]["seconds_left"], 11);
    server.begin(&stream, Stage::Ingest).await;
    assert_eq!(states(&show().await), json!(["preparing", ["queued", "queued"]]));
    let id = server.dubbing(&["ca", "es"]).await;
    let path = format!("/v1/dubbings/{id}");
    server.prepare(id).await;
    server.begin(&track(id, "es"), Stage::Translate).await;
    server.catch_up().await;
    let half = server.read(&path).await.body;
    assert_eq!(states(&half), json!(["processing", ["queued", "processing"]]));
    let fraction = half["progress"]["fraction"].as_f64().expect("a number");
    assert!(fraction > 0.3 && fraction < 0.6, "{fraction}");
    assert_eq!(half["tracks"][1]["progress"]["lines"], 4);
    server.later(Duration::from_secs(5));
    let id = server.dubbing(&["es"]).await;
    server.prepare(id).await;
    server.complete(id).await;
    server.catch_up().await;
    let done = server.read(&format!("/v1/dubbings/{id}")).await.body;
    assert_eq!(states(&done), json!(["completed", ["published"]]));
    assert_eq!(done["progress"], json!({"fraction": 1.0}));
    assert_eq!(
        (&done["tracks"][0]["has_result"], &done["ended_at"]),
        (&json!(true), &json!("2026-01-31T08:00:05.000Z"))
    );
    assert_eq!(done["tracks"][0]["links"]["video"], format!("/v1/dubbings/{id}/tracks/es/video"));
}

#[tokio::test]
async fn stages_tell_when_they_ran_and_for_how_long() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.finish(&StreamId::Dubbing(id), Stage::Ingest, 1_234).await;
    server.later(Duration::from_secs(1));
    server.begin(&StreamId::Dubbing(id), Stage::Separate).await;
    server.catch_up().await;
    let body = server.read(&format!("/v1/dubbings/{id}")).await.body;
    let ingest = json!({
        "stage": "ingest", "state": "done", "run": 1, "attempt": 1, "wall_ms": 1_234,
        "started_at": "2026-01-31T08:00:00.000Z", "ended_at": "2026-01-31T08:00:00.000Z",
    });
    let separate = json!({
        "stage": "separate", "state": "running", "run": 1, "attempt": 1, "started_at": "2026-01-31T08:00:01.000Z",
    });
    let translate = json!({"stage": "translate", "language": "es", "state": "waiting", "run": 1, "attempt": 0});
    let stages = &body["stages"];
    assert_eq!((&stages[0], &stages[1], &stages[4]), (&ingest, &separate, &translate));
    assert_eq!(stages.as_array().map(Vec::len), Some(15));
}

#[tokio::test]
async fn what_stands_still_says_why_and_what_to_do() {
    let server = Server::start().await;
    let id = server.dubbing(&["ca", "es"]).await;
    server.prepare(id).await;
    server.park(&track(id, "es"), Stage::Translate).await;
    server.catch_up().await;
    let body = server.read(&format!("/v1/dubbings/{id}")).await.body;
    assert_eq!((&body["state"], &body["paused"]), (&json!("processing"), &json!(false)));
    let problem = json!({
        "code": "engine-missing", "message": "espeak-ng is not installed", "stage": "translate", "language": "es",
        "remedy": "Mend what the message names, then retry the dubbing; or cancel it.",
    });
    assert_eq!(body["problem"], problem);
    assert!(body["progress"].get("seconds_left").is_none());
    let list = server.read("/v1/dubbings").await.body;
    assert_eq!(list["items"][0]["stands_still"], true);
}

#[tokio::test]
async fn a_source_that_was_refused_says_why() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let fence = server.begin(&StreamId::Dubbing(id), Stage::Ingest).await;
    let (code, message) = ("no-speech".to_owned(), "there is no speech in it".to_owned());
    let refuse = DubbingCommand::RejectSource { fence, code, message };
    server.give::<Dubbing>(&StreamId::Dubbing(id), refuse).await;
    server.catch_up().await;
    let body = server.read(&format!("/v1/dubbings/{id}")).await.body;
    assert_eq!((&body["state"], &body["tracks"][0]["state"]), (&json!("failed"), &json!("failed")));
    assert_eq!(
        (&body["problem"]["code"], &body["problem"]["message"]),
        (&json!("no-speech"), &json!("there is no speech in it"))
    );
}

#[tokio::test]
async fn one_reads_ones_own_writes() {
    let server = Server::start().await;
    let asset = server.asset("talk.mp4").await;
    let ordered = server.order(&json!({"asset": asset, "target_languages": ["es"]})).await;
    let path = format!("/v1/dubbings?min_position={}", ordered.position());
    let early = server.read(&path).await;
    assert_eq!((early.problem().0, early.problem().1), (503, "position-not-reached"));
    server.catch_up().await;
    assert_eq!(server.read(&path).await.body["items"][0]["id"], ordered.body["id"]);
    let one = format!("/v1/dubbings/{}?min_position={}", ordered.id(), ordered.position());
    let one = server.read(&one).await.body;
    assert!(one["position"].as_u64() >= Some(ordered.position()) && one["started_at"].is_string(), "{one}");
}

#[tokio::test]
async fn a_second_reader_costs_no_query() {
    let store = Arc::new(Counted::default());
    let server = Server::with(Options { read_store: Some(store.clone()), ..Options::default() }).await;
    let id = server.dubbing(&["es"]).await;
    for path in [format!("/v1/dubbings/{id}"), "/v1/dubbings?state=queued&text=talk".to_owned()] {
        let read = async || {
            let said = server.read(&path).await;
            (said.header("etag").to_owned(), said.body, store.asked.load(Ordering::SeqCst))
        };
        let first = read().await;
        assert_eq!(read().await, first, "{path}");
        let known = server.say(Method::GET, &path, None, &[("if-none-match", &first.0)]).await;
        assert_eq!((known.status, known.body), (304, Value::Null));
        assert_eq!(store.asked.load(Ordering::SeqCst), first.2);
        // Whatever happens to it makes the answer old.
        assert_eq!(server.tell(&format!("/v1/dubbings/{id}/pause")).await.status, 202);
        server.catch_up().await;
        let later = read().await;
        assert_ne!((&later.0, &later.1), (&first.0, &first.1), "{path}");
        assert_eq!(server.tell(&format!("/v1/dubbings/{id}/resume")).await.status, 202);
        server.catch_up().await;
    }
}

#[tokio::test]
async fn an_etag_is_good_for_if_match() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    let tag = server.read(&format!("/v1/dubbings/{id}")).await.header("etag").to_owned();
    assert!(tag.starts_with("\"2."), "{tag}");
    let pause = format!("/v1/dubbings/{id}/pause");
    let paused = server.say(Method::POST, &pause, None, &[("if-match", &tag)]).await;
    assert_eq!((paused.status, paused.header("etag")), (202, "\"3\""));
}

#[tokio::test]
async fn what_is_not_there_is_not_there() {
    let server = Server::start().await;
    let id = server.dubbing(&["es"]).await;
    server.hides(Method::GET, "/v1/dubbings/{id}", id).await;
    for id in ["1", "..%2f..%2fetc", "01980000-0000-7000-8000-000000000001"] {
        let said = server.read(&format!("/v1/dubbings/{id}")).await;
        assert_eq!((said.problem().0, said.problem().1), (404, "not-found"), "{id}");
    }
    let said = server.read(&format!("/v1/dubbings/{id}?verbose=1")).await;
    assert_eq!((said.problem().0, said.problem().1), (400, "invalid-query"));
}
