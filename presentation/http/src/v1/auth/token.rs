//! `POST /v1/auth/token` and the keys that verify what it gives.

use crate::{
    address::ClientAddress,
    answer::Done,
    api::Api,
    extract::{FormOrJson, Nothing, Query},
    problem::{Code, Fault, Problem},
};
use application::identity::{SignIn, Tokens, Whence};
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody shows for a token.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// `password` or `refresh_token`.
    #[schema(example = "password")]
    grant_type: String,
    /// The e-mail address, with `password`.
    #[schema(nullable = false)]
    username: Option<String>,
    /// The password, with `password`.
    #[schema(nullable = false, format = Password)]
    password: Option<String>,
    /// A code of the second factor, where the account has one.
    #[schema(nullable = false)]
    code: Option<String>,
    /// The refresh token, with `refresh_token`.
    #[schema(nullable = false)]
    refresh_token: Option<String>,
    /// What the program calls itself.
    #[schema(nullable = false)]
    client_id: Option<String>,
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenDocument {
    /// Sent with every request: `Authorization: Bearer …`. A JWT (RFC 9068).
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// How long the access token holds, in seconds.
    expires_in: u64,
    /// Exchanged for the next pair, once.
    refresh_token: String,
    /// What the account is in its tenant.
    #[schema(example = "creator")]
    role: &'static str,
}

impl From<Tokens> for TokenDocument {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in_s,
            refresh_token: tokens.refresh_token,
            role: tokens.role.name(),
        }
    }
}

/// Sign in, or go on
///
/// After OAuth 2.0 (RFC 6749), as a form or as JSON: `grant_type=password` with `username` and `password`, and `code` for
/// accounts with a second factor; `grant_type=refresh_token` with `refresh_token`. A refresh token is good for one
/// exchange: used again, beyond a few seconds after a lost answer, it ends the session for everybody who has a token of
/// it. Refusals have the member `error` of OAuth beside those of every problem.
#[utoipa::path(post, path = "/v1/auth/token", tag = "auth", operation_id = "token", security(()), request_body = TokenRequest,
    responses(
        (status = 200, description = "Tokens", body = TokenDocument),
        (status = 400, description = "What was shown is not right; `error` is one of OAuth's", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "There were too many attempts", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn token(
    State(api): State<Api>,
    address: ClientAddress,
    Query(Nothing {}): Query<Nothing>,
    FormOrJson(asked): FormOrJson<TokenRequest>,
) -> Result<Done<TokenDocument>, Problem> {
    let whence = address.whence();
    grant(&api, asked, &whence).await.map(|tokens| Done::ok(tokens.into())).map_err(as_oauth)
}

async fn grant(api: &Api, asked: TokenRequest, whence: &Whence) -> Result<Tokens, Problem> {
    let missing = |name: &str| {
        let fault = Fault::at(format!("/{name}"), "missing-field", format!("missing field `{name}`"));
        Problem::new(Code::InvalidRequest).fault(fault)
    };
    let client = asked.client_id.filter(|client| client.len() <= 100 && client.chars().all(|c| c.is_ascii_graphic()));
    match asked.grant_type.as_str() {
        "password" => {
            let username = asked.username.ok_or_else(|| missing("username"))?;
            let password = asked.password.ok_or_else(|| missing("password"))?;
            // Nobody has an address that is none: that takes no look at the password.
            let email = username.parse().map_err(|_| Problem::new(Code::SignInFailed))?;
            let sign_in = SignIn { email, password, code: asked.code, client };
            Ok(api.identity.sign_in(&sign_in, whence).await?)
        }
        "refresh_token" => {
            let token = asked.refresh_token.ok_or_else(|| missing("refresh_token"))?;
            Ok(api.identity.refresh(&token, client, whence).await?)
        }
        _ => Err(Problem::new(Code::UnsupportedGrant)),
    }
}

/// With the error that clients of OAuth look for.
fn as_oauth(problem: Problem) -> Problem {
    let error = match problem.code() {
        Code::SignInFailed | Code::SecondFactorNeeded | Code::SecondFactorWrong | Code::RefreshRefused => {
            "invalid_grant"
        }
        Code::UnsupportedGrant => "unsupported_grant_type",
        code if code.status().is_client_error() => "invalid_request",
        _ => "server_error",
    };
    problem.extension("error", error)
}

/// The keys that verify access tokens
///
/// A JWK set (RFC 7517). Keys change from time to time: a new one stands here for a while before it signs.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", operation_id = "jwks", security(()), responses(
    (status = 200, description = "The keys", body = serde_json::Value, content_type = "application/jwk-set+json"),
))]
pub(crate) async fn jwks(State(api): State<Api>, Query(Nothing {}): Query<Nothing>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    (headers, api.identity.jwks().to_string()).into_response()
}
