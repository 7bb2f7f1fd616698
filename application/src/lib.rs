//! Use cases: commands, the process manager, the stages' handlers, queries, and the ports they need.

pub mod ports;
pub mod stages;
