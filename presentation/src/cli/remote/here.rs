//! Requests that this process answers itself, since nobody else owns the data folder.

use super::{Answer, Ask, Verb};
use crate::{
    config::Loaded,
    exit::Failure,
    home::{Home, Ownership},
    serve::quiet::Quiet,
};
use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use http_api::{DRAGOMAN_POSITION, local};

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The API in this process, over a data folder that it owns until it is closed.
pub struct Here {
    api: Quiet,
    _owned: Ownership,
}

impl Here {
    /// Opens the folder and brings its read models up to date.
    pub async fn open(owned: Ownership, home: &Home, loaded: &Loaded) -> Result<Self, Failure> {
        Ok(Self { api: Quiet::open(home, &loaded.config).await?, _owned: owned })
    }

    /// Answers a request; what it writes is in the read models afterwards.
    pub async fn send(&self, ask: &Ask) -> Result<Answer, Failure> {
        let builder = Request::builder().method(method(ask.verb)).uri(&ask.path);
        let builder = builder.header(header::AUTHORIZATION, format!("Bearer {}", self.api.token));
        let request = match &ask.body {
            Some(body) => builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            None => builder.body(Body::empty()),
        };
        let request = request.map_err(|error| Failure::internal(&error))?;
        let (head, body) = local(&self.api.router, request).await.into_parts();
        let body = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|error| Failure::internal(&error))?;
        let number = |name| head.headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
        let position = number(DRAGOMAN_POSITION);
        if position.is_some() {
            self.api.catch_up().await?;
        }
        let retry_after = number(header::RETRY_AFTER);
        Ok(Answer { status: head.status.as_u16(), position, retry_after, body: body.to_vec() })
    }

    /// Writes down what is still to be noted.
    pub async fn close(self) -> Result<(), Failure> {
        self.api.close().await
    }
}

fn method(verb: Verb) -> Method {
    match verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
    }
}
