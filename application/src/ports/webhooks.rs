//! What the delivery of webhooks needs to know of them: who wants to hear what, where, and signed with what.

use crate::{ports::event_log::Tenant, public_events::PublicEventType, webhooks::signature::SigningSecret};
use async_trait::async_trait;
use domain::{
    value::{Personal, WebhookId},
    webhook::WhyDisabled,
};
use thiserror::Error;

/// Knows the webhooks of every tenant.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// The active webhooks of a tenant. The answer takes in everything that the log says about webhooks up to
    /// `position`, and waits for it if need be: else what happens just after a webhook was made would be missed. It is
    /// asked for every page of the log and for every delivery, so it is to be quick.
    async fn of(&self, tenant: &Tenant, position: u64) -> Result<Vec<WebhookTarget>, WebhooksError>;

    /// Makes a webhook inactive because of what its receiver said. Without effect when it is not active.
    async fn disable(&self, tenant: &Tenant, webhook: WebhookId, why: WhyDisabled) -> Result<(), WebhooksError>;

    /// How many webhooks a tenant has, active or not, and what that takes in. Waits for nothing.
    async fn count(&self, tenant: &Tenant) -> Result<WebhookCount, WebhooksError>;
}

/// How many webhooks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookCount {
    /// So many.
    pub webhooks: usize,
    /// As far as the log says up to this position, at least.
    pub position: u64,
}

/// Knows what deliveries are signed with.
#[async_trait]
pub trait WebhookSecrets: Send + Sync {
    /// The secrets of a webhook, newest first: one, or two while one is being replaced. None when it has none.
    async fn secrets(&self, webhook: WebhookId) -> Result<Vec<SigningSecret>, WebhooksError>;

    /// Forgets the secrets of a webhook that was removed. Without effect when it has none.
    async fn forget(&self, webhook: WebhookId) -> Result<(), WebhooksError>;
}

/// Where a tenant wants to hear of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Which webhook.
    pub id: WebhookId,
    /// Where deliveries go; personal, since addresses may name people and hold tokens.
    pub url: Personal<String>,
    /// Of what: names of types, or beginnings of names before a `*`, such as `track.*`. Empty is everything.
    pub events: Vec<String>,
    /// Only of what comes after this position of the log.
    pub since_position: u64,
}

impl WebhookTarget {
    /// Whether it wants to hear of events of this type.
    pub fn wants(&self, kind: PublicEventType) -> bool {
        self.events.is_empty() || self.events.iter().any(|pattern| is_of(kind, pattern))
    }
}

/// Whether this names a type, or is the beginning of one before a `*`: what [`WebhookTarget::events`] may hold.
pub fn is_event_pattern(text: &str) -> bool {
    PublicEventType::ALL.iter().any(|kind| is_of(*kind, text))
}

/// Whether a pattern takes in a type.
fn is_of(kind: PublicEventType, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => kind.name().starts_with(beginning),
        None => kind.name() == pattern,
    }
}

/// Why nothing could be learned of webhooks, or changed.
#[derive(Debug, Error)]
#[error("the webhooks could not be looked up or changed")]
pub struct WebhooksError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[track_caller]
    fn check(events: &[&str], kind: PublicEventType, expected: bool) {
        let events = events.iter().map(|text| (*text).to_owned()).collect();
        let target = WebhookTarget { id: WebhookId(Uuid::nil()), url: Personal::erased(), events, since_position: 0 };
        assert_eq!(target.wants(kind), expected, "{:?} and {kind}", target.events);
    }

    #[test]
    fn a_webhook_hears_of_what_it_names() {
        let kind = PublicEventType::TrackPublished;
        check(&[], kind, true);
        check(&["track.published"], kind, true);
        for one in ["track.*", "*", "tra*", "track.published*"] {
            check(&["dubbing.completed", one], kind, true);
        }
        for other in ["dubbing.*", "track.signed", "track", "track.", "track.publish", "", ".*", "*.published", "**"] {
            check(&[other], kind, false);
        }
    }

    #[test]
    fn patterns_that_take_in_nothing_are_none() {
        for text in ["dubbing.*", "stage.failed", "utterance*", "*"] {
            assert!(is_event_pattern(text), "{text}");
        }
        for text in ["", ".*", "dub.*", "dubbing", "dubbing.", "Dubbing.*", "webhook.test", "stage.failed ", "**"] {
            assert!(!is_event_pattern(text), "{text}");
        }
    }
}
