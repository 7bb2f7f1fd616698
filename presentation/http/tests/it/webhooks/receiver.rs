//! A receiver, a server that tells it of events, and what tests ask of both.

use crate::{
    dubbings::set::Said,
    kit::{Options, Server},
};
use application::{
    aggregates::Aggregates,
    identity::Identity,
    ports::{outbound::Reach, read_store::ReadStore},
    stop::Stopper,
    testing::{ManualClock, MemoryDeliveryStore},
    webhooks::{WebhookDelivery, WebhookLimits, WebhookParts, desk::WebhookDesk, secrets::SigningSecrets},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use host::RandomIds;
use http_api::server::{ServerLimits, serve};
use http_outbound::HttpOutbound;
use projections::webhook_index::WebhookRows;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

/// What a receiver was told.
#[derive(Clone, Debug)]
pub struct Heard {
    headers: HeaderMap,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("a text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// How many signatures it has.
    pub fn signatures(&self) -> usize {
        self.header("webhook-signature").split(' ').count()
    }

    /// Whether one of its signatures is by this secret, or this key.
    pub fn is_by(&self, text: &str) -> bool {
        let content = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let mut signatures = self.header("webhook-signature").split(' ').filter_map(|one| one.split_once(','));
        signatures.any(|(version, signature)| {
            let signature = BASE64_STANDARD.decode(signature).expect("Base64");
            match (version, text.strip_prefix("whsec_"), text.strip_prefix("whpk_")) {
                ("v1", Some(secret), _) => {
                    let secret = BASE64_STANDARD.decode(secret).expect("Base64");
                    let mac = Hmac::<Sha256>::new_from_slice(&secret).expect("a key").chain_update(&content);
                    mac.verify_slice(&signature).is_ok()
                }
                ("v1a", _, Some(key)) => {
                    let key = BASE64_STANDARD.decode(key).expect("Base64").try_into().expect("32 bytes");
                    let key = VerifyingKey::from_bytes(&key).expect("a key");
                    key.verify(content.as_bytes(), &Signature::from_slice(&signature).expect("64 bytes")).is_ok()
                }
                _ => false,
            }
        })
    }
}

#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<Heard>>>,
    status: Arc<AtomicU16>,
}

async fn hear(State(ear): State<Ear>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body = String::from_utf8(body.to_vec()).expect("a text");
    ear.heard.lock().unwrap_or_else(PoisonError::into_inner).push(Heard { headers, body });
    StatusCode::from_u16(ear.status.load(Ordering::SeqCst)).expect("a status")
}

/// Webhooks that may lead so far, with deliveries in memory.
pub fn desk(
    reach: Reach,
    identity: &Identity,
    aggregates: &Arc<Aggregates>,
    read_store: &Arc<dyn ReadStore>,
    clock: &Arc<ManualClock>,
) -> WebhookDesk {
    let credentials = identity.credentials().clone();
    let secrets = Arc::new(SigningSecrets::new(credentials, clock.clone(), Arc::new(RandomIds)));
    let delivery = WebhookDelivery::new(WebhookParts {
        log: aggregates.log().clone(),
        deliveries: Arc::new(MemoryDeliveryStore::new()),
        webhooks: Arc::new(WebhookRows::new(read_store.clone(), aggregates.clone())),
        secrets: secrets.clone(),
        outbound: Arc::new(HttpOutbound::try_new("dragoman-test").expect("a client")),
        clock: clock.clone(),
        ids: Arc::new(RandomIds),
        limits: WebhookLimits { reach, ..WebhookLimits::default() },
    });
    WebhookDesk::new(aggregates.clone(), delivery, secrets)
}

/// A server that tells of events, and a receiver of them.
pub struct Hooks {
    pub server: Server,
    ear: Ear,
    /// The receiver's address.
    pub url: String,
    /// Dropped, it stops nobody: it is here to be there.
    _stopper: Stopper,
}

impl Hooks {
    /// The receiver is content with everything; webhooks may lead to it.
    pub async fn start() -> Self {
        let server = Server::with(Options { reach: Reach::Anywhere, ..Options::default() }).await;
        let ear = Ear::default();
        ear.status.store(200, Ordering::SeqCst);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?token=planted-in-the-address", listener.local_addr().expect("an address"));
        let receiver = Router::new().fallback(hear).with_state(ear.clone());
        tokio::spawn(serve(listener, receiver, None, ServerLimits::default(), CancellationToken::new()));
        let runner = server.runner.clone();
        tokio::spawn(async move { runner.run().await });
        let stopper = Stopper::new();
        let (delivery, stop) = (server.api.webhooks.delivery().clone(), stopper.signal());
        tokio::spawn(async move { delivery.run(&stop).await });
        Self { server, ear, url, _stopper: stopper }
    }

    /// The receiver answers so from now on.
    pub fn answer(&self, status: u16) {
        self.ear.status.store(status, Ordering::SeqCst);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.ear.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the receiver was told, once that is so much.
    pub async fn hears(&self, count: usize) -> Vec<Heard> {
        self.until("the receiver heard it", async || Some(self.heard()).filter(|heard| heard.len() >= count)).await
    }

    /// What is found, once it is there.
    pub async fn until<T>(&self, what: &str, find: impl AsyncFn() -> Option<T>) -> T {
        let look = async {
            loop {
                if let Some(found) = find().await {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), look).await.unwrap_or_else(|_| panic!("{what}: {:?}", self.heard()))
    }

    /// A new webhook to the receiver: its path, and what it is verified with.
    pub async fn webhook(&self, events: &[&str], signature: &str) -> (String, String) {
        let new = json!({"url": self.url, "events": events, "signature": signature});
        let made = self.post("/v1/webhooks", &new).await;
        assert_eq!(made.status, 201, "{made:?}");
        (made.header("location").to_owned(), verifier(&made.body))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Said {
        self.server.say(Method::POST, path, Some(body), &[]).await
    }

    /// A `PATCH` of whatever it is now.
    pub async fn patch(&self, path: &str, body: &Value) -> Said {
        self.server.say(Method::PATCH, path, Some(body), &[("if-match", "*")]).await
    }

    /// As it is by now.
    pub async fn read(&self, path: &str) -> Said {
        self.server.catch_up().await;
        self.server.read(path).await
    }

    /// A project begins to be: one public event. Its path.
    pub async fn happen(&self) -> String {
        let made = self.post("/v1/projects", &json!({"name": "Autumn"})).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.header("location").to_owned()
    }
}

/// What deliveries are verified with, as an answer shows it.
pub fn verifier(body: &Value) -> String {
    let shown = [&body["secret"], &body["public_key"]];
    assert_eq!(shown.iter().filter(|text| text.is_string()).count(), 1, "{body}");
    shown.iter().find_map(|text| text.as_str()).expect("one of both").to_owned()
}
