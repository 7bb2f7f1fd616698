//! Requests to servers of others: webhooks, and whatever else somebody's configuration names.
//!
//! Promises: only `http` and `https`, no credentials in the address, no proxy. A redirect is an answer and is not
//! followed. With [`Reach::Public`] nothing but public addresses is connected to: what is checked is what is
//! connected to, so a name that resolves otherwise the next time gains nothing. No more of an answer is read than was
//! asked for, and nothing lasts longer than the time-out. Deliberately absent: retries, and what requests mean.

use async_trait::async_trait;
use std::{error::Error, fmt, time::Duration};
use thiserror::Error;

/// Asks servers of others.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Sends the request once and reads the answer, whatever its status is.
    async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError>;

    /// Whether a request may go to this address, as far as it can be known before one is sent: by what it says, and by
    /// where its name leads at this moment. Nothing is sent.
    async fn check(&self, url: &str, reach: Reach) -> Result<(), OutboundError>;
}

/// What is asked. Its `Debug` form hides address, headers and body: addresses are personal, headers may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundRequest {
    /// How.
    pub method: OutboundMethod,
    /// Where: an absolute `http` or `https` address.
    pub url: String,
    /// Names and values of headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Which addresses may be connected to.
    pub reach: Reach,
    /// From looking up the name to the last byte of the answer.
    pub timeout: Duration,
    /// How long the answer's body may be.
    pub answer_bytes_max: usize,
}

impl fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .field("reach", &self.reach)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundMethod {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public Internet only: nothing private, local or reserved.
    #[default]
    Public,
    /// Any. For addresses that the operator vouches for.
    Anywhere,
}

/// What was answered. Its `Debug` form hides headers and body.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundAnswer {
    /// Status code of HTTP.
    pub status: u16,
    /// Names, in lower case, and values of headers, in order. Values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, complete.
    pub body: Vec<u8>,
}

impl OutboundAnswer {
    /// The first value of a header; its name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for OutboundAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundAnswer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no answer. Messages and causes never say the address.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// It is no absolute `http` or `https` address, or holds credentials.
    #[error("the address is not one of http or https without credentials")]
    InvalidUrl,
    /// It leads to where the request may not go.
    #[error("the address does not lead to the public Internet")]
    Forbidden,
    /// Its name has no address.
    #[error("the name in the address cannot be resolved")]
    Unresolved,
    /// No connection, a broken one, or no answer of HTTP. Also a request that cannot be put into HTTP.
    #[error("the server could not be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// There was no complete answer in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The answer's body is longer than it may be.
    #[error("the answer is longer than it may be")]
    TooLarge,
}
