//! Where the daemon listens.

use std::{fmt, path::PathBuf, str::FromStr};
use thiserror::Error;

/// The daemon's socket: `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClamdAddress {
    /// A socket in the file system, by its absolute path.
    Unix(PathBuf),
    /// Host and port. The protocol has neither encryption nor proof of who answers: keep it on one machine.
    Tcp {
        /// Name or address; an IPv6 address without its brackets.
        host: String,
        /// Port, never 0.
        port: u16,
    },
}

/// The text names no socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("neither unix:/PATH nor tcp:HOST:PORT")]
pub struct InvalidAddress;

impl FromStr for ClamdAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return path.is_absolute().then_some(Self::Unix(path)).ok_or(InvalidAddress);
        }
        let (host, port) = text.strip_prefix("tcp:").and_then(|rest| rest.rsplit_once(':')).ok_or(InvalidAddress)?;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_sound = match bare {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && !host.contains(|c: char| c == ':' || c == '/' || c.is_whitespace()),
        };
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(InvalidAddress)?;
        is_sound.then(|| Self::Tcp { host: bare.unwrap_or(host).to_owned(), port }).ok_or(InvalidAddress)
    }
}

impl fmt::Display for ClamdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_said_the_same_way() {
        check("unix:/run/clamav/clamd.ctl", true);
        check("tcp:127.0.0.1:3310", true);
        check("tcp:scanner.internal:3310", true);
        check("tcp:[::1]:3310", true);
        for bad in ["", "unix:", "unix:clamd.ctl", "/run/clamav/clamd.ctl", "tcp:127.0.0.1", "tcp::3310", "tcp:a:0"] {
            check(bad, false);
        }
        for bad in ["tcp:a:65536", "tcp:::1:3310", "tcp:[a]:3310", "tcp:a b:1", "http://a:3310", "TCP:a:1"] {
            check(bad, false);
        }
    }

    fn check(text: &str, is_sound: bool) {
        let read = text.parse::<ClamdAddress>().map(|address| address.to_string());
        assert_eq!(read.as_deref(), if is_sound { Ok(text) } else { Err(&InvalidAddress) }, "{text}");
    }
}
