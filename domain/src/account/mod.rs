//! The account: somebody who may sign in, in one tenant and with one role. Stream `account-<id>`.
//!
//! What proves who somebody is (passwords, tokens, secrets of keys) is deliberately absent: it lives outside the log.
//! Reading order: command, event, state, decide, tests.

mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::{AccountCommand, AccountRejection};
pub use event::{AccountEvent, NewKey, Origin, PasswordChange, SessionEnd};
pub use state::{Account, Key, Standing};
