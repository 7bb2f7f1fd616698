//! The whole program from outside: real commands on real media, and what they leave behind.
//!
//! This target belongs to the package `dragoman`, so that cargo builds the program it runs.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod bad_input;
mod changes;
mod clock;
mod crash;
mod databases;
mod dubs;
mod media;
mod programs;
mod provenance;
mod server;
mod support;
