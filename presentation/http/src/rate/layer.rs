//! The two layers: what an address may ask, before it is known who asks, and what the caller may.
//!
//! A program of this machine is counted only once it is known who asks, since this installation's own tools are not
//! limited; without a caller it is counted as everybody is. Streams count once, when they begin.

use super::{RateKey, Standing};
use crate::{
    address::ClientAddress,
    api::Api,
    extract::Caller,
    problem::{Code, Problem},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{Extensions, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::security::SecurityEvent;
use std::net::IpAddr;
use uuid::Uuid;

/// The limit that ends first: its name, what it holds, and in how many seconds. draft-ietf-httpapi-ratelimit-headers.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it. The same draft.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Asked by those who watch over the server, from wherever, at any load.
const NEVER_LIMITED: [&str; 2] = ["/livez", "/readyz"];

/// Names users that have no account.
const ACTORS: Uuid = Uuid::from_u128(0x6a3c_5f0e_91b7_4d7a_8c1e_2f64_b3d8_0a95);

/// An address that the inner layer is to count.
#[derive(Clone, Copy)]
struct Uncounted(IpAddr);

/// What the inner layer counted, for the outer one. `None`: nothing is limited.
#[derive(Clone, Copy)]
struct Counted(Option<Standing>);

/// Before authentication: the address, and all together.
pub(crate) async fn limit_address(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let client = request.extensions().get::<ClientAddress>().copied();
    let client = client.filter(|_| template.is_none_or(|template| !NEVER_LIMITED.contains(&template)));
    let Some(client) = client else { return next.run(request).await };
    let count = || api.limiter().count_address(client.ip());
    let outer = if client.is_local() {
        request.extensions_mut().insert(Uncounted(client.ip()));
        Ok(None)
    } else {
        count()
    };
    let outer = match outer {
        Ok(outer) => outer,
        Err(standing) => return refused(&api, standing),
    };
    let mut response = next.run(request).await;
    let inner = match response.extensions_mut().remove() {
        Some(Counted(inner)) => Ok(inner),
        // Nobody who is known: the inner layer never heard of it.
        None if client.is_local() => count(),
        None => Ok(None),
    };
    match inner {
        Ok(inner) => tell(response, Standing::tightest(outer, inner)),
        Err(standing) => refused(&api, standing),
    }
}

/// After authentication: the user or the key.
pub(crate) async fn limit_caller(State(api): State<Api>, request: Request, next: Next) -> Response {
    let counted = count(&api, request.extensions());
    let mut response = match counted {
        Ok(_) => next.run(request).await,
        Err(standing) => {
            note(&api, request.extensions(), standing);
            refused(&api, standing)
        }
    };
    response.extensions_mut().insert(Counted(counted.unwrap_or_else(Some)));
    response
}

/// Counts a request of a caller, if there is one, and of its address where that was not counted before.
fn count(api: &Api, request: &Extensions) -> Result<Option<Standing>, Standing> {
    let caller = request.get::<Caller>();
    if caller.zip(request.get()).is_some_and(|(caller, client)| is_exempt(caller, client)) {
        return Ok(None);
    }
    let uncounted = request.get().map(|Uncounted(ip)| *ip);
    let address = uncounted.map_or(Ok(None), |ip| api.limiter().count_address(ip))?;
    let own = caller.and_then(rate_key).map_or(Ok(None), |key| api.limiter().count(&key))?;
    Ok(Standing::tightest(address, own))
}

/// Whose bucket a caller's requests are taken from. Those who follow a signed link have none but their address's:
/// there are many of them, and none is known.
fn rate_key(caller: &Caller) -> Option<RateKey> {
    let principal = caller.principal();
    match (principal.key, principal.account) {
        (Some(key), _) => Some(RateKey::Key(key.0)),
        (None, Some(account)) => Some(RateKey::Account(account.0)),
        (None, None) if principal.scopes.is_some() => None,
        (None, None) => {
            let name = format!("{}\n{}", principal.tenant.0, principal.actor);
            Some(RateKey::Account(Uuid::new_v5(&ACTORS, name.as_bytes())))
        }
    }
}

/// Whether a caller may ask as often as it likes: this installation's own tools, on this machine.
fn is_exempt(caller: &Caller, client: &ClientAddress) -> bool {
    caller.principal().is_operator && client.is_local()
}

/// Notes in the trail that somebody who is known asks too often; of those who are not, the measures tell.
fn note(api: &Api, request: &Extensions, standing: Standing) {
    if let Some(caller) = request.get::<Caller>() {
        let (by, limit) = (caller.whence().by(caller.principal()), standing.policy.name().to_owned());
        api.trail.note(caller.tenant(), SecurityEvent::RateLimitReached { by, limit, times: 1 });
    }
}

fn refused(api: &Api, standing: Standing) -> Response {
    api.metrics.http().rate_limited(standing.policy);
    let seconds = u32::try_from(standing.reset_seconds).unwrap_or(u32::MAX);
    let problem = Problem::new(Code::RateLimited).extension("policy", standing.policy.name());
    tell(problem.retry_after(seconds).into_response(), Some(standing))
}

/// Says how the tightest limit stands, in two structured fields (RFC 9651).
fn tell(mut response: Response, standing: Option<Standing>) -> Response {
    let Some(standing) = standing else { return response };
    let name = standing.policy.name();
    let policy = format!("\"{name}\";q={};w={}", standing.quota, standing.window_seconds);
    let limit = format!("\"{name}\";r={};t={}", standing.remaining, standing.reset_seconds);
    for (header, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, limit)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(header, value);
        }
    }
    response
}
