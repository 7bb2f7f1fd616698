//! What every adapter over NATS begins with: a connection that says in one sentence why it cannot be had, questions that
//! are answered within a bound, and streams of JetStream that are what they were asked to be, for servers from 2.9 on.
//!
//! Deliberately absent: what lies in those streams, who takes it out, and for how long anybody tries again.

mod error;
mod link;
mod prefix;
mod servers;
mod stream;

pub use error::NatsError;
pub use link::{Link, Question};
pub use prefix::Prefix;
pub use servers::{Login, Servers, Storage, Tls};
pub use stream::{Kept, Made, Plan, compare, mark};

#[cfg(test)]
mod tests;
