//! Tests of the whole: what no crate can show alone.
#![expect(clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod events_doc;
mod events_golden;

/// Whether the environment asks for generated files to be written.
fn asked_for(name: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests asks for it this way")]
    std::env::var_os(name).is_some_and(|value| value == "1")
}
