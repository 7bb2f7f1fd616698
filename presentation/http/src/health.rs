//! Is it alive, is it ready, and how is each part.

use crate::{
    api::Api,
    extract::{Nothing, Query},
    problem::{Code, Problem},
};
use async_trait::async_trait;
use axum::{Json, extract::State, http::StatusCode};
use futures::future::join_all;
use serde::Serialize;
use std::{borrow::Cow, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// How long a part may take to say how it is.
const CHECK_WAIT: Duration = Duration::from_secs(2);

/// A part of the server that can be ill: the log, a queue, the disk.
#[async_trait]
pub trait HealthCheck: Send + Sync {
    /// Its name, kebab-case: `event-log`.
    fn name(&self) -> &'static str;

    /// How it is now.
    async fn check(&self) -> Health;

    /// How it is if it does not say so in time. A part without which requests are served all the same is only degraded.
    fn when_silent(&self) -> Health {
        Health::down("it does not answer")
    }
}

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The state.
    pub state: HealthState,
    /// A few words why, unless it is well. Without paths, names and secrets.
    pub reason: Option<Cow<'static, str>>,
}

/// The state of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It works.
    Up,
    /// It works, but not as it should: requests are served.
    Degraded,
    /// It does not work: the server is not ready.
    Down,
}

impl Health {
    /// It works.
    pub const fn up() -> Self {
        Self { state: HealthState::Up, reason: None }
    }

    /// It works, but not as it should.
    pub fn degraded(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { state: HealthState::Degraded, reason: Some(reason.into()) }
    }

    /// It does not work.
    pub fn down(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { state: HealthState::Down, reason: Some(reason.into()) }
    }
}

/// How the whole is, and each part.
#[derive(Serialize, ToSchema)]
pub struct HealthReport {
    /// The worst of its parts.
    state: HealthState,
    /// The parts.
    components: Vec<ComponentHealth>,
}

/// How a part is.
#[derive(Serialize, ToSchema)]
pub struct ComponentHealth {
    /// Its name.
    #[schema(example = "event-log")]
    name: &'static str,
    /// Its state.
    state: HealthState,
    /// Why, unless it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A state alone.
#[derive(Serialize, ToSchema)]
pub struct Probe {
    /// The state.
    state: HealthState,
}

/// Is the process alive
#[utoipa::path(get, path = "/livez", tag = "operations", security(()), responses(
    (status = 200, description = "It answers", body = Probe),
))]
pub(crate) async fn livez(Query(Nothing {}): Query<Nothing>) -> Json<Probe> {
    Json(Probe::up())
}

/// Can it take requests
#[utoipa::path(get, path = "/readyz", tag = "operations", security(()), responses(
    (status = 200, description = "It can", body = Probe),
    (status = 503, description = "Not yet, or not any more", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn readyz(State(api): State<Api>, Query(Nothing {}): Query<Nothing>) -> Result<Json<Probe>, Problem> {
    report(&api.health).await.readiness(&api.stop)
}

/// How is each part
#[utoipa::path(get, path = "/health", tag = "operations", responses(
    (status = 200, description = "It works", body = HealthReport),
    (status = 503, description = "A part does not work", body = HealthReport),
))]
pub(crate) async fn health(
    State(api): State<Api>,
    Query(Nothing {}): Query<Nothing>,
) -> (StatusCode, Json<HealthReport>) {
    report(&api.health).await.answer()
}

impl Probe {
    /// It answers.
    pub(crate) fn up() -> Self {
        Self { state: HealthState::Up }
    }
}

impl HealthReport {
    /// Whether requests, or work, can be taken.
    pub(crate) fn readiness(&self, stop: &CancellationToken) -> Result<Json<Probe>, Problem> {
        if self.state == HealthState::Down || stop.is_cancelled() {
            return Err(Problem::new(Code::NotReady).retry_after(1));
        }
        Ok(Json(Probe { state: self.state }))
    }

    /// The answer that tells all of it.
    pub(crate) fn answer(self) -> (StatusCode, Json<Self>) {
        let is_down = self.state == HealthState::Down;
        (if is_down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }, Json(self))
    }
}

/// Asks each part how it is.
pub(crate) async fn report(parts: &[Arc<dyn HealthCheck>]) -> HealthReport {
    let checks = parts.iter().map(|part| async {
        let health = timeout(CHECK_WAIT, part.check()).await.unwrap_or_else(|_| part.when_silent());
        let reason = health.reason.map(Cow::into_owned);
        ComponentHealth { name: part.name(), state: health.state, reason }
    });
    let components = join_all(checks).await;
    let state = components.iter().map(|part| part.state).max().unwrap_or(HealthState::Up);
    HealthReport { state, components }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never says how it is.
    struct Silent {
        is_needed: bool,
    }

    #[async_trait]
    impl HealthCheck for Silent {
        fn name(&self) -> &'static str {
            "silent"
        }

        async fn check(&self) -> Health {
            std::future::pending().await
        }

        fn when_silent(&self) -> Health {
            if self.is_needed { Health::down("it is needed") } else { Health::degraded("it is not needed") }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_part_costs_readiness_only_where_it_is_needed() {
        for is_needed in [false, true] {
            let report = report(&[Arc::new(Silent { is_needed })]).await;
            assert_eq!(report.readiness(&CancellationToken::new()).is_ok(), !is_needed);
        }
    }
}
