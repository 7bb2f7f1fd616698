//! Webhooks over HTTP, told by real requests to a receiver that is a server of its own.

mod desk;
pub mod receiver;
mod told;
