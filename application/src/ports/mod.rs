//! What the application needs from outside, one trait per file.

pub mod child;
pub mod engine;
pub mod provenance;
