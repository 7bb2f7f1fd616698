//! Who is told of what happens: webhooks, and people by mail.

use crate::{
    config::Config,
    exit::Failure,
    home::Home,
    wiring::{App, delivery_store, outbound},
};
use application::{
    causes::with_causes,
    crew::Beside,
    identity::Identity,
    letters::{FinishedLetters, FinishedParts},
    ports::{mailer::Mailer, outbound::Reach},
    stop::StopSignal,
    webhooks::{WebhookDelivery, WebhookLimits, WebhookParts, desk::WebhookDesk, secrets::SigningSecrets},
};
use host::SystemClock;
use projections::webhook_index::WebhookRows;
use std::sync::Arc;

/// What makes webhooks, and what delivers to them.
pub async fn webhooks(
    app: &App,
    home: &Home,
    config: &Config,
    identity: &Identity,
) -> Result<(WebhookDesk, WebhookDelivery), Failure> {
    let (clock, ids) = (Arc::new(SystemClock), Arc::clone(&app.ids));
    let secrets = Arc::new(SigningSecrets::new(Arc::clone(identity.credentials()), clock.clone(), Arc::clone(&ids)));
    let reach = if config.webhooks.allow_private { Reach::Anywhere } else { Reach::Public };
    let delivery = WebhookDelivery::new(WebhookParts {
        log: Arc::clone(&app.log),
        deliveries: delivery_store(home).await?,
        webhooks: Arc::new(WebhookRows::new(Arc::clone(&app.read_store), Arc::clone(&app.aggregates))),
        secrets: Arc::clone(&secrets) as _,
        outbound: outbound()?,
        clock,
        ids,
        limits: WebhookLimits { reach, ..WebhookLimits::default() },
    });
    Ok((WebhookDesk::new(Arc::clone(&app.aggregates), delivery.clone(), secrets), delivery))
}

/// What delivers beside the crew. It is dropped with it: what is on its way then is sent again.
pub fn delivering(delivery: WebhookDelivery) -> Beside {
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
