//! Translation by rules with Apertium, run as child processes. See `docs.md` for what it can do.
//!
//! Rooms: `engine` is the port; `batch` turns lines into child runs and trusts no answer unseen;
//! `stream` writes and reads Apertium's stream format; `modes` finds what is installed; `route` finds
//! the way between two languages; `languages` and `packages` are the two tables it needs; `digest`
//! names the linguistic data.

mod batch;
mod config;
mod digest;
mod engine;
mod languages;
mod line;
mod modes;
mod packages;
mod route;
mod stream;

pub use config::ApertiumConfig;
pub use engine::ApertiumEngine;
