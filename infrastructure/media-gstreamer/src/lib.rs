//! Everything that opens media files, with GStreamer: probe, decode, subtitles, mux, inspect.
//!
//! The parent side ([`GstMedia`]) implements the ports and never touches a media library: it starts a
//! child of the same binary and talks JSON with it. The child side ([`sandbox_main`]) builds the graphs.
//! Deliberately absent: choosing streams or languages, mixing, and any policy beyond limits.

mod config;
mod decode;
mod engine;
mod fault;
mod graph;
mod inspect;
mod mux;
mod probe;
mod protocol;
mod sandbox;
mod subtitles;

pub use config::{MediaLimits, SandboxProgram};
pub use engine::{GstMedia, NoSeparator};
pub use sandbox::sandbox_main;
