//! A log, webhooks, receivers and a clock, for tests.

use crate::{
    ports::{
        delivery_store::{Delivery, DeliveryStore},
        event_log::{DomainEvent, Recorded, StreamId, TenancyEvent, TenancyStream, Tenant},
        outbound::{Outbound, OutboundAnswer, OutboundError, OutboundRequest, Reach},
        webhooks::{WebhookCount, WebhookSecrets, WebhookTarget, Webhooks, WebhooksError},
    },
    testing::{CountedIds, ManualClock, MemoryDeliveryStore, RecordedLog},
    webhooks::{
        WebhookDelivery, WebhookLimits, WebhookParts, flights::Flights, payload::delivery_id, signature::SigningSecret,
    },
};
use async_trait::async_trait;
use domain::{
    dubbing::DubbingEvent,
    flow::FlowEvent,
    value::{DubbingId, Personal, Sha256, Timestamp, WebhookId},
    webhook::{WebhookEvent, WhyDisabled},
};
use serde_json::Value;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use uuid::Uuid;

pub(super) const ONE: WebhookId = WebhookId(Uuid::from_u128(0x11));
pub(super) const OTHER: WebhookId = WebhookId(Uuid::from_u128(0x22));
pub(super) const FOREIGN: WebhookId = WebhookId(Uuid::from_u128(0x33));
/// Has no secrets.
pub(super) const MUTE: WebhookId = WebhookId(Uuid::from_u128(0x44));

/// When everything begins.
const BEGAN_MS: u64 = 1_769_846_400_000;

/// What a receiver does.
pub(super) enum Reply {
    /// Answers with this status.
    Status(u16),
    /// Likewise, and asks for a pause.
    RetryAfter(u16, &'static str),
    /// Cannot be asked.
    Error(OutboundError),
    /// Keeps silent.
    Never,
}

/// What a receiver was told.
#[derive(Clone)]
pub(super) struct Told {
    pub webhook: WebhookId,
    /// Of the event; 0 for what is none.
    pub position: u64,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub reach: Reach,
}

impl Told {
    pub fn header(&self, name: &str) -> String {
        self.headers.iter().find(|(known, _)| known == name).unwrap().1.clone()
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.position, self.webhook)
    }
}

type Script = Box<dyn FnMut(&Told) -> Reply + Send>;

/// Everybody who is told something.
struct Receivers {
    told: Mutex<Vec<Told>>,
    script: Mutex<Script>,
}

#[async_trait]
impl Outbound for Receivers {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let body = String::from_utf8(request.body).unwrap();
        let parsed: Value = serde_json::from_str(&body).unwrap();
        let told = Told {
            webhook: WebhookId(request.url.rsplit('/').next().unwrap().parse().unwrap()),
            position: parsed["data"]["position"].as_u64().unwrap_or(0),
            headers: request.headers,
            body,
            reach: request.reach,
        };
        let reply = (*locked(&self.script))(&told);
        locked(&self.told).push(told);
        match reply {
            Reply::Status(status) => Ok(OutboundAnswer { status, headers: vec![], body: vec![] }),
            Reply::RetryAfter(status, pause) => {
                let headers = vec![("retry-after".to_owned(), pause.to_owned())];
                Ok(OutboundAnswer { status, headers, body: vec![] })
            }
            Reply::Error(error) => Err(error),
            Reply::Never => std::future::pending().await,
        }
    }

    async fn check(&self, _: &str, _: Reach) -> Result<(), OutboundError> {
        Ok(())
    }
}

/// Everybody who wants to hear something.
#[derive(Default)]
pub(super) struct Register {
    targets: Mutex<Vec<(Tenant, WebhookTarget)>>,
    disabled: Mutex<Vec<WebhookId>>,
    forgotten: Mutex<Vec<WebhookId>>,
    /// Whether it cannot be asked.
    pub is_broken: Mutex<bool>,
}

