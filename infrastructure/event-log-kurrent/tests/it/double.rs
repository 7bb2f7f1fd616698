//! A double of KurrentDB: a gRPC server on a port of its own, for the calls that a log makes, over a store in memory.
//!
//! It behaves as the server's documentation and its public sources say; where it is wrong, so are the tests. What it
//! can do besides: stop and start, lose the answer to an append, ask for a password, speak TLS, and have others write.

mod proto;
mod service;
pub mod store;

use base64::{Engine, engine::general_purpose::STANDARD};
use service::Service;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use store::Store;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_stream::{StreamExt, wrappers::TcpListenerStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::{Identity, Server, ServerTlsConfig, server::Connected};

/// What the double has and does, shared with its connections.
pub struct World {
    pub store: Mutex<Store>,
    /// Changes with everything that is written.
    pub news: watch::Sender<u64>,
    /// Appends whose answers are still to be lost: they are written, then all connections are cut.
    pub answers_to_lose: AtomicUsize,
    /// Events of others that a filtered read looks through before its time is over.
    pub patience: AtomicUsize,
    /// What `authorization` must say.
    authorization: Option<String>,
    /// Cuts all connections, and is then replaced.
    cut: Mutex<CancellationToken>,
}

impl World {
    /// Cuts all connections.
    pub fn cut(&self) {
        let mut cut = self.cut.lock().unwrap();
        std::mem::take(&mut *cut).cancel();
    }

    /// An event by somebody else.
    pub fn write(&self, stream: &str, event_type: &str, count: usize) {
        let mut store = self.store.lock().unwrap();
        (0..count).for_each(|_| store.foreign(stream, event_type));
        self.news.send_replace(store.end());
    }
}

/// How a double is made.
#[derive(Default)]
pub struct Plan {
    /// User and password that it asks for.
    pub credentials: Option<(&'static str, &'static str)>,
    /// Certificate and key, as PEM, when it speaks TLS.
    pub tls: Option<(String, String)>,
}

/// A double that runs until it is dropped.
pub struct Double {
    pub world: Arc<World>,
    address: SocketAddr,
    tls: Option<(String, String)>,
    server: Option<JoinHandle<()>>,
}

impl Double {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        Self::planned(Plan::default()).await
    }

    /// Starts one that is made like this.
    pub async fn planned(Plan { credentials, tls }: Plan) -> Self {
        let authorization =
            credentials.map(|(user, password)| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
        let store = Store::new();
        let world = World {
            news: watch::Sender::new(store.end()),
            store: Mutex::new(store),
            answers_to_lose: AtomicUsize::new(0),
            patience: AtomicUsize::new(usize::MAX),
            authorization,
            cut: Mutex::default(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut double = Self { world: Arc::new(world), address, tls, server: None };
        double.serve(listener);
        double
    }

    /// Stops it: connections break, nobody answers, what was written stays.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            // It was aborted: that it did not end by itself is what it says.
            let _ = server.await;
        }
        self.world.cut();
    }

    /// Starts it again, on the same port.
    pub async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.serve(listener);
    }

    /// A connection string without credentials.
    pub fn url(&self) -> String {
        self.url_as("")
    }

    /// A connection string with these credentials (`user:password@`).
    pub fn url_as(&self, who: &str) -> String {
        let tls = self.tls.is_some();
        let host = if tls { "localhost" } else { "127.0.0.1" };
        format!("kurrentdb://{who}{host}:{}?tls={tls}&maxDiscoverAttempts=2&discoveryInterval=20", self.address.port())
    }

    fn serve(&mut self, listener: TcpListener) {
        let service = Service(Arc::clone(&self.world));
        // With two sets of cryptography in the program somebody has to choose.
        let _known = rustls::crypto::ring::default_provider().install_default();
        let mut server = Server::builder();
        if let Some((certificate, key)) = &self.tls {
            let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
            server = server.tls_config(tls).expect("TLS is set up");
        }
        let world = Arc::clone(&self.world);
        let sockets = TcpListenerStream::new(listener).map(move |socket| {
            let cut = world.cut.lock().unwrap().clone().cancelled_owned();
            // As servers do: without it every answer waits for the client's acknowledgement of the one before.
            let at_once = |socket: TcpStream| socket.set_nodelay(true).map(|()| socket);
            socket.and_then(at_once).map(|socket| Socket { socket, cut: Box::pin(cut) })
        });
        let router = server.add_service(service.streams()).add_service(service.features());
        self.server = Some(tokio::spawn(async move { router.serve_with_incoming(sockets).await.expect("it serves") }));
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.server.take().iter().for_each(JoinHandle::abort);
        self.world.cut();
    }
}

/// A connection that can be cut.
struct Socket {
    socket: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Socket {
    fn is_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl Connected for Socket {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.is_cut(cx)?;
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.is_cut(cx)?;
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Takes one from a count, if there is one.
pub(crate) fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}
