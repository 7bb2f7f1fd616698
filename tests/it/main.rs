//! Tests of the whole: what no crate can show alone.
#![expect(clippy::panic, clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod architecture;
mod assets;
mod deploy;
mod dubbing_flow;
mod events_doc;
mod events_golden;
mod licences;
mod process;
mod public_events;
mod reasons;
mod repository;
mod tidy;
mod webhooks_doc;

pub use repository::{asked_for, check_page, root, text_files};