impl Register {
    fn asked(&self) -> Result<(), WebhooksError> {
        if *locked(&self.is_broken) { Err(WebhooksError("broken".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl Webhooks for Register {
    async fn of(&self, tenant: &Tenant, _position: u64) -> Result<Vec<WebhookTarget>, WebhooksError> {
        self.asked()?;
        let targets = locked(&self.targets);
        Ok(targets.iter().filter(|(owner, _)| owner == tenant).map(|(_, target)| target.clone()).collect())
    }

    async fn disable(&self, tenant: &Tenant, webhook: WebhookId, why: WhyDisabled) -> Result<(), WebhooksError> {
        assert_eq!(why, WhyDisabled::Gone);
        locked(&self.targets).retain(|(owner, target)| owner != tenant || target.id != webhook);
        locked(&self.disabled).push(webhook);
        Ok(())
    }

    async fn count(&self, tenant: &Tenant) -> Result<WebhookCount, WebhooksError> {
        let webhooks = locked(&self.targets).iter().filter(|(owner, _)| owner == tenant).count();
        Ok(WebhookCount { webhooks, position: u64::MAX })
    }
}

#[async_trait]
impl WebhookSecrets for Register {
    async fn secrets(&self, webhook: WebhookId) -> Result<Vec<SigningSecret>, WebhooksError> {
        self.asked()?;
        Ok(if webhook == MUTE { vec![] } else { secrets(webhook) })
    }

    async fn forget(&self, webhook: WebhookId) -> Result<(), WebhooksError> {
        locked(&self.forgotten).push(webhook);
        Ok(())
    }
}

fn secrets(webhook: WebhookId) -> Vec<SigningSecret> {
    let seed = u8::try_from(webhook.0.as_u128()).unwrap();
    vec![SigningSecret::shared([seed; 32]), SigningSecret::pair([seed + 1; 32])]
}

/// All of it.
pub(super) struct House {
    pub log: Arc<RecordedLog>,
    pub store: Arc<MemoryDeliveryStore>,
    pub register: Arc<Register>,
    pub delivery: WebhookDelivery,
    clock: Arc<ManualClock>,
    receivers: Arc<Receivers>,
}

impl House {
    /// Receivers that are content with everything.
    pub fn new() -> Self {
        let script: Script = Box::new(|_| Reply::Status(200));
        let receivers = Arc::new(Receivers { told: Mutex::default(), script: Mutex::new(script) });
        let (log, store) = (Arc::new(RecordedLog::new(vec![])), Arc::new(MemoryDeliveryStore::new()));
        let (register, clock) = (Arc::new(Register::default()), Arc::new(ManualClock::default()));
        let delivery = delivery(&log, Arc::clone(&store) as Arc<dyn DeliveryStore>, &register, &receivers, &clock);
        Self { log, store, register, delivery, clock, receivers }
    }

    /// The same with a process begun anew.
    pub fn anew(&self) -> Self {
        self.keeping_in(Arc::clone(&self.store) as Arc<dyn DeliveryStore>)
    }

    /// The same with a process begun anew, over another view of the store.
    pub fn keeping_in(&self, deliveries: Arc<dyn DeliveryStore>) -> Self {
        Self {
            log: Arc::clone(&self.log),
            store: Arc::clone(&self.store),
            register: Arc::clone(&self.register),
            delivery: delivery(&self.log, deliveries, &self.register, &self.receivers, &self.clock),
            clock: Arc::clone(&self.clock),
            receivers: Arc::clone(&self.receivers),
        }
    }

    pub fn hears(&self, owner: &str, target: WebhookTarget) {
        locked(&self.register.targets).push((tenant(owner), target));
    }

    /// Makes a webhook inactive.
    pub fn silence(&self, webhook: WebhookId) {
        locked(&self.register.targets).retain(|(_, target)| target.id != webhook);
    }

    pub fn replies(&self, script: impl FnMut(&Told) -> Reply + Send + 'static) {
        *locked(&self.receivers.script) = Box::new(script);
    }

    pub fn told(&self) -> Vec<Told> {
        locked(&self.receivers.told).clone()
    }

    pub fn disabled(&self) -> Vec<WebhookId> {
        locked(&self.register.disabled).clone()
    }

    /// Those whose secrets are gone.
    pub fn forgotten(&self) -> Vec<WebhookId> {
        locked(&self.register.forgotten).clone()
    }

    pub fn secrets_of(&self, webhook: WebhookId) -> Vec<SigningSecret> {
        secrets(webhook)
    }

    pub fn now(&self) -> Timestamp {
        self.delivery.now()
    }

    pub fn clock_to(&self, now: Timestamp) {
        self.clock.set(now);
    }

    /// Takes in all that the log and replays hold.
    pub async fn take_in(&self) {
        while self.delivery.take_in().await.unwrap() | self.delivery.take_up_replays().await.unwrap() {}
    }

    /// Takes in everything, and sends until nothing is due at this moment.
    pub async fn settle(&self) {
        self.take_in().await;
        let mut flights = Flights::default();
        loop {
            self.delivery.fill(&mut flights).await.unwrap();
            if flights.is_empty() {
                return;
            }
            flights.landed().await;
        }
    }

    /// The delivery of the event at a position.
    pub async fn delivery(&self, webhook: WebhookId, position: u64) -> Delivery {
        let id = delivery_id(webhook, Uuid::from_u128(u128::from(position)));
        self.store.delivery(webhook, id).await.unwrap().unwrap()
    }

    /// Waits for a condition, for a while.
    pub async fn until(&self, is_met: impl Fn() -> bool) {
        let waited = async {
            while !is_met() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), waited).await.is_ok(), "told: {:?}", self.told());
    }
}

fn delivery(
    log: &Arc<RecordedLog>,
    deliveries: Arc<dyn DeliveryStore>,
    register: &Arc<Register>,
    receivers: &Arc<Receivers>,
    clock: &Arc<ManualClock>,
) -> WebhookDelivery {
    WebhookDelivery::new(WebhookParts {
        log: Arc::clone(log) as _,
        deliveries,
        webhooks: Arc::clone(register) as _,
        secrets: Arc::clone(register) as _,
        outbound: Arc::clone(receivers) as _,
        clock: Arc::clone(clock) as _,
        ids: Arc::new(CountedIds::default()),
        limits: WebhookLimits { in_flight_max: 6, in_flight_per_webhook_max: 4, ..WebhookLimits::default() },
    })
}

pub(super) fn tenant(name: &str) -> Tenant {
    Tenant(name.to_owned())
}

pub(super) fn target(id: WebhookId, events: &[&str], since_position: u64) -> WebhookTarget {
    let url = Personal::new(format!("https://hooks.example/{id}"));
    WebhookTarget { id, url, events: events.iter().map(|text| (*text).to_owned()).collect(), since_position }
}

/// A dubbing was paused.
pub(super) fn paused(dubbing: u128, position: u64) -> Recorded {
    recorded(dubbing, position, FlowEvent::FlowPaused { code: "by-user".to_owned() })
}

/// A dubbing goes on.
pub(super) fn resumed(dubbing: u128, position: u64) -> Recorded {
    recorded(dubbing, position, FlowEvent::FlowResumed)
}

pub(super) fn of_tenant(name: &str, event: Recorded) -> Recorded {
    Recorded { tenant: tenant(name), ..event }
}

/// Something happened to a webhook.
pub(super) fn of_webhook(webhook: WebhookId, position: u64, event: WebhookEvent) -> Recorded {
    Recorded {
        stream: StreamId::Tenancy(TenancyStream::Webhook(webhook)),
        event: DomainEvent::Tenancy(TenancyEvent::Webhook(event)),
        ..paused(0, position)
    }
}

fn recorded(dubbing: u128, position: u64, event: FlowEvent) -> Recorded {
    let id = Uuid::from_u128(u128::from(position));
    Recorded {
        log: "test".to_owned(),
        position,
        revision: position,
        stream: StreamId::Dubbing(DubbingId(Uuid::from_u128(dubbing))),
        event_id: id,
        event_type: "Told".to_owned(),
        schema_version: 1,
        recorded_at: Timestamp::from_unix_ms(BEGAN_MS + position),
        tenant: tenant("local"),
        actor: "test".to_owned(),
        command_id: id,
        causation_id: None,
        traceparent: None,
        prev_hash: Sha256::new([0; 32]),
        hash: Sha256::new([1; 32]),
        event: DomainEvent::Dubbing(DubbingEvent::Flow(event)),
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
