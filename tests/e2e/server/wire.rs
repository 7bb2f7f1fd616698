//! A way to a server that can fall silent: nothing that is sent arrives, on either side, until it is mended. Nothing is lost.

use std::net::Ipv4Addr;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::watch,
};

/// It lies before a server on this machine until it is dropped.
pub struct Wire {
    port: u16,
    is_cut: watch::Sender<bool>,
    _runtime: Runtime,
}

impl Wire {
    /// Before the server on this port.
    pub fn before(server: u16) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let is_cut = watch::Sender::new(false);
        let cut = is_cut.subscribe();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(join(client, server, cut.clone()));
            }
        });
        Self { port, is_cut, _runtime: runtime }
    }

    /// The port at which it begins.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets nothing through.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Lets everything through, also what was sent meanwhile.
    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn join(client: TcpStream, server: u16, mut cut: watch::Receiver<bool>) {
    if cut.wait_for(|is_cut| !is_cut).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, cut.clone()), pass(from_server, to_client, cut));
}

/// Passes on what comes, until one of both sides has had enough.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut cut: watch::Receiver<bool>) {
    let mut piece = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut piece).await.unwrap_or_default();
        if cut.wait_for(|is_cut| !is_cut).await.is_err() {
            return;
        }
        if read == 0 || to.write_all(&piece[..read]).await.is_err() {
            // The other side may be gone already.
            let _ended = to.shutdown().await;
            return;
        }
    }
}
