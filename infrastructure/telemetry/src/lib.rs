//! Logs and traces of this process: lines on standard error, and spans to an OpenTelemetry collector. It implements
//! [`application::ports::trace::Traces`]. What is promised is in `docs.md`.
//!
//! There are deliberately no metrics here, and nothing that decides what is logged: that is said where it happens,
//! with `tracing`.

mod collector;
mod config;
mod filter;
mod json;
mod start;
mod traces;

pub use config::{Endpoint, InvalidEndpoint, InvalidFilter, LogFilter, LogFormat, Sampling, TelemetryConfig};
pub use start::{Telemetry, TelemetryError, start};
pub use traces::OtelTraces;
