//! Sends batches of spans to the collector: one request per batch, each on a connection of its own.
//!
//! Called only from the exporter's own thread, never from one that works. A failure is said once, and once more when
//! it is over: spans are an aid, and dropping them changes no result.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::{net::TcpStream, runtime, time::timeout};

/// For one batch, from connecting to the end of the answer.
const EXCHANGE_MAX: Duration = Duration::from_secs(3);
/// What is read of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Where HTTP listens when nothing is said.
const PORT: u16 = 80;

/// The way to the collector.
#[derive(Debug)]
pub(crate) struct Collector {
    /// Gone only while this is dropped.
    runtime: Option<runtime::Runtime>,
    is_failing: AtomicBool,
}

impl Collector {
    /// Nothing is connected yet.
    pub(crate) fn try_new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime: Some(runtime), is_failing: AtomicBool::new(false) })
    }

    fn note(&self, failure: Option<&str>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(reason) if !was_failing => {
                tracing::warn!(reason, "the trace collector does not take spans; they are dropped until it does");
            }
            None if was_failing => tracing::info!("the trace collector takes spans again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let Some(runtime) = &self.runtime else { return Err("the collector's runtime has ended".into()) };
        // The exporter's thread belongs to no runtime, and waits here for the whole exchange.
        let answer = runtime.block_on(async { timeout(EXCHANGE_MAX, exchange(request)).await });
        let answer = answer.unwrap_or_else(|_elapsed| Err("it did not answer in time".into()));
        match &answer {
            Ok(response) if response.status().is_success() => self.note(None),
            Ok(response) => self.note(Some(&format!("it answered {}", response.status()))),
            Err(error) => self.note(Some(&error.to_string())),
        }
        answer
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Waiting for it would panic where the last owner is itself asynchronous.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn exchange(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let host = parts.uri.host().ok_or("no host")?.trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((host, parts.uri.port_u16().unwrap_or(PORT))).await?;
    if let Some(authority) = parts.uri.authority() {
        parts.headers.insert(header::HOST, HeaderValue::from_str(authority.as_str())?);
    }
    // A server is asked for a path, not for an address.
    parts.uri = parts.uri.path().parse::<Uri>()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answer = async {
        let (parts, body) = sender.send_request(Request::from_parts(parts, Full::new(body))).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
    .await;
    connection.abort();
    answer
}
