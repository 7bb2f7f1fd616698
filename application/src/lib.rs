//! Use cases: commands, the process manager, the stages' handlers, queries, and the ports they need.

pub mod abilities;
pub mod admission;
pub mod aggregates;
pub mod causes;
pub mod commands;
pub mod crew;
pub mod crossing;
pub mod estimate;
pub mod fair_line;
pub mod flows;
pub mod measured;
pub mod ports;
pub mod process_manager;
pub mod public_events;
pub mod queries;
pub mod reasons;
pub mod report;
pub mod stages;
pub mod stop;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod worker;
