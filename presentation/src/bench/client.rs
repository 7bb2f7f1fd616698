//! One connection of HTTP/1.1 that is kept open. No pool, no redirects, no retries: they would be measured too.

use super::server::Target;
use crate::exit::{Exit, Failure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body, Incoming},
    client::conn::http1,
    header,
    http::request::Builder,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A body that is there at once.
pub type Text = Full<Bytes>;

/// A connection that stays open.
pub struct Connection<B> {
    sender: http1::SendRequest<B>,
}

/// An answer, read to its end.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl<B> Connection<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// To this server.
    pub async fn open(target: &Target) -> Result<Self, Failure> {
        let address = target.address;
        let stream = TcpStream::connect(address).await.map_err(|error| {
            Failure::new(Exit::Internal, format!("cannot connect to {address} ({}); is a server there?", error.kind()))
        })?;
        stream.set_nodelay(true).map_err(|error| Failure::internal(&error))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| Failure::internal(&error))?;
        tokio::spawn(async move {
            // Whoever waits for an answer hears of the error.
            let _closed = connection.await;
        });
        Ok(Self { sender })
    }

    /// Sends a request, and returns with the head of its answer.
    pub async fn send(&mut self, request: Request<B>) -> Result<Response<Incoming>, Failure> {
        self.sender.ready().await.map_err(|error| Failure::internal(&error))?;
        self.sender.send_request(request).await.map_err(|error| Failure::internal(&error))
    }

    /// Sends a request, and reads its answer.
    pub async fn ask(&mut self, request: Request<B>) -> Result<Answer, Failure> {
        let (head, body) = self.send(request).await?.into_parts();
        let body = body.collect().await.map_err(|error| Failure::internal(&error))?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Answer {
    /// This answer if it says that all is well, and what it says otherwise.
    pub fn well(self) -> Result<Self, Failure> {
        if self.status.is_success() {
            return Ok(self);
        }
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = problem["code"].as_str().unwrap_or("no code");
        Err(Failure::new(Exit::Internal, format!("the server answered {} ({code})", self.status)))
    }

    /// Its document.
    pub fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::internal(&error))
    }

    /// A header that is a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A request of somebody who may.
pub fn request(target: &Target, method: Method, path: &str) -> Builder {
    let builder = Request::builder().method(method).uri(path).header(header::HOST, target.address.to_string());
    match &target.token {
        Some(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => builder,
    }
}

/// With this body, of which the server is told.
pub fn with_json(builder: Builder, body: &Value) -> Result<Request<Text>, Failure> {
    let builder = builder.header(header::CONTENT_TYPE, "application/json");
    with_body(builder, Full::from(body.to_string()))
}

/// With this body.
pub fn with_body<B>(builder: Builder, body: B) -> Result<Request<B>, Failure> {
    builder.body(body).map_err(|error| Failure::internal(&error))
}

/// Asks once, over a connection of its own; refuses an answer that says no.
pub async fn once(target: &Target, request: Request<Text>) -> Result<Answer, Failure> {
    Connection::open(target).await?.ask(request).await?.well()
}

/// Reads a document.
pub async fn get(target: &Target, path: &str) -> Result<Answer, Failure> {
    once(target, with_body(request(target, Method::GET, path), Text::default())?).await
}

/// Sends a document.
pub async fn post(target: &Target, path: &str, body: &Value) -> Result<Answer, Failure> {
    once(target, with_json(request(target, Method::POST, path), body)?).await
}
