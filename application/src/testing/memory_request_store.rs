//! Requests in memory.

use crate::ports::{
    clock::{Clock, Ids},
    event_log::Tenant,
    request_store::{Answer, Begun, KEY_LIFETIME_MS, RequestIds, RequestStore, RequestStoreError},
};
use async_trait::async_trait;
use domain::value::{Sha256, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A request store without a disk. It keeps every promise of the port but durability.
pub struct MemoryRequestStore {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    requests: Mutex<Requests>,
}

type Requests = BTreeMap<(Tenant, String), Request>;

struct Request {
    fingerprint: Sha256,
    ids: RequestIds,
    begun_at: Timestamp,
    state: State,
}

enum State {
    Running,
    Free,
    Answered(Answer),
}

impl MemoryRequestStore {
    /// Nothing begun yet.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { clock, ids, requests: Mutex::default() }
    }

    /// What is known at this moment; what is past its time is forgotten first.
    fn known(&self) -> MutexGuard<'_, Requests> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        requests.retain(|_, request| now.since_ms(request.begun_at) < KEY_LIFETIME_MS);
        requests
    }

    fn end(&self, tenant: &Tenant, key: &str, state: State) {
        if let Some(request) = self.known().get_mut(&(tenant.clone(), key.to_owned()))
            && matches!(request.state, State::Running)
        {
            request.state = state;
        }
    }
}

#[async_trait]
impl RequestStore for MemoryRequestStore {
    async fn begin(&self, tenant: &Tenant, key: &str, fingerprint: &Sha256) -> Result<Begun, RequestStoreError> {
        let mut requests = self.known();
        let request = requests.entry((tenant.clone(), key.to_owned())).or_insert_with(|| Request {
            fingerprint: *fingerprint,
            ids: RequestIds { command: self.ids.next(), resource: self.ids.next() },
            begun_at: self.clock.now(),
            state: State::Free,
        });
        if request.fingerprint != *fingerprint {
            return Ok(Begun::OtherRequest);
        }
        Ok(match &request.state {
            State::Running => Begun::Running,
            State::Answered(answer) => Begun::Answered(answer.clone()),
            State::Free => {
                request.state = State::Running;
                Begun::New(request.ids)
            }
        })
    }

    async fn finish(&self, tenant: &Tenant, key: &str, answer: &Answer) -> Result<(), RequestStoreError> {
        self.end(tenant, key, State::Answered(answer.clone()));
        Ok(())
    }

    async fn abandon(&self, tenant: &Tenant, key: &str) -> Result<(), RequestStoreError> {
        self.end(tenant, key, State::Free);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::request_store_kit;

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_the_promises_of_the_port() {
        let make =
            |clock, ids| async move { (Arc::new(MemoryRequestStore::new(clock, ids)) as Arc<dyn RequestStore>, ()) };
        request_store_kit::run(make).await;
    }
}
