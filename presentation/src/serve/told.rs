//! Who is told of what happens: webhooks, people by mail, and whoever listens on NATS.

use super::membership::{LETTERS, RELAY, WEBHOOKS};
use crate::{
    config::{Config, NodeRole},
    exit::Failure,
    wiring::{App, outbound},
};
use application::{
    causes::with_causes,
    cluster::Holdings,
    crew::Beside,
    identity::Identity,
    letters::{FinishedLetters, FinishedParts},
    ports::{event_bus::EventBus, event_log::EventLog, mailer::Mailer, outbound::Reach},
    relay::Relay,
    stop::StopSignal,
    webhooks::{WebhookDelivery, WebhookLimits, WebhookParts, desk::WebhookDesk, secrets::SigningSecrets},
};
use event_bus_nats::NatsNotices;
use host::SystemClock;
use projections::webhook_index::WebhookRows;
use std::sync::Arc;

/// What makes webhooks, and what delivers to them.
pub async fn webhooks(
    app: &App,
    config: &Config,
    identity: &Identity,
) -> Result<(WebhookDesk, WebhookDelivery), Failure> {
    let (clock, ids) = (Arc::new(SystemClock), Arc::clone(&app.ids));
    let secrets = Arc::new(SigningSecrets::new(Arc::clone(identity.credentials()), clock.clone(), Arc::clone(&ids)));
    let reach = if config.webhooks.allow_private { Reach::Anywhere } else { Reach::Public };
    let delivery = WebhookDelivery::new(WebhookParts {
        log: Arc::clone(&app.log),
        deliveries: app.kept.deliveries().await?,
        webhooks: Arc::new(WebhookRows::new(Arc::clone(&app.read_store), Arc::clone(&app.aggregates))),
        secrets: Arc::clone(&secrets) as _,
        outbound: outbound()?,
        clock,
        ids,
        limits: WebhookLimits { reach, ..WebhookLimits::default() },
    });
    Ok((WebhookDesk::new(Arc::clone(&app.aggregates), delivery.clone(), secrets), delivery))
}

/// Where else what happens is told, and what hears of it there.
pub type Bus = (Arc<dyn EventBus>, NatsNotices);

/// What runs beside the crew to tell others, as far as that is this node's part, and to hear of what others tell.
pub fn beside(
    log: &Arc<dyn EventLog>,
    roles: &[NodeRole],
    holdings: &Holdings,
    delivery: WebhookDelivery,
    letters: Option<Beside>,
    bus: Option<Bus>,
) -> Vec<Beside> {
    let (bus, notices) = bus.unzip();
    let mut beside: Vec<Beside> = notices.map(|notices| hearing(Arc::clone(log), notices)).into_iter().collect();
    if roles.contains(&NodeRole::Project) {
        let on = |beside: Beside, duty| beside.on_duty(holdings.clone(), duty);
        beside.push(on(delivering(delivery), WEBHOOKS));
        beside.extend(letters.map(|letters| on(letters, LETTERS)));
        beside.extend(bus.map(|bus| on(relaying(Relay::new(Arc::clone(log), bus)), RELAY)));
    }
    beside
}

/// What delivers beside the crew. It is dropped with it: what is on its way then is sent again.
fn delivering(delivery: WebhookDelivery) -> Beside {
    Beside::new("webhooks", move || {
        let delivery = delivery.clone();
        async move {
            match delivery.run(&StopSignal::never()).await {
                Ok(()) => "it came to an end".to_owned(),
                Err(error) => with_causes(&error),
            }
        }
    })
}

/// What writes to those whose jobs are finished.
pub fn writing(app: &App, identity: &Identity, mailer: Arc<dyn Mailer>) -> Beside {
    let letters = FinishedLetters::new(FinishedParts {
        log: Arc::clone(&app.log),
        aggregates: Arc::clone(&app.aggregates),
        credentials: Arc::clone(identity.credentials()),
        mailer,
        clock: Arc::new(SystemClock),
        public_url: identity.settings().public_url.clone(),
    });
    Beside::new("letters", move || {
        let letters = letters.clone();
        async move { with_causes(&letters.run().await) }
    })
}

/// What tells on NATS what the log holds.
fn relaying(relay: Relay) -> Beside {
    let relay = Arc::new(relay);
    Beside::new("relay", move || {
        let relay = Arc::clone(&relay);
        async move {
            match relay.run(&StopSignal::never()).await {
                Ok(()) => "it came to an end".to_owned(),
                Err(error) => with_causes(&error),
            }
        }
    })
}

/// What wakes those who follow the log when another node says on NATS that there is more in it.
fn hearing(log: Arc<dyn EventLog>, notices: NatsNotices) -> Beside {
    let notices = Arc::new(notices);
    Beside::new("notices", move || {
        let (log, notices) = (Arc::clone(&log), Arc::clone(&notices));
        async move {
            let mut positions = notices.positions();
            while positions.changed().await.is_ok() {
                let head = *positions.borrow_and_update();
                log.hear_of(head);
            }
            "nobody listens any more".to_owned()
        }
    })
}
