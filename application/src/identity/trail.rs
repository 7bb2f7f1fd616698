//! The security trail: what went wrong, who took what away.
//!
//! What comes often is gathered for a moment and counted, so that a flood fills no disk: it may be lost when the process is
//! killed within that moment. What must not be lost is written at once.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        clock::{Clock, Ids},
        event_log::{StreamId, TenancyStream, Tenant},
    },
};
use domain::{
    security::{Note, SecurityDay, SecurityEvent, SecurityRejection},
    value::{SecurityDayId, Timestamp},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How long what comes often is gathered.
const GATHER: Duration = Duration::from_secs(1);
/// Different things gathered at a time. What is beyond is counted, and told with the next thing in the log of the program.
const GATHERED_MAX: usize = 1_000;
/// Namespace of days; drawn once at random, fixed for ever.
const DAYS: Uuid = Uuid::from_u128(0xb81e_5f3a_7c42_4d96_8e0d_1a69_f3c7_5b24);

/// Why something was not written.
pub type TrailError = CommandError<SecurityRejection>;

/// Writes the trail.
pub struct SecurityTrail {
    aggregates: Arc<Aggregates>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    gathered: Mutex<Gathered>,
    /// One writes at a time: all of a tenant's go to one stream.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Gathered {
    notes: BTreeMap<(Tenant, String), (SecurityEvent, u32)>,
    lost: u64,
}

impl SecurityTrail {
    /// A trail in this log.
    pub fn new(aggregates: Arc<Aggregates>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { aggregates, clock, ids, gathered: Mutex::default(), writing: tokio::sync::Mutex::new(()) }
    }

    /// Notes something that comes often, in a moment. Waits for nothing.
    pub fn note(&self, tenant: &Tenant, event: SecurityEvent) {
        let Ok(name) = serde_json::to_string(&event) else { return };
        let mut gathered = self.gathered();
        let is_full = gathered.notes.len() >= GATHERED_MAX;
        match gathered.notes.get_mut(&(tenant.clone(), name.clone())) {
            Some((_, times)) => *times = times.saturating_add(1),
            None if is_full => gathered.lost += 1,
            None => drop(gathered.notes.insert((tenant.clone(), name), (event, 1))),
        }
    }

    /// Writes something down, and returns once it is durable.
    pub async fn record(&self, tenant: &Tenant, event: SecurityEvent) -> Result<(), TrailError> {
        self.write(tenant, vec![event]).await
    }

    /// Writes what was gathered.
    pub async fn flush(&self) -> Result<(), TrailError> {
        let Gathered { notes, lost } = std::mem::take(&mut *self.gathered());
        if lost > 0 {
            tracing::warn!(lost, "more went wrong within a second than the security trail takes");
        }
        let mut by_tenant: BTreeMap<Tenant, Vec<SecurityEvent>> = BTreeMap::new();
        for ((tenant, _), (event, times)) in notes {
            by_tenant.entry(tenant).or_default().push(event.times(times));
        }
        for (tenant, events) in by_tenant {
            self.write(&tenant, events).await?;
        }
        Ok(())
    }

    /// Writes what is gathered, again and again. Ends when the log cannot be written, and says so.
    pub async fn keep_on(&self) -> TrailError {
        loop {
            tokio::time::sleep(GATHER).await;
            if let Err(error) = self.flush().await {
                return error;
            }
        }
    }

    async fn write(&self, tenant: &Tenant, events: Vec<SecurityEvent>) -> Result<(), TrailError> {
        let stream = StreamId::Tenancy(TenancyStream::Security(day(tenant, self.clock.now())));
        let meta = CommandMeta { tenant: Some(tenant.clone()), ..CommandMeta::fresh("trail", self.ids.next()) };
        let _turn = self.writing.lock().await;
        self.aggregates.execute::<SecurityDay>(&stream, Note(events), &meta).await.map(drop)
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tenant's day.
fn day(tenant: &Tenant, now: Timestamp) -> SecurityDayId {
    // RFC 3339 begins with the date.
    let date: String = now.to_string().chars().take(10).collect();
    SecurityDayId(Uuid::new_v5(&DAYS, format!("{date} {}", tenant.0).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_a_stream_a_day() {
        let noon = Timestamp::from_unix_ms(1_700_000_000_000);
        let (one, other) = (Tenant::default(), Tenant("other".to_owned()));
        assert_eq!(day(&one, noon), day(&one, noon.plus_ms(1)));
        assert_ne!(day(&one, noon), day(&one, noon.plus_ms(86_400_000)));
        assert_ne!(day(&one, noon), day(&other, noon));
    }
}
