//! Bodies that may be forms, as OAuth 2.0 has them, or JSON.

use super::read_body;
use crate::{
    api::Api,
    problem::{Code, Fault, Problem},
};
use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use serde::de::DeserializeOwned;

/// The body, read as a form or as JSON, as its media type says. What is not known in it is ignored (RFC 6749,
/// section 3.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormOrJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Api> for FormOrJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let body = read_body(request.into_body(), api).await?;
            // serde's message may quote what was sent, such as a password.
            let wrong = |_| {
                let fault = Fault::at("", "invalid-value", "the form lacks a field, or has one twice");
                Problem::new(Code::InvalidRequest).fault(fault)
            };
            return serde_urlencoded::from_bytes(&body).map(Self).map_err(wrong);
        }
        super::Json::from_request(request, api).await.map(|super::Json(value)| Self(value))
    }
}
