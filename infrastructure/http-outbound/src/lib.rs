//! Requests to servers of others, by reqwest: the only place that makes any.
//!
//! Which addresses are public is a table ([`reach`]). It is asked for addresses that stand in the request as they are,
//! and by the resolver of each connection for those that a name has: a connection is made to the very addresses that
//! were checked, so a name that changes its mind between a check and a connection gains nothing. Certificates are
//! checked against the operating system's trust store. Deliberately absent: proxies, redirects, cookies, compression,
//! retries.

mod client;
mod lookup;
mod reach;
#[cfg(test)]
mod tests;

pub use client::{HttpOutbound, SetupError};

/// Chooses whose cryptography TLS uses in this process, where nobody has chosen: ring's. To be called before anything
/// connects, since more than one is linked.
pub fn choose_cryptography() {
    // An error says that it was chosen before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
}
