//! Resumable uploads by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload), with its extensions
//! creation, creation-with-upload, checksum, expiration and termination.
//!
//! An upload that is complete is an asset, of the same id. What is deliberately absent: uploads of a length that only
//! their end tells, and concatenation.

mod checksum;
pub(crate) mod create;
pub(crate) mod erase;
pub(crate) mod head;
mod metadata;
pub(crate) mod options;
pub(crate) mod patch;
mod piece;
pub(crate) mod tus;

use crate::api::Api;
use axum::middleware::from_fn;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes, each within the protocol.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create, options::options))
        .routes(routes!(head::head, patch::patch, erase::erase))
        .route_layer(from_fn(tus::speak))
}
