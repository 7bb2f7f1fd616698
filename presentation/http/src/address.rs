//! From where a request comes: the peer's address, or what the trusted proxies in front say about it.
//!
//! Every proxy adds the address of whoever speaks to it at the end of a header. So with so many trusted proxies the
//! client stands as many places from the right, and whatever a client writes into the header itself stands further
//! left, where nobody looks. What cannot be understood leaves the peer, which cannot be forged. Deliberately absent:
//! names of hosts, and what an address may do.

mod forwarded;

use crate::problem::Problem;
use application::identity::Whence;
use axum::{
    extract::{FromRequestParts, Request},
    http::{Extensions, HeaderMap, HeaderName, header, request::Parts},
};
use forwarded::{Hop, of_forwarded, of_x_forwarded, of_x_proto};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// What proxies add. A request with one of these came through one.
const SIGNS_OF_PROXIES: [HeaderName; 6] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// The other end of a connection. The server puts it into every request.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub SocketAddr);

/// From where a request comes. An address is personal: `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    ip: IpAddr,
    is_local: bool,
    is_over_tls: bool,
}

impl ClientAddress {
    /// The address; an IPv4 address is one, however it was written.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Whether a program of this machine asks, and no proxy of this machine on behalf of somebody.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// What signing in and the security trail are told of it.
    pub(crate) fn whence(&self) -> Whence {
        Whence { address: Some(self.ip().to_string()), is_local: self.is_local }
    }

    /// Whether a trusted proxy says that the client came over TLS.
    pub fn is_over_tls(&self) -> bool {
        self.is_over_tls
    }

    /// Of a request's head, behind so many trusted proxies.
    pub(crate) fn find(extensions: &Extensions, headers: &HeaderMap, proxies: u8) -> Self {
        // Only tests call routes without a connection.
        let peer = extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| peer.ip());
        let peer = peer.to_canonical();
        let is_forwarded = SIGNS_OF_PROXIES.iter().any(|name| headers.contains_key(name));
        let hop = if proxies == 0 { Hop::default() } else { reported(headers, usize::from(proxies)) };
        Self { ip: hop.ip.unwrap_or(peer), is_local: peer.is_loopback() && !is_forwarded, is_over_tls: hop.is_over_tls }
    }

    /// Finds it, and puts it into the request.
    pub(crate) fn tell(request: &mut Request, proxies: u8) -> Self {
        let found = Self::find(request.extensions(), request.headers(), proxies);
        request.extensions_mut().insert(found);
        found
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAddress").field("is_local", &self.is_local).finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Self>().copied();
        found.ok_or_else(|| Problem::internal("the outermost layer did not look where a request comes from"))
    }
}

/// What the outermost trusted proxy says. Most proxies write one of the two headers and let the other one pass as the
/// client sent it, and nobody here knows which: where both stand and differ, neither is believed.
fn reported(headers: &HeaderMap, proxies: usize) -> Hop {
    let (standard, usual) = (of_forwarded(headers, proxies), of_x_forwarded(headers, proxies));
    let ip = match (standard.as_ref(), usual) {
        (None, None) => None,
        (Some(hop), None) => hop.ip,
        (None, Some(ip)) => ip,
        (Some(hop), Some(ip)) => hop.ip.filter(|standard| Some(*standard) == ip),
    };
    let is_over_tls = match (standard, of_x_proto(headers, proxies)) {
        (_, Some(is_https)) => is_https,
        (Some(hop), None) => hop.is_over_tls,
        (None, None) => false,
    };
    Hop { ip, is_over_tls }
}

#[cfg(test)]
mod tests;
