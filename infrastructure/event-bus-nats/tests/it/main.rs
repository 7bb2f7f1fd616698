//! The bus on real servers, each of which a test starts for itself.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod faults;
mod house;
mod messages;
mod start;
