//! Against a real clamd, and against sockets that behave as a broken one would.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod daemon;
mod failures;
mod scans;
