//! Where commands on this machine reach the server: the data folder says it, for its owner only.
//!
//! The folder's token is taken from this machine alone, over loopback. A server that speaks TLS, or listens on another
//! address, is not reached so: then it also listens on a port of loopback that nobody chose.

use crate::{exit::Failure, home::Home};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use tokio::net::TcpListener;

/// Tells where the server is, until it is dropped.
#[derive(Debug)]
pub struct Near {
    file: PathBuf,
}

impl Near {
    /// Tells it, for a server at this address; with a listener where commands need one of their own.
    pub async fn open(home: &Home, address: SocketAddr, has_tls: bool) -> Result<(Self, Option<TcpListener>), Failure> {
        let fail = |error: &(dyn std::error::Error + 'static)| Failure::internal(error);
        let (address, listener) = match over_loopback(address).filter(|_| !has_tls) {
            Some(address) => (address, None),
            None => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| fail(&error))?;
                (listener.local_addr().map_err(|error| fail(&error))?, Some(listener))
            }
        };
        let file = home.server_url();
        write(&file, &format!("http://{address}\n")).map_err(|error| fail(&error))?;
        Ok((Self { file }, listener))
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        // What stays behind is found out: whoever owns the folder next removes it.
        let _gone = fs::remove_file(&self.file);
    }
}

/// How the address is reached from this machine over loopback, if it is.
fn over_loopback(address: SocketAddr) -> Option<SocketAddr> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    ip.to_canonical().is_loopback().then(|| SocketAddr::new(ip, address.port()))
}

/// Complete or as before, whenever the process ends.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?.write_all(text.as_bytes())?;
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn loopback_and_every_address_are_reached_over_loopback() {
        let check = |address: &str, expected: Option<&str>| {
            let found = over_loopback(address.parse().expect("an address"));
            assert_eq!(found.map(|address| address.to_string()).as_deref(), expected, "{address}");
        };
        check("127.0.0.1:8080", Some("127.0.0.1:8080"));
        check("127.0.0.2:8080", Some("127.0.0.2:8080"));
        check("[::1]:8080", Some("[::1]:8080"));
        check("0.0.0.0:443", Some("127.0.0.1:443"));
        check("[::]:443", Some("[::1]:443"));
        check("192.0.2.1:443", None);
    }

    #[tokio::test]
    async fn it_is_told_to_the_owner_and_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::locate(Some(folder.path().to_owned())).expect("a home");
        let address: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
        let told = || fs::read_to_string(home.server_url()).ok();
        let (near, listener) = Near::open(&home, address, false).await.expect("told");
        assert_eq!((told().as_deref(), listener.is_some()), (Some("http://127.0.0.1:8080\n"), false));
        assert_eq!(fs::metadata(home.server_url()).expect("a file").permissions().mode() & 0o777, 0o600);
        drop(near);
        assert_eq!(told(), None);
        let (_near, listener) = Near::open(&home, address, true).await.expect("told");
        let own = listener.expect("a listener").local_addr().expect("an address");
        assert_eq!(told(), Some(format!("http://{own}\n")));
        assert!(own.ip().is_loopback() && own != address);
    }
}
