//! The HTTP API: conventions that all routes share, the routes, their document, and the server.
//!
//! Handlers are thin: a command goes to its use case and the log, a query to its read model. What is deliberately
//! absent: adapters, configuration and the choice of an address, which belong to the program.

pub mod address;
pub mod answer;
pub mod api;
pub mod auth;
pub mod cache;
mod columns;
mod docs;
mod download;
mod event;
pub mod extract;
pub mod health;
pub mod idempotency;
mod layers;
mod live;
mod local;
pub mod metrics;
mod openapi;
pub mod pages;
pub mod policy;
mod probes;
pub mod problem;
mod quota;
mod rate;
pub mod rates;
mod routes;
pub mod server;
pub mod signed_url;
mod stall;
mod tls;
pub mod trace;
mod upload;
mod v1;
mod welcome;
mod worker;

pub use api::{Api, ApiParts, HttpLimits, UploadLimits};
pub use layers::DRAGOMAN_POSITION;
pub use local::local;
pub use openapi::openapi;
pub use rate::RateLimits;
pub use routes::{router, router_of_operators, router_with};
pub use tls::{Tls, TlsError};
pub use worker::{WorkerParts, router_of_worker};
