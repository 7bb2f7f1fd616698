//! The aggregates that a log can keep.

use super::{Aggregates, cache::Cache};
use crate::ports::event_log::{DomainEvent, TenancyEvent};
use domain::{
    account::{Account, AccountEvent},
    asset::{Asset, AssetEvent},
    decider::Decider,
    dubbing::{Dubbing, DubbingEvent},
    glossary::{Glossary, GlossaryEvent},
    project::{Project, ProjectEvent},
    queues::{Queues, QueuesEvent},
    security::{SecurityDay, SecurityEvent},
    tenant::{TenantEvent, TenantState},
    track::{Track, TrackEvent},
    webhook::{Webhook, WebhookEvent},
};
use serde::{Serialize, de::DeserializeOwned};

/// An aggregate that the log can keep, and whose state can be kept beside it.
pub trait Aggregate:
    Decider<State = Self> + Serialize + DeserializeOwned + Default + Clone + Send + Sync + 'static
{
    /// Its events among all events; `None` for another aggregate's.
    fn of(event: &DomainEvent) -> Option<&Self::Event>;
    /// Its events as the log takes them.
    fn into_domain(event: Self::Event) -> DomainEvent;
    #[doc(hidden)]
    fn cache(aggregates: &Aggregates) -> &Cache<Self>;
}

macro_rules! aggregate {
    ($kind:ident $event:ident $cache:ident) => {
        aggregate! { $kind $event $cache DomainEvent::$kind }
    };
    ($kind:ident $event:ident $cache:ident of $variant:ident) => {
        aggregate! { $kind $event $cache DomainEvent::Tenancy TenancyEvent::$variant }
    };
    ($kind:ident $event:ident $cache:ident $outer:ident::$of:ident $($inner:ident::$variant:ident)?) => {
        impl Aggregate for $kind {
            fn of(event: &DomainEvent) -> Option<&$event> {
                if let aggregate!(@ $outer::$of $($inner::$variant)? event) = event { Some(event) } else { None }
            }

            fn into_domain(event: $event) -> DomainEvent {
                aggregate!(@ $outer::$of $($inner::$variant)? event)
            }

            fn cache(aggregates: &Aggregates) -> &Cache<Self> {
                &aggregates.$cache
            }
        }
    };
    (@ $outer:ident::$of:ident $event:ident) => {
        $outer::$of($event)
    };
    (@ $outer:ident::$of:ident $inner:ident::$variant:ident $event:ident) => {
        $outer::$of($inner::$variant($event))
    };
}

aggregate!(Dubbing DubbingEvent dubbings);
aggregate!(Track TrackEvent tracks);
aggregate!(Asset AssetEvent assets);
aggregate!(Project ProjectEvent projects);
aggregate!(Glossary GlossaryEvent glossaries);
aggregate!(TenantState TenantEvent tenants of Tenant);
aggregate!(Account AccountEvent accounts of Account);
aggregate!(Webhook WebhookEvent webhooks of Webhook);
aggregate!(SecurityDay SecurityEvent security_days of Security);
aggregate!(Queues QueuesEvent queues of Queues);
