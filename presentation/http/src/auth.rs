//! Authentication and authorization: one layer each, in one place. The first puts the [`Caller`] into the request, the
//! second asks whether they may; both go by the table of routes (`policy`).

use crate::{
    address::ClientAddress,
    api::Api,
    extract::Caller,
    policy::{Access, Found, ObjectKind, Policy, Table},
    problem::{Code, Problem},
};
use application::{
    identity::{Identity, Whence},
    policy::{Object, Refusal, allows},
    ports::event_log::Tenant,
    principal::Principal,
};
use async_trait::async_trait;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::security::SecurityEvent;
use uuid::Uuid;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// Knows callers by their tokens.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Who has this token; `None` when nobody has.
    async fn by_token(&self, token: &str, whence: &Whence) -> Result<Option<Caller>, Problem>;
}

#[async_trait]
impl Accounts for Identity {
    async fn by_token(&self, token: &str, whence: &Whence) -> Result<Option<Caller>, Problem> {
        let found = Identity::by_token(self, token, whence).await?;
        Ok(found.map(Caller::from))
    }
}

/// Puts the policy of its route into the request, or answers what no route does.
pub(crate) async fn find_policy(State(table): State<Table>, mut request: Request, next: Next) -> Response {
    let template = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    match table.of(request.method(), template.as_deref()) {
        Found::Policy(policy) => drop(request.extensions_mut().insert(policy)),
        // Whoever may ask hears which methods there are; whoever may not hears that first.
        Found::OtherMethods => {
            let allowed = HeaderValue::try_from(table.allowed(template.as_deref().unwrap_or_default())).ok();
            request.extensions_mut().insert(Elsewhere(allowed));
        }
        Found::Nowhere => drop(request.extensions_mut().insert(Elsewhere(None))),
    }
    next.run(request).await
}

/// There is no such route: the methods that its path takes, if any.
#[derive(Clone)]
struct Elsewhere(Option<HeaderValue>);

/// The policy of a request's route; `None` where there is no route.
pub(crate) fn policy_of(request: &Request) -> Option<Policy> {
    request.extensions().get::<Policy>().copied()
}

/// The layer that asks who calls.
pub(crate) async fn authenticate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let access = policy_of(&request).map_or(Access::Token, |policy| policy.access);
    if access == Access::Open {
        return next.run(request).await;
    }
    let whence = whence(&request);
    let offered = || subprotocol(request.headers()).filter(|_| access == Access::TokenOrSubprotocol);
    let caller = match bearer(request.headers()).or_else(offered) {
        None if access == Access::TokenOrLink && is_link(&request) => by_link(&api, &request),
        None => Err(unauthenticated("Bearer")),
        Some(token) => api
            .accounts
            .by_token(token, &whence)
            .await
            .and_then(|caller| caller.ok_or_else(|| unauthenticated("Bearer error=\"invalid_token\""))),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller.coming_from(whence));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The layer that asks whether they may.
