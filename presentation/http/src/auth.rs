//! Authentication: one layer, in one place. It puts the [`Caller`] into the request, or refuses it.
//!
//! Which routes are open, and which take signed links, stands in `policy`. What is deliberately absent: what a caller
//! may do.

use crate::{
    api::Api,
    extract::Caller,
    policy::{self, Access},
    problem::{Code, Problem},
};
use application::ports::event_log::Tenant;
use async_trait::async_trait;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// Knows callers by their tokens.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Who has this token; `None` when nobody has.
    async fn by_token(&self, token: &str) -> Result<Option<Caller>, Problem>;

    /// Who reads through a signed link of this tenant.
    fn by_link(&self, tenant: Tenant) -> Caller;
}

/// One token for everything, on a machine without accounts.
pub struct LocalAccount {
    digest: [u8; 32],
    by_token: Caller,
}

impl LocalAccount {
    /// The account that this token opens.
    pub fn new(token: &str) -> Self {
        Self { digest: Sha256::digest(token).into(), by_token: Caller::new(Tenant::default(), "api") }
    }
}

#[async_trait]
impl Accounts for LocalAccount {
    async fn by_token(&self, token: &str) -> Result<Option<Caller>, Problem> {
        // Digests have one length, so that comparing them tells nothing, not even the token's length.
        let digest: [u8; 32] = Sha256::digest(token).into();
        let is_right = bool::from(digest.ct_eq(&self.digest));
        Ok(is_right.then(|| self.by_token.clone()))
    }

    fn by_link(&self, tenant: Tenant) -> Caller {
        Caller::new(tenant, "signed-link")
    }
}

/// The layer.
pub(crate) async fn authenticate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let access = policy::of(request.method(), template).access;
    if access == Access::Open {
        return next.run(request).await;
    }
    let offered = || subprotocol(request.headers()).filter(|_| access == Access::TokenOrSubprotocol);
    let caller = match bearer(request.headers()).or_else(offered) {
        None if access == Access::TokenOrLink && is_link(&request) => by_link(&api, &request),
        None => Err(unauthenticated("Bearer")),
        Some(token) => api
            .accounts
            .by_token(token)
            .await
            .and_then(|caller| caller.ok_or_else(|| unauthenticated("Bearer error=\"invalid_token\""))),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The token of `Authorization: Bearer TOKEN`; the empty one when the header says something else.
fn bearer(headers: &HeaderMap) -> Option<&str> {
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
    let tenant = api.signer.check(request.uri().path(), query, api.clock.now())?;
    Ok(api.accounts.by_link(tenant))
}

fn unauthenticated(challenge: &'static str) -> Problem {
    Problem::new(Code::Unauthenticated).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_token_opens_the_local_account_and_no_other_does() {
        let account = LocalAccount::new("right");
        let caller = account.by_token("right").await.expect("an answer").expect("a caller");
        assert_eq!((caller.tenant(), caller.actor()), (&Tenant::default(), "api"));
        for token in ["", "righ", "rightt", "RIGHT"] {
            assert_eq!(account.by_token(token).await.expect("an answer"), None, "{token}");
        }
    }

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
}
