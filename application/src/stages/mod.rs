//! The stages: per file its engine port, what goes in, what comes out, and its handler.

pub mod assess;
pub mod ingest;
pub mod mix;
pub mod mux;
pub mod separate;
pub mod synthesise;
pub mod transcribe;
pub mod translate;
