//! Results that were handed out: each download stands in the security trail before its first byte goes out.
//!
//! Players fetch a film in a hundred parts, and browsers ask again for what they have: what the same caller fetches of the
//! same file within ten minutes is one download. That is remembered here, in bounded memory; what is forgotten too early is
//! written once more.

use super::trail::{SecurityTrail, TrailError};
use crate::ports::{clock::Clock, event_log::Tenant};
use domain::{
    security::{By, SecurityEvent},
    value::{Timestamp, TrackId},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OnceCell;

/// How long fetching the same file is the same download, in milliseconds.
const SAME_MS: u64 = 10 * 60_000;
/// Downloads that are remembered.
const KNOWN_MAX: usize = 16_384;

/// Somebody fetches a file.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Handout {
    /// Whose result.
    pub tenant: Tenant,
    /// Who, as events name it.
    pub actor: String,
    /// From where. Personal.
    pub address: Option<String>,
    /// Of which track.
    pub track: TrackId,
    /// Which file, as the trail names it.
    pub file: &'static str,
    /// What is in it: another result is another download.
    pub content: String,
    /// With a signed link.
    pub by_link: bool,
}

/// Writes downloads down.
pub struct Handouts {
    trail: Arc<SecurityTrail>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<Handout, Arc<Known>>>,
}

struct Known {
    since: Timestamp,
    /// Of those who ask at once, one writes and the others wait for it.
    written: OnceCell<()>,
}

impl Handouts {
    /// Into this trail.
    pub fn new(trail: Arc<SecurityTrail>, clock: Arc<dyn Clock>) -> Self {
        Self { trail, clock, known: Mutex::default() }
    }

    /// Returns once the download stands in the trail.
    pub async fn record(&self, handout: Handout, by: By) -> Result<(), TrailError> {
        let event = SecurityEvent::ResultDownloaded {
            by,
            dubbing: handout.track.dubbing,
            language: handout.track.language.clone(),
            file: handout.file.to_owned(),
            by_link: handout.by_link,
        };
        let tenant = handout.tenant.clone();
        let known = self.find(handout);
        known.written.get_or_try_init(|| self.trail.record(&tenant, event)).await?;
        Ok(())
    }

    fn find(&self, handout: Handout) -> Arc<Known> {
        let now = self.clock.now();
        let is_fresh = |known: &Known| now.since_ms(known.since) < SAME_MS;
        let mut all = self.known();
        if let Some(known) = all.get(&handout).filter(|known| is_fresh(known)) {
            return Arc::clone(known);
        }
        if all.len() >= KNOWN_MAX {
            all.retain(|_, known| is_fresh(known));
        }
        if all.len() >= KNOWN_MAX {
            all.clear();
        }
        let known = Arc::new(Known { since: now, written: OnceCell::new() });
        all.insert(handout, Arc::clone(&known));
        known
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Handout, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