pub(crate) async fn authorize(State(api): State<Api>, request: Request, next: Next) -> Response {
    if let Some(Elsewhere(allowed)) = request.extensions().get::<Elsewhere>() {
        return match allowed {
            Some(methods) => Problem::new(Code::MethodNotAllowed).header(header::ALLOW, methods.clone()),
            None => Problem::new(Code::NoSuchRoute),
        }
        .into_response();
    }
    let (policy, caller) = (policy_of(&request), request.extensions().get::<Caller>());
    let (Some(policy), Some(caller)) = (policy, caller) else { return next.run(request).await };
    match may(&api, caller, &policy, request.uri().path()).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Whether the caller may do what the route does to the thing that its path names. What is another tenant's is as if it
/// were not there.
async fn may(api: &Api, caller: &Caller, policy: &Policy, path: &str) -> Result<(), Problem> {
    let refuse = |refusal| refused(api, caller, policy, refusal);
    allows(caller.principal(), policy.action, Object::None).map_err(refuse)?;
    let Some(stream) = id_of(path, policy.object).and_then(|id| policy.object.stream(id)) else { return Ok(()) };
    let maker = api.owners().maker(caller.tenant(), &stream).await?;
    let maker = maker.ok_or_else(|| Problem::new(Code::NotFound))?;
    allows(caller.principal(), policy.action, Object::MadeBy(&maker)).map_err(refuse)
}

/// The first id in a path. What is no id is its handler's affair.
fn id_of(path: &str, object: ObjectKind) -> Option<Uuid> {
    if object == ObjectKind::None {
        return None;
    }
    path.split('/').find_map(|part| Uuid::try_parse(part).ok())
}

fn refused(api: &Api, caller: &Caller, policy: &Policy, refusal: Refusal) -> Problem {
    let (by, action) = (caller.whence().by(caller.principal()), policy.action.name().to_owned());
    api.trail.note(caller.tenant(), SecurityEvent::AccessRefused { by, action, times: 1 });
    let code = match refusal {
        Refusal::Role => Code::RoleTooLow,
        Refusal::Scope => Code::ScopeMissing,
        Refusal::NotYours => Code::NotYours,
        Refusal::Installation => Code::InstallationOnly,
        Refusal::SecondFactorDue => Code::SecondFactorDue,
    };
    Problem::new(code).extension("action", policy.action.name()).extension("scope", policy.action.scope().name())
}

/// Where a request comes from.
pub(crate) fn whence(request: &Request) -> Whence {
    let unknown = Whence { address: None, is_local: false };
    request.extensions().get::<ClientAddress>().map_or(unknown, ClientAddress::whence)
}

/// The token of `Authorization: Bearer TOKEN`; the empty one when the header says something else.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX;
    Some(if is_bearer { token.trim() } else { "" })
}

/// The token of the subprotocol `bearer.TOKEN`, where one is offered.
fn subprotocol(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
    let token = lines.flat_map(|line| line.split(',')).find_map(|offer| offer.trim().strip_prefix("bearer."))?;
    Some(if token.len() <= TOKEN_BYTES_MAX { token } else { "" })
}

fn is_link(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads && request.uri().query().is_some_and(|query| query.contains("signature="))
}

fn by_link(api: &Api, request: &Request) -> Result<Caller, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let tenant: Tenant = api.signer.check(request.uri().path(), query, api.clock.now())?;
    Ok(Caller::new(Principal::link(tenant)))
}

fn unauthenticated(challenge: &'static str) -> Problem {
    Problem::new(Code::Unauthenticated).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_a_bearer_header_only() {
        let check = |value: &str, expected: &str| {
            let value = HeaderValue::from_str(value).expect("a header");
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
            assert_eq!(bearer(&headers), Some(expected));
        };
        check("Bearer abc", "abc");
        check("bearer  abc ", "abc");
        check("Basic abc", "");
        check("abc", "");
        check(&format!("Bearer {}", "a".repeat(TOKEN_BYTES_MAX + 1)), "");
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn a_token_is_taken_from_a_subprotocol() {
        let check = |value: &str, expected: Option<&str>| {
            let value = HeaderValue::from_str(value).expect("a header");
            let headers = HeaderMap::from_iter([(header::SEC_WEBSOCKET_PROTOCOL, value)]);
            assert_eq!(subprotocol(&headers), expected);
        };
        check("dragoman.events.v1, bearer.abc", Some("abc"));
        check("bearer.abc,bearer.def", Some("abc"));
        check("dragoman.events.v1", None);
        check("Bearer.abc", None);
        check(&format!("bearer.{}", "a".repeat(TOKEN_BYTES_MAX + 1)), Some(""));
    }

    #[test]
    fn a_path_is_about_the_first_id_in_it() {
        let id = Uuid::from_u128(7);
        let path = format!("/v1/dubbings/{id}/tracks/es/utterances/{}", Uuid::from_u128(8));
        assert_eq!(id_of(&path, ObjectKind::Dubbing), Some(id));
        assert_eq!(id_of(&path, ObjectKind::None), None);
        assert_eq!(id_of("/v1/dubbings/mine", ObjectKind::Dubbing), None);
    }
}
