//! The gate: one turn at a time for each tenant that has quotas, around what is checked and what is written.
//!
//! Whoever has the turn has waited until the read models hold what was written in the turns before: so of two that ask
//! at once, the second one sees what the first one took. Tenants without quotas pass, and nothing is read for them but
//! that they have none.

use super::{Reached, Use, check, month};
use crate::{
    aggregates::Aggregates,
    estimate::Prices,
    ports::{
        clock::Clock,
        event_log::{ReadError, Tenant},
        read_store::ReadStoreError,
        upload_store::{UploadError, UploadStore},
        usage_index::UsageIndex,
    },
};
use domain::tenant::Quotas;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use thiserror::Error;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch},
    time::timeout,
};
use uuid::Uuid;

/// Tenants whose turns are remembered. Those that nobody waits for are forgotten when there are more.
const TURNS_MAX: usize = 1_024;

/// Lets in what the quotas of its tenant allow.
pub struct QuotaGate {
    parts: QuotaGateParts,
    turns: Mutex<HashMap<Tenant, Arc<AsyncMutex<Last>>>>,
}

/// The parts of [`QuotaGate`].
pub struct QuotaGateParts {
    /// Tenants.
    pub aggregates: Arc<Aggregates>,
    /// What they use.
    pub index: Arc<dyn UsageIndex>,
    /// What was announced, and is no asset yet.
    pub uploads: Arc<dyn UploadStore>,
    /// Which month it is.
    pub clock: Arc<dyn Clock>,
    /// What a minute costs.
    pub prices: Prices,
    /// How far the read models are.
    pub applied: watch::Receiver<u64>,
    /// How long is waited for them.
    pub patience: Duration,
}

/// Where the log holds what was written in the last turn; `None` when that is not known: it may be its end.
type Last = Option<u64>;

