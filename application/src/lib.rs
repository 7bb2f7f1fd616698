//! Use cases: commands, the process manager, the stages' handlers, queries, and the ports they need.

pub mod abilities;
pub mod admission;
pub mod aggregates;
pub mod causes;
pub mod cluster;
pub mod commands;
pub mod crew;
pub mod crossing;
pub mod estimate;
pub mod fair_line;
pub mod flows;
mod gate;
pub mod identity;
pub mod letters;
pub mod log_check;
pub mod measured;
pub mod owners;
pub mod policy;
pub mod ports;
pub mod principal;
pub mod process_manager;
pub mod public_events;
pub mod queries;
pub mod quotas;
pub mod reasons;
pub mod relay;
pub mod report;
pub mod room;
pub mod stages;
pub mod stop;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod throttle;
pub mod webhooks;
pub mod worker;
