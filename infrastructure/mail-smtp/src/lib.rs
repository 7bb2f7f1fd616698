//! Sends mail through an SMTP server: the adapter of [`application::ports::mailer::Mailer`].
//!
//! One connection per mail: mails are few, and a connection that is kept is one more thing that can be stale.
//! Deliberately absent: a queue, retries, a connection that is encrypted only if the server feels like it.

mod config;
mod mailer;
mod message;

pub use config::{Security, SmtpConfig};
pub use mailer::SmtpMailer;
