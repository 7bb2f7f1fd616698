//! Where the server listens, and how.

use crate::{
    config::{Http, Rates},
    exit::{Exit, Failure},
};
use http_api::{HttpLimits, RateLimits, Tls, server::ServerLimits};
use std::{fs, io::ErrorKind, net::SocketAddr, path::Path};
use tokio::net::TcpListener;

/// Takes the address, which `flag` chooses.
pub async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => "another program listens there; stop it, or choose another port",
            ErrorKind::PermissionDenied => "ports below 1024 are not for everybody; choose another",
            ErrorKind::AddrNotAvailable => "this machine has no such address; choose another",
            _ => "choose another address",
        };
        Failure::new(Exit::Internal, format!("cannot listen on {address}: {advice} with {flag}"))
    })
}

/// The configured certificate, if there is one.
pub fn tls(config: &Http) -> Result<Option<Tls>, Failure> {
    let (Some(chain), Some(key)) = (&config.tls_cert, &config.tls_key) else {
        return Ok(None);
    };
    let tls = Tls::from_pem(&read("http.tls_cert", chain)?, &read("http.tls_key", key)?);
    tls.map(Some).map_err(|error| Failure::usage(format!("http.tls_cert and http.tls_key: {error}")))
}

fn read(key: &str, file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| {
        Failure::usage(format!("{key}: {} cannot be read ({}); name a file that can", file.display(), error.kind()))
    })
}

/// Bounds of connections.
pub fn limits(config: &Http) -> ServerLimits {
    ServerLimits {
        connections: usize::try_from(config.connections_max).unwrap_or(usize::MAX),
        head_read: config.header_timeout,
        grace: config.shutdown_timeout,
        ..ServerLimits::default()
    }
}

/// Bounds of requests.
pub fn request_limits(config: &Http) -> HttpLimits {
    HttpLimits {
        body_bytes: usize::try_from(config.body_bytes_max).unwrap_or(usize::MAX),
        answer: config.request_timeout,
        ..HttpLimits::default()
    }
}

/// How often may be asked.
pub fn rates(config: &Rates) -> RateLimits {
    let number = |configured: u64| u32::try_from(configured).unwrap_or(u32::MAX);
    RateLimits {
        address_per_minute: number(config.address_per_minute),
        user_per_minute: number(config.user_per_minute),
        key_per_minute: number(config.key_per_minute),
        global_per_minute: number(config.global_per_minute),
        burst_seconds: number(config.burst_seconds),
    }
}

/// How many proxies are trusted.
pub fn proxies(config: &Http) -> u8 {
    u8::try_from(config.behind_proxy).unwrap_or(u8::MAX)
}
