//! The adapter over real children and real media.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod limits;
mod mux;
mod packets;
mod probe;
mod separate;
mod subtitles;
mod support;
