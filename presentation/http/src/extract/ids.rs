//! The ids under which a command is carried out.

use crate::{api::Api, problem::Problem};
use application::ports::request_store::RequestIds;
use axum::{extract::FromRequestParts, http::request::Parts};
use std::convert::Infallible;

/// What the command is known by in the log, and the id of what it makes.
///
/// The same ones again when a request is repeated with its `Idempotency-Key`; fresh ones otherwise.
#[derive(Clone, Copy, Debug)]
pub struct CommandIds(pub RequestIds);

impl FromRequestParts<Api> for CommandIds {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        let fresh = || RequestIds { command: api.ids.next(), resource: api.ids.next() };
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_else(|| Self(fresh())))
    }
}

impl From<Infallible> for Problem {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
