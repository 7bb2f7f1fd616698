//! Requests that are given up when they make no progress, and not because they are large.
//!
//! The library's own client bounds how long an answer may be waited for from the beginning of a request on, so that
//! what is sent slowly would never be through. Deliberately absent: proxies, redirects, a bound on a transfer as a whole.

use super::S3Config;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use object_store::{
    ClientOptions, Error,
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of a request that are handed over at once: each is progress.
const PIECE: usize = 64 << 10;

/// Makes the client.
#[derive(Debug)]
pub(super) struct Connector {
    allow_http: bool,
    idle: Duration,
}

impl Connector {
    /// As the configuration has it.
    pub fn new(config: &S3Config) -> Self {
        Self { allow_http: config.allow_http, idle: config.patience.idle }
    }

    fn client(&self) -> reqwest::ClientBuilder {
        // An error says that somebody has chosen: whose cryptography is used matters little, that there is one does.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .no_proxy()
            .https_only(!self.allow_http)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT.min(self.idle))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let build = |client: reqwest::ClientBuilder| {
            client.build().map_err(|error| Error::Generic { store: "S3", source: Box::new(error) })
        };
        let asking = build(self.client().read_timeout(self.idle))?;
        Ok(HttpClient::new(Patient { asking, sending: build(self.client())?, idle: self.idle }))
    }
}

/// The client.
#[derive(Debug)]
struct Patient {
    /// For requests that are small: an answer has to begin, and to go on.
    asking: reqwest::Client,
    /// For requests that may be large: they have to go on.
    sending: reqwest::Client,
    idle: Duration,
}

#[async_trait]
impl HttpService for Patient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.body().content_length() <= PIECE {
            return self.asking.call(request).await;
        }
        let progress = Arc::new(AtomicU64::new(0));
        let sending = self.send(request, Arc::clone(&progress));
        tokio::pin!(sending);
        let mut seen = 0;
        loop {
            match tokio::time::timeout(self.idle, &mut sending).await {
                Ok(answer) => return answer,
                Err(_) if progress.load(Ordering::Relaxed) == seen => {
                    return Err(HttpError::new(HttpErrorKind::Timeout, io::Error::from(io::ErrorKind::TimedOut)));
                }
                Err(_) => seen = progress.load(Ordering::Relaxed),
            }
        }
    }
}

impl Patient {
    /// Sends a request in pieces, each of which is counted, and reads the answer, which is small.
    async fn send(&self, request: HttpRequest, progress: Arc<AtomicU64>) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.into_data_stream().map_ok(|block| stream::iter(pieces(block)).map(Ok)).try_flatten();
        let body = body.inspect(move |_: &Result<Bytes, HttpError>| {
            progress.fetch_add(1, Ordering::Relaxed);
        });
        let to = parts.uri.to_string().parse::<reqwest::Url>();
        let mut request = reqwest::Request::new(
            parts.method,
            to.map_err(|error| HttpError::new(HttpErrorKind::Unknown, io::Error::other(error.to_string())))?,
        );
        // Its length stands there already.
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(reqwest::Body::wrap_stream(body));
        let answer = self.sending.execute(request).await.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut answer = HttpResponse::new(answer.bytes().await.map_err(failed)?.into());
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

fn pieces(mut block: Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(block.len().div_ceil(PIECE));
    while !block.is_empty() {
        pieces.push(block.split_to(PIECE.min(block.len())));
    }
    pieces
}

/// What is sent here can be sent again, so that it matters only whether there was a connection.
fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
    HttpError::new(kind, error.without_url())
}
