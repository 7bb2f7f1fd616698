//! The log on KurrentDB, against a double of the server that the real client talks to.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers and its server too"
)]

// Generated code names prost so, and the rest of the workspace uses another generation of it.
extern crate prost_kurrent as prost;

mod doors;
mod double;
mod faults;
mod generated;
mod kit;
mod place;
mod reading;
