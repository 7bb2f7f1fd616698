//! A receiver of webhooks that is content with everything and forgets nothing.

use super::rig::Server;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use http_api::server::{ServerLimits, serve};
use reqwest::StatusCode as Answered;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

/// It listens until it is dropped.
pub struct Hearing {
    url: String,
    heard: Heard,
    _runtime: Runtime,
}

/// Every delivery as it came: its id, and its body.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(String, Bytes)>>>);

impl Heard {
    fn all(&self) -> MutexGuard<'_, Vec<(String, Bytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    heard.all().push((id.to_owned(), body));
    StatusCode::NO_CONTENT
}

impl Hearing {
    /// On a free port.
    pub fn start() -> Self {
        let (runtime, heard) = (Runtime::new().expect("a runtime"), Heard::default());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(hear).with_state(heard.clone());
        runtime.spawn(serve(listener, router, None, ServerLimits::default(), CancellationToken::new()));
        Self { url, heard, _runtime: runtime }
    }

    /// Has everything told to it from now on; the position of the log where that begins.
    pub fn subscribe(&self, server: &Server) -> u64 {
        let made = server.post("/v1/webhooks", &json!({ "url": self.url }));
        made.json(Answered::CREATED);
        made.header("dragoman-position").parse().expect("a position")
    }

    /// The ids of the events that it was told of, each once, in the order in which they first came.
    pub fn told(&self) -> Vec<String> {
        let mut known = BTreeSet::new();
        let ids = self.heard.all().iter().map(|(_, body)| id_in(body)).collect::<Vec<_>>();
        ids.into_iter().filter(|id| known.insert(id.clone())).collect()
    }

    /// No delivery came with two contents, and no event as two deliveries.
    #[track_caller]
    pub fn has_one_content_for_each_id(&self) {
        let heard = self.heard.all();
        let (mut contents, mut deliveries) = (BTreeMap::new(), BTreeMap::new());
        for (id, body) in &*heard {
            assert!(!id.is_empty(), "each has an id");
            assert_eq!(contents.entry(id).or_insert(body), &body, "{id} came with two contents");
            assert_eq!(deliveries.entry(id_in(body)).or_insert(id), &id, "one event, two deliveries: {body:?}");
        }
    }
}

/// The id of the event that a body tells of.
fn id_in(body: &Bytes) -> String {
    let told: Value = serde_json::from_slice(body).expect("a document");
    told["data"]["id"].as_str().expect("an id").to_owned()
}
