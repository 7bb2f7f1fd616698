//! What a worker answers: how it is, and its measures. It has no routes of the API and knows no accounts: what is not open
//! is for who has its token.

use crate::{
    auth::bearer,
    health::{HealthCheck, HealthReport, Probe, report},
    metrics::{Metrics, exposition},
    problem::{Code, Problem},
};
use application::aggregates::sha256;
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::value::Sha256;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What it answers with.
pub struct WorkerParts {
    /// The parts whose health is asked for.
    pub health: Vec<Arc<dyn HealthCheck>>,
    /// What is measured.
    pub metrics: Metrics,
    /// Cancelled when it is to stop: it is not ready any more then.
    pub stop: CancellationToken,
    /// The digest of the token that opens health and measures.
    pub token: Sha256,
}

/// Everything that a worker answers.
pub fn router_of_worker(parts: WorkerParts) -> Router {
    let parts = Arc::new(parts);
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(Arc::clone(&parts), authenticate))
        .route("/livez", get(async || Json(Probe::up())))
        .route("/readyz", get(readyz))
        .fallback(async || Problem::new(Code::NoSuchRoute))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
        .with_state(parts)
}

async fn authenticate(State(parts): State<Arc<WorkerParts>>, request: Request, next: Next) -> Response {
    // Digests are compared: how long that takes tells nothing of the token.
    match bearer(request.headers()) {
        Some(token) if sha256(token.as_bytes()) == parts.token => next.run(request).await,
        Some(_) | None => Problem::new(Code::Unauthenticated).into_response(),
    }
}

async fn readyz(State(parts): State<Arc<WorkerParts>>) -> Result<Json<Probe>, Problem> {
    report(&parts.health).await.readiness(&parts.stop)
}

async fn health(State(parts): State<Arc<WorkerParts>>) -> (StatusCode, Json<HealthReport>) {
    report(&parts.health).await.answer()
}

async fn metrics(State(parts): State<Arc<WorkerParts>>, headers: HeaderMap) -> Result<Response, Problem> {
    exposition(&parts.metrics, &headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Health;
    use async_trait::async_trait;
    use axum::body::Body;
    use tower::ServiceExt;

    struct Part(Health);

    #[async_trait]
    impl HealthCheck for Part {
        fn name(&self) -> &'static str {
            "part"
        }

        async fn check(&self) -> Health {
            self.0.clone()
        }
    }

    async fn status(health: &Health, stop: &CancellationToken, path: &str, token: &str) -> u16 {
        let parts = WorkerParts {
            health: vec![Arc::new(Part(health.clone()))],
            metrics: Metrics::default(),
            stop: stop.clone(),
            token: sha256(b"sesame"),
        };
        let request = Request::get(path).header("authorization", token).body(Body::empty()).expect("a request");
        router_of_worker(parts).oneshot(request).await.expect("an answer").status().as_u16()
    }

    #[tokio::test]
    async fn probes_are_open_and_the_rest_is_for_who_has_the_token() {
        let (up, stop) = (Health::up(), CancellationToken::new());
        for (path, without, wrong) in
            [("/livez", 200, 200), ("/readyz", 200, 200), ("/health", 401, 401), ("/metrics", 401, 401)]
        {
            assert_eq!(status(&up, &stop, path, "").await, without, "{path}");
            assert_eq!(status(&up, &stop, path, "Bearer other").await, wrong, "{path}");
            assert_eq!(status(&up, &stop, path, "Bearer sesame").await, 200, "{path}");
        }
        assert_eq!(status(&up, &stop, "/v1/dubbings", "Bearer sesame").await, 404);
    }

    #[tokio::test]
    async fn what_is_down_or_stops_is_not_ready() {
        let (up, stop) = (Health::up(), CancellationToken::new());
        assert_eq!(status(&Health::degraded("it is slow"), &stop, "/readyz", "").await, 200);
        let down = Health::down("it is away");
        for (path, due) in [("/livez", 200), ("/readyz", 503), ("/health", 503)] {
            assert_eq!(status(&down, &stop, path, "Bearer sesame").await, due, "{path}");
        }
        stop.cancel();
        assert_eq!(status(&up, &stop, "/readyz", "").await, 503);
    }
}
