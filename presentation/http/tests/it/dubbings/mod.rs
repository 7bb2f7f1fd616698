//! Dubbings: everything that can be done with them, over HTTP.

mod control;
mod estimate;
mod fork;
mod get;
mod list;
mod order;
mod room;
pub mod set;
