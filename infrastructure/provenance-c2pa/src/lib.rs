//! Provenance with C2PA: signs sources and dubs, and says what a file's manifest tells.
//!
//! Everything that reads or signs a file happens in a child process, [`sandbox_main`]; this side only
//! keeps the certificates, hands over requests and maps the answers. No network, no time stamps, no
//! remote manifests. See `docs.md` for what holds and what was measured.

mod config;
mod engine;
mod error;
mod identity;
mod protocol;
mod sandbox;

pub use config::{SandboxProgram, SigningConfig};
pub use engine::C2paSigner;
pub use sandbox::sandbox_main;
