//! The stages: per file its engine port, what goes in, what comes out, and its handler.

pub mod assess;
pub mod assign_voices;
pub mod clean;
pub mod fit;
pub mod handler;
pub mod ingest;
pub mod mark;
pub mod mix;
pub mod mux;
pub mod publish;
pub mod scratch;
pub mod separate;
pub mod sign;
pub mod sync_lips;
pub mod synthesise;
pub mod transcribe;
pub mod translate;