/// Why something was not let in.
#[derive(Debug, Error)]
pub enum QuotaError {
    /// A quota is reached.
    #[error("the quota {:?} is reached", .0.quota)]
    Reached(Reached),
    /// The read models did not come in time to where the last turn wrote.
    #[error("the read models have not come to what was written last")]
    Behind,
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The read models could not be read.
    #[error(transparent)]
    Index(#[from] ReadStoreError),
    /// The uploads could not be read.
    #[error(transparent)]
    Uploads(#[from] UploadError),
}

/// A turn to write. Dropped without a word, because the write failed or was broken off, it leaves open whether anything
/// was written, and whoever comes next waits for the end of the log.
#[must_use]
pub struct Turn(Option<Held>);

struct Held {
    guard: OwnedMutexGuard<Last>,
    /// Where everything before this turn was written.
    before: Last,
}

impl Turn {
    /// For what is not limited.
    pub fn free() -> Self {
        Self(None)
    }

    /// Ends it: up to here was written, or nothing was.
    pub fn wrote(self, position: Option<u64>) {
        if let Some(Held { mut guard, before }) = self.0 {
            *guard = position.max(before);
        }
    }
}

/// What is looked up of what is used.
#[derive(Clone, Copy)]
struct Wanted {
    jobs: bool,
    ordered: bool,
    bytes: bool,
}

impl Wanted {
    const ALL: Self = Self { jobs: true, ordered: true, bytes: true };

    /// What is asked for of what is limited.
    fn of(quotas: &Quotas, asked: &Use) -> Self {
        let minutes = quotas.minutes_a_month.is_some() && asked.source_ms > 0;
        let spend = quotas.spend_a_month.is_some() && asked.spend > 0;
        Self {
            jobs: quotas.running_jobs.is_some() && asked.running_jobs > 0,
            ordered: minutes || spend,
            bytes: quotas.bytes_a_month.is_some() && asked.bytes > 0,
        }
    }

    fn is_nothing(self) -> bool {
        !(self.jobs || self.ordered || self.bytes)
    }
}

impl QuotaGate {
    /// Of these parts.
    pub fn new(parts: QuotaGateParts) -> Self {
        Self { parts, turns: Mutex::default() }
    }

    /// The quotas of a tenant; `None` when nothing is limited.
    pub async fn limits(&self, tenant: &Tenant) -> Result<Option<Quotas>, ReadError> {
        let quotas = self.parts.aggregates.tenant(tenant).await?.state.quotas;
        if quotas != Quotas::default() {
            return Ok(Some(quotas));
        }
        // What is written from now on is written without a turn.
        self.turns().remove(tenant);
        Ok(None)
    }

    /// A turn to write what uses so much more of these quotas. `own` is an upload that does not count: it is asked for now.
    pub async fn enter(
        &self,
        tenant: &Tenant,
        quotas: &Quotas,
        asked: &Use,
        own: Option<Uuid>,
    ) -> Result<Turn, QuotaError> {
        let wanted = Wanted::of(quotas, asked);
        if wanted.is_nothing() {
            return Ok(Turn::free());
        }
        let mut guard = self.turn(tenant).lock_owned().await;
        let position = match guard.take() {
            Some(position) => position,
            None => self.parts.aggregates.log().head().await?,
        };
        // Until it is written, nothing is: who is refused leaves it as it is.
        *guard = Some(position);
        if !self.has_come_to(position).await {
            return Err(QuotaError::Behind);
        }
        let used = self.count(tenant, wanted, own).await?;
        check(quotas, &used, asked).map_err(QuotaError::Reached)?;
        let before = guard.take();
        Ok(Turn(Some(Held { guard, before })))
    }

    /// A turn to make an asset of what was let in before: nobody counts meanwhile.
    pub async fn import(&self, tenant: &Tenant) -> Result<Turn, ReadError> {
        if self.limits(tenant).await?.is_none_or(|quotas| quotas.bytes_a_month.is_none()) {
            return Ok(Turn::free());
        }
        let mut guard = self.turn(tenant).lock_owned().await;
        let before = guard.take();
        Ok(Turn(Some(Held { guard, before })))
    }

    /// What a tenant may use, and what it uses now.
    pub async fn standing(&self, tenant: &Tenant) -> Result<(Quotas, Use), QuotaError> {
        let quotas = self.limits(tenant).await?.unwrap_or_default();
        Ok((quotas, self.count(tenant, Wanted::ALL, None).await?))
    }

    async fn count(&self, tenant: &Tenant, wanted: Wanted, own: Option<Uuid>) -> Result<Use, QuotaError> {
        let QuotaGateParts { index, clock, prices, .. } = &self.parts;
        let month = month(clock.now());
        let running_jobs = if wanted.jobs { index.running_jobs(tenant).await? } else { 0 };
        let charge = if wanted.ordered { index.ordered(tenant, &month).await? } else { Default::default() };
        let bytes = if wanted.bytes {
            // In this order: what becomes an asset in between counts twice, and never not at all.
            let announced = self.announced(tenant, own).await?;
            announced.saturating_add(index.handed_in(tenant, &month).await?)
        } else {
            0
        };
        Ok(Use { bytes, ..Use::ordered(running_jobs, charge, prices) })
    }

    /// Bytes of uploads that are no assets yet. Those of an unknown length are asked about at their end.
    async fn announced(&self, tenant: &Tenant, own: Option<Uuid>) -> Result<u64, UploadError> {
        let unfinished = self.parts.uploads.unfinished().await?;
        let theirs = unfinished.iter().filter(|upload| upload.tenant == *tenant && Some(upload.id) != own);
        Ok(theirs.filter_map(|upload| upload.length).fold(0, u64::saturating_add))
    }

    async fn has_come_to(&self, position: u64) -> bool {
        let mut applied = self.parts.applied.clone();
        let come = timeout(self.parts.patience, applied.wait_for(|reached| *reached >= position)).await;
        come.is_ok_and(|come| come.is_ok())
    }

    fn turn(&self, tenant: &Tenant) -> Arc<AsyncMutex<Last>> {
        let mut turns = self.turns();
        if turns.len() >= TURNS_MAX && !turns.contains_key(tenant) {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(turns.entry(tenant.clone()).or_default())
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<Tenant, Arc<AsyncMutex<Last>>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
