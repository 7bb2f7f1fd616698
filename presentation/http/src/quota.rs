//! Quotas at the door: what a request asks for of them, a turn to write it in, and the refusal.
//!
//! Whoever repeats a request that was taken is not refused: it asks for nothing new.

use crate::{
    api::Api,
    extract::Caller,
    problem::{Code, Problem},
};
use application::{
    aggregates::CommandMeta,
    commands::order_dubbing::{DubbingOrder, TranscriptOrder},
    ports::event_log::{Appended, ReadError, StreamId},
    quotas::{Charge, QuotaError, Reached, Turn, Use},
};
use domain::{
    asset::{Asset, Phase as AssetPhase},
    dubbing::{Dubbing, Outcome, Phase, Transcript},
    flow::Stage,
    security::SecurityEvent,
    tenant::{Quota, Quotas},
    value::AssetId,
};
use tracing::Instrument;
use uuid::Uuid;

/// When to ask again after there were too many dubbings under way, in seconds.
const JOBS_RETRY_SECONDS: u32 = 30;

impl Api {
    /// A turn for a command that asks for so much. What it asks for is looked up only where anything is limited.
    pub(crate) async fn quota_turn(
        &self,
        caller: &Caller,
        stream: &StreamId,
        meta: &CommandMeta,
        asked: impl Future<Output = Result<Use, Problem>>,
    ) -> Result<Turn, Problem> {
        let Some(quotas) = self.quotas().limits(caller.tenant()).await? else { return Ok(Turn::free()) };
        match self.quotas().enter(caller.tenant(), &quotas, &asked.await?, None).await {
            Ok(turn) => Ok(turn),
            Err(QuotaError::Reached(_)) if self.aggregates.given(stream, meta).await?.is_some() => Ok(Turn::free()),
            Err(error) => Err(self.refused_by_quota(caller, error)),
        }
    }

    /// A turn for a file of so many bytes, to be handed in as this upload.
    pub(crate) async fn quota_turn_for_file(&self, caller: &Caller, upload: Uuid, bytes: u64) -> Result<Turn, Problem> {
        let Some(quotas) = self.quotas().limits(caller.tenant()).await? else { return Ok(Turn::free()) };
        let entered = self.quotas().enter(caller.tenant(), &quotas, &Use::handed_in(bytes), Some(upload)).await;
        entered.map_err(|error| self.refused_by_quota(caller, error))
    }

    /// What a tenant may use, and what it uses now.
    pub(crate) async fn quota_standing(&self, caller: &Caller) -> Result<(Quotas, Use), Problem> {
        self.quotas().standing(caller.tenant()).await.map_err(|error| self.refused_by_quota(caller, error))
    }

    fn refused_by_quota(&self, caller: &Caller, error: QuotaError) -> Problem {
        if let QuotaError::Reached(reached) = error {
            let by = caller.whence().by(caller.principal());
            let event = SecurityEvent::QuotaReached { by, quota: reached.quota, times: 1 };
            self.trail.note(caller.tenant(), event);
        }
        error.into()
    }

    /// What an order asks for. An asset that is not ready, or not there, has no length: the order is refused for that.
    pub(crate) async fn asked_by_order(&self, caller: &Caller, order: &Ordered) -> Result<Use, Problem> {
        let asset = self.aggregates.asset(order.asset).await?;
        let source_ms = if asset.is_of(caller.tenant()) { length(&asset.state) } else { 0 };
        let languages = Charge::of_language(source_ms, None).times(order.languages);
        let charge = Charge::of_source(source_ms, order.is_recognised, None).and(languages);
        Ok(Use::ordered(1, charge, &self.prices))
    }

    /// What more languages of a dubbing ask for. One that is at its end is under way again.
    pub(crate) async fn asked_by_languages(&self, dubbing: &Dubbing, languages: usize) -> Result<Use, Problem> {
        let charge = Charge::of_language(self.length_of(dubbing).await?, None).times(languages);
        let jobs = u64::from(dubbing.phase == Phase::Completed);
        Ok(Use::ordered(jobs, charge, &self.prices))
    }

    /// What a fork of a dubbing asks for.
    pub(crate) async fn asked_by_fork(&self, origin: &Dubbing, from: Stage) -> Result<Use, Problem> {
        let source_ms = self.length_of(origin).await?;
        let is_wanted = |outcome: Option<Outcome>| outcome != Some(Outcome::Cancelled);
        let languages = origin.tracks.values().filter(|track| is_wanted(track.outcome)).count();
        let transcript = origin.request.as_ref().map(|request| &request.transcript);
        let is_recognised = matches!(transcript, Some(Transcript::Recognised));
        let charge = Charge::of_source(source_ms, is_recognised, Some(from))
            .and(Charge::of_language(source_ms, Some(from)).times(languages));
        Ok(Use::ordered(1, charge, &self.prices))
    }

    /// How long the source of a dubbing is, as far as that is known.
    async fn length_of(&self, dubbing: &Dubbing) -> Result<u64, ReadError> {
        let asset = dubbing.request.as_ref().and_then(|request| request.order.asset);
        match (&dubbing.source, asset) {
            (Some(source), _) => Ok(source.duration_ms),
            (None, Some(asset)) => Ok(length(&self.aggregates.asset(asset).await?.state)),
            (None, None) => Ok(0),
        }
    }
}

/// As much of an order as quotas are about.
pub(crate) struct Ordered {
    asset: AssetId,
    is_recognised: bool,
    languages: usize,
}

impl From<&DubbingOrder> for Ordered {
    fn from(order: &DubbingOrder) -> Self {
        let is_recognised = matches!(order.transcript, TranscriptOrder::Recognise);
        Self { asset: order.asset, is_recognised, languages: order.languages.len() }
    }
}

/// Writes within a turn. It is carried out to its end even when the client goes away: whoever comes next must know where
/// it was written.
pub(crate) async fn within<E: Send + 'static>(
    turn: Turn,
    write: impl Future<Output = Result<Option<Appended>, E>> + Send + 'static,
) -> Result<Result<Option<Appended>, E>, Problem> {
    let work = async move {
        let written = write.await;
        if let Ok(appended) = &written {
            turn.wrote(appended.map(|appended| appended.position));
        }
        written
    };
    tokio::spawn(work.in_current_span()).await.map_err(Problem::internal)
}

fn length(asset: &Asset) -> u64 {
    match &asset.phase {
        AssetPhase::Ready(found) => found.duration_ms,
        AssetPhase::Absent | AssetPhase::Uploaded { .. } | AssetPhase::Quarantined(_) | AssetPhase::Erased => 0,
    }
}

impl From<QuotaError> for Problem {
    fn from(error: QuotaError) -> Self {
        match error {
            QuotaError::Reached(reached) => reached.into(),
            QuotaError::Behind => Problem::new(Code::Unavailable).retry_after(1).caused_by(error),
            QuotaError::Read(error) => error.into(),
            QuotaError::Index(error) => error.into(),
            QuotaError::Uploads(error) => error.into(),
        }
    }
}

impl From<Reached> for Problem {
    fn from(reached: Reached) -> Self {
        let Reached { quota, limit, used, asked } = reached;
        let problem = match quota {
            Quota::RunningJobs => Problem::new(Code::QuotaJobs).retry_after(JOBS_RETRY_SECONDS),
            Quota::Minutes => Problem::new(Code::QuotaMinutes),
            Quota::Bytes => Problem::new(Code::QuotaBytes),
            Quota::Spend => Problem::new(Code::QuotaSpend),
        };
        problem.extension("limit", limit).extension("used", used).extension("asked", asked)
    }
}
