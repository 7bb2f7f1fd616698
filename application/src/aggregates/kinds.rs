//! The aggregates that a log can keep.

use super::{Aggregates, cache::Cache};
use crate::ports::event_log::DomainEvent;
use domain::{
    asset::{Asset, AssetEvent},
    decider::Decider,
    dubbing::{Dubbing, DubbingEvent},
    glossary::{Glossary, GlossaryEvent},
    project::{Project, ProjectEvent},
    track::{Track, TrackEvent},
};

/// An aggregate that the log can keep.
pub trait Aggregate: Decider<State = Self> + Default + Clone + Send + Sync + 'static {
    /// Its events among all events; `None` for another aggregate's.
    fn of(event: &DomainEvent) -> Option<&Self::Event>;
    /// Its events as the log takes them.
    fn into_domain(event: Self::Event) -> DomainEvent;
    #[doc(hidden)]
    fn cache(aggregates: &Aggregates) -> &Cache<Self>;
}

macro_rules! aggregate {
    ($kind:ident $event:ident $cache:ident) => {
        impl Aggregate for $kind {
            fn of(event: &DomainEvent) -> Option<&$event> {
                if let DomainEvent::$kind(event) = event { Some(event) } else { None }
            }

            fn into_domain(event: $event) -> DomainEvent {
                DomainEvent::$kind(event)
            }

            fn cache(aggregates: &Aggregates) -> &Cache<Self> {
                &aggregates.$cache
            }
        }
    };
}

aggregate!(Dubbing DubbingEvent dubbings);
aggregate!(Track TrackEvent tracks);
aggregate!(Asset AssetEvent assets);
aggregate!(Project ProjectEvent projects);
aggregate!(Glossary GlossaryEvent glossaries);
