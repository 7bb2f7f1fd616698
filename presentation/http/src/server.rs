//! The server: takes connections, bounds them, and ends in order.
//!
//! HTTP/1.1 and HTTP/2 on one port, the latter also without TLS for clients that know it beforehand. What peers do
//! wrong is their own affair: it ends their connection and is logged for developers only.

use crate::{address::Peer, stall::Stalling, tls::Tls, v1::uploads::tus};
use axum::Router;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tower::ServiceExt;

/// How long to wait when the system has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// HTTP/2: after this long without a word, a peer is asked whether it is still there, and has as long to answer.
const PING_AFTER: Duration = Duration::from_secs(20);

/// Bounds of connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at once. More wait to be accepted.
    pub connections: usize,
    /// Time within which a client must have said what it wants, TLS included; also how long an idle connection of
    /// HTTP/1.1 is kept.
    pub head_read: Duration,
    /// Bytes of a request's head. HTTP/1.1 also takes at most 100 headers.
    pub head_bytes: u32,
    /// Requests at once on one connection of HTTP/2.
    pub streams: u32,
    /// How long a client may take nothing of what is sent to it.
    pub stall: Duration,
    /// How long requests may still take once the server is to stop.
    pub grace: Duration,
}

/// Held by whoever goes on with a connection after HTTP: the server counts it, and waits for its end. Every request
/// carries one.
#[derive(Clone)]
pub(crate) struct Hold {
    _connection: Arc<(OwnedSemaphorePermit, TaskTrackerToken)>,
}

impl Default for ServerLimits {
    /// 4,096 connections; 15 s and 32 KiB for a head; 128 requests at once; 60 s of taking nothing; 10 s of grace.
    fn default() -> Self {
        Self {
            connections: 4_096,
            head_read: Duration::from_secs(15),
            head_bytes: 32 << 10,
            streams: 128,
            stall: Duration::from_secs(60),
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves until `stop` is cancelled, then lets running requests end within [`ServerLimits::grace`].
///
/// Streams must watch the same token: they are to end by themselves. Returns when every connection is closed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    limits: ServerLimits,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let (tasks, abort) = (TaskTracker::new(), CancellationToken::new());
    let server = Arc::new(Connections { router, tls, builder: builder(limits), limits, stop: stop.clone() });
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (server, abort) = (server.clone(), abort.clone());
        let hold = Hold { _connection: Arc::new((permit, tasks.token())) };
        tokio::spawn(async move {
            tokio::select! {
                () = server.handle(stream, peer, hold) => {}
                () = abort.cancelled() => {}
            }
        });
    }
    drop(listener);
    tasks.close();
    if timeout(limits.grace, tasks.wait()).await.is_err() {
        tracing::warn!(connections = tasks.len(), "closing connections whose requests did not end in time");
        abort.cancel();
        tasks.wait().await;
    }
}

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, Peer(peer), permit)),
        Err(error) => {
            // A peer that has gone again is no fault of ours; too few sockets are.
            if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                tracing::warn!(kind = %error.kind(), "no connection can be accepted");
            }
            None
        }
    }
}

struct Connections {
    router: Router,
    tls: Option<Tls>,
    builder: Builder<TokioExecutor>,
    limits: ServerLimits,
    stop: CancellationToken,
}

impl Connections {
    async fn handle(&self, stream: TcpStream, peer: Peer, hold: Hold) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(kind = %error.kind(), "a connection is gone");
            return;
        }
        let stream = Stalling::new(stream, self.limits.stall);
        match &self.tls {
            None => self.serve(stream, peer, hold).await,
            Some(tls) => match timeout(self.limits.head_read, tls.acceptor().accept(stream)).await {
                Ok(Ok(stream)) => self.serve(stream, peer, hold).await,
                Ok(Err(error)) => tracing::debug!(kind = %error.kind(), "a client did not come to terms on TLS"),
                Err(_) => tracing::debug!("a client was too slow with TLS"),
            },
        }
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer, hold: Hold) {
        // Whether the first request is there: until then the connection's version may not even be known, and hyper's
        // own limit does not run.
        let asked = AtomicBool::new(false);
        let router = &self.router;
        let service = service_fn(|mut request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(hold.clone());
            request.extensions_mut().insert(peer);
            tus::override_method(&mut request);
            router.clone().oneshot(request)
        });
        let connection = self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let first = sleep(self.limits.head_read);
        tokio::pin!(first);
        let (mut is_watched, mut is_stopping) = (true, false);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection broke");
                    }
                    return;
                }
                () = &mut first, if is_watched => {
                    is_watched = false;
                    if !asked.load(Ordering::Relaxed) {
                        return;
                    }
                }
                () = self.stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

fn builder(limits: ServerLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let head_bytes = usize::try_from(limits.head_bytes).unwrap_or(usize::MAX);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head_read).max_buf_size(head_bytes.max(8_192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.head_bytes)
        .max_concurrent_streams(limits.streams)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_AFTER);
    builder
}
