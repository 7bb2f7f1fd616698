//! A body that arrives piece by piece. Nothing is gathered: a piece is asked for when the one before is dealt with, so
//! that a fast client fills no memory and a slow one holds nothing but its connection, and not for ever.

use crate::{
    api::Api,
    problem::{Code, Problem},
};
use axum::body::Body;
use bytes::Bytes;
use domain::value::Sha256;
use http_body_util::BodyExt;
use sha2::Digest;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A body that arrives.
pub(crate) struct Arriving {
    body: Body,
    /// Longest time until the next piece.
    stall: Duration,
    stop: CancellationToken,
    /// The digest of all that came, where somebody asks for it.
    whole: Option<sha2::Sha256>,
}

impl Arriving {
    /// The body of a request to this server.
    pub fn new(body: Body, api: &Api) -> Self {
        Self::of(body, api.upload_limits.stall, api.stop.clone())
    }

    /// A body whose next piece is waited for so long, unless the server is to stop.
    pub(super) fn of(body: Body, stall: Duration, stop: CancellationToken) -> Self {
        Self { body, stall, stop, whole: None }
    }

    /// Computes the digest of everything that comes.
    pub fn digesting(self) -> Self {
        Self { whole: Some(sha2::Sha256::new()), ..self }
    }

    /// The next piece; `None` at the end. After a problem there is no more.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let frame = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Problem::new(Code::NotReady).retry_after(5)),
                frame = timeout(self.stall, self.body.frame()) => frame,
            };
            let Some(frame) = frame.map_err(|_| Problem::new(Code::BodyTooSlow))? else {
                return Ok(None);
            };
            let frame = frame.map_err(|_| Problem::new(Code::BodyIncomplete))?;
            // Trailers say nothing here.
            let Ok(data) = frame.into_data() else { continue };
            if let Some(whole) = &mut self.whole {
                whole.update(&data);
            }
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    /// The digest of what came so far.
    pub fn digest(&self) -> Option<Sha256> {
        self.whole.as_ref().map(|whole| Sha256::new(whole.clone().finalize().into()))
    }
}
