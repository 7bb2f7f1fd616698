//! Signs a delivery and sends it, once.

use super::{WebhookParts, schedule::asked_pause_ms, signature::signed_headers};
use crate::ports::{
    delivery_store::{Attempt, AttemptEnding},
    outbound::{OutboundAnswer, OutboundError, OutboundMethod, OutboundRequest},
    webhooks::{WebhookTarget, WebhooksError},
};
use domain::value::Timestamp;

/// How much of an answer is read. Nobody needs it; what is longer is not from a receiver of webhooks.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What came of sending.
pub(super) struct Sent {
    /// What is kept of it.
    pub attempt: Attempt,
    /// The pause that the receiver asks for.
    pub asked_ms: Option<u64>,
}

/// Signs and sends a body under an id, at this moment. Fails only when the secrets cannot be looked up: nothing was
/// sent then.
pub(super) async fn send(
    parts: &WebhookParts,
    target: &WebhookTarget,
    id: &str,
    body: &str,
) -> Result<Sent, WebhooksError> {
    let secrets = parts.secrets.secrets(target.id).await?;
    let at = parts.clock.now();
    let unsent = |ending| Ok(Sent { attempt: Attempt { at, took_ms: 0, status: None, ending }, asked_ms: None });
    if secrets.is_empty() {
        return unsent(AttemptEnding::NoSecret);
    }
    let Some(url) = target.url.reveal() else {
        return unsent(AttemptEnding::InvalidUrl);
    };
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(signed_headers(&secrets, id, at, body));
    let request = OutboundRequest {
        method: OutboundMethod::Post,
        url: url.clone(),
        headers,
        body: body.as_bytes().to_vec(),
        reach: parts.limits.reach,
        timeout: parts.limits.timeout,
        answer_bytes_max: ANSWER_BYTES_MAX,
    };
    let answer = parts.outbound.send(request).await;
    let now = parts.clock.now();
    let asked_ms = answer.as_ref().ok().and_then(|answer| asked(answer, now));
    let status = answer.as_ref().ok().map(|answer| answer.status);
    let attempt = Attempt { at, took_ms: now.since_ms(at), status, ending: ending(&answer) };
    Ok(Sent { attempt, asked_ms })
}

/// The pause that an answer asks for: of those that say "not now", only.
fn asked(answer: &OutboundAnswer, now: Timestamp) -> Option<u64> {
    match answer.status {
        429 | 503 => asked_pause_ms(answer.header("retry-after")?, now),
        _ => None,
    }
}

fn ending(answer: &Result<OutboundAnswer, OutboundError>) -> AttemptEnding {
    match answer {
        Ok(answer) => match answer.status {
            200..=299 => AttemptEnding::Delivered,
            410 => AttemptEnding::Gone,
            300..=399 => AttemptEnding::Redirected,
            _ => AttemptEnding::Refused,
        },
        Err(OutboundError::InvalidUrl) => AttemptEnding::InvalidUrl,
        Err(OutboundError::Forbidden) => AttemptEnding::Forbidden,
        Err(OutboundError::Unresolved) => AttemptEnding::Unresolved,
        Err(OutboundError::Unreachable(_)) => AttemptEnding::Unreachable,
        Err(OutboundError::TimedOut) => AttemptEnding::TimedOut,
        Err(OutboundError::TooLarge) => AttemptEnding::AnswerTooLarge,
    }
}
