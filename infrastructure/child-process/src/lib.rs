//! Runs foreign programs as bounded child processes that never outlive this one: the adapter of
//! [`application::ports::child::ChildProcesses`]. Linux only. What is promised, and how it is kept, is in `docs.md`.
//!
//! There is deliberately no shell, no terminal, no retry and no logging here.

mod bounds;
mod cage;
mod children;
mod group;
mod pump;
mod spawner;

pub use children::LocalChildren;
