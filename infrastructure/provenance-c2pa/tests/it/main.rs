//! Signs and verifies real files in real child processes. Each file of this folder is one concern.

#![expect(clippy::expect_used, reason = "a test that cannot go on says where it stopped")]

mod bad_input;
mod dub;
mod kit;
mod memory;
mod source;
mod tampering;
mod trust;
