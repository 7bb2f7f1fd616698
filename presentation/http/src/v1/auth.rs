//! Signing in and out, after OAuth 2.0.

mod reset;
mod revoke;
mod sessions;
mod token;

pub(crate) use reset::*;
pub(crate) use revoke::*;
pub(crate) use sessions::*;
pub(crate) use token::*;
