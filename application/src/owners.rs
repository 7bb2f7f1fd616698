//! Whose things are, as quickly for what is another tenant's as for what is not there.

use crate::ports::event_log::{EventLog, ReadError, StreamId, Tenant};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Streams whose owner is remembered. All are forgotten when there are more: asking costs little.
const KNOWN_MAX: usize = 65_536;

/// Tells whose a stream is.
///
/// Whose it is never changes, so it is remembered; but only for who it belongs to: whoever asks for another tenant's, or
/// for what is not there, has the log asked each time, and cannot tell one from the other by how long it takes.
pub struct Owners {
    log: Arc<dyn EventLog>,
    known: Mutex<HashMap<StreamId, (Tenant, Arc<str>)>>,
}

impl Owners {
    /// By this log.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, known: Mutex::default() }
    }

    /// Who made the tenant's thing; `None` when there is none, or it is another tenant's.
    pub async fn maker(&self, tenant: &Tenant, stream: &StreamId) -> Result<Option<Arc<str>>, ReadError> {
        let known = self.known().get(stream).filter(|(owner, _)| owner == tenant).map(|(_, maker)| Arc::clone(maker));
        if known.is_some() {
            return Ok(known);
        }
        let Some((_, maker)) = self.log.owner_of(stream).await?.filter(|(owner, _)| owner == tenant) else {
            return Ok(None);
        };
        let maker: Arc<str> = maker.into();
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(stream.clone(), (tenant.clone(), Arc::clone(&maker)));
        Ok(Some(maker))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<StreamId, (Tenant, Arc<str>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
