//! What tests and measurements of the bus begin with.

use application::ports::event_log::Recorded;
use application::testing::story::Story;
use event_bus_nats::{Servers, Settings, Storage};
use std::time::Duration;
use uuid::Uuid;

/// A server at this address, without login or TLS.
pub fn at(url: &str) -> Servers {
    Servers { urls: vec![url.to_owned()], ..Servers::default() }
}

/// The bus of an installation.
pub fn settings() -> Settings {
    Settings {
        prefix: "dragoman".to_owned(),
        events_prefix: "dragoman.events".to_owned(),
        installation: Uuid::from_u128(1),
        replicas: 1,
        storage: Storage::File,
        bytes_max: 64 << 20,
        age_max: Duration::from_secs(7 * 24 * 3_600),
    }
}

/// What the log of a busy installation holds: so many events.
pub fn history(events: usize) -> Vec<Recorded> {
    let told = Story::history(events).into_iter().take(events);
    // Each story begins to count anew.
    told.map(|event| Recorded { event_id: Uuid::from_u64_pair(event.position, 1), ..event }).collect()
}
