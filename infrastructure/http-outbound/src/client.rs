//! The adapter: one client per reach.

use crate::{
    lookup::{CheckedResolver, Lookup, LookupError, SystemLookup, checked},
    reach::is_public,
};
use application::ports::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundMethod, OutboundRequest, Reach};
use async_trait::async_trait;
use reqwest::{
    Client, Method, Request, Response, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use std::{error::Error, net::IpAddr, sync::Arc, time::Duration};
use thiserror::Error;

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(20);
/// How many of these per server.
const IDLE_MAX: usize = 4;
/// How long a name may take to be looked up when nothing is sent.
const LOOKUP: Duration = Duration::from_secs(5);

/// Asks servers of others.
pub struct HttpOutbound {
    public: Client,
    anywhere: Client,
    lookup: Arc<dyn Lookup>,
}

/// Nothing can be asked: certificates cannot be checked here.
#[derive(Debug, Error)]
#[error("requests to other servers cannot be made: the system's trust store could not be used")]
pub struct SetupError(#[source] reqwest::Error);

impl HttpOutbound {
    /// Ready to ask. `name` is what it calls itself, as `User-Agent`. Reads the system's trust store.
    pub fn try_new(name: &str) -> Result<Self, SetupError> {
        Self::with_lookup(name, Arc::new(SystemLookup))
    }

    /// With names from elsewhere.
    pub(crate) fn with_lookup(name: &str, lookup: Arc<dyn Lookup>) -> Result<Self, SetupError> {
        // An error means that the process has a provider already: any will do.
        crate::choose_cryptography();
        let client = |reach| client(name, CheckedResolver { lookup: Arc::clone(&lookup), reach });
        Ok(Self { public: client(Reach::Public)?, anywhere: client(Reach::Anywhere)?, lookup })
    }
}

/// A client with nothing that a request did not ask for.
fn client(name: &str, resolver: CheckedResolver) -> Result<Client, SetupError> {
    Client::builder()
        .user_agent(name)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(Arc::new(resolver))
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_MAX)
        .build()
        .map_err(SetupError)
}

#[async_trait]
impl Outbound for HttpOutbound {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let (timeout, answer_bytes_max) = (request.timeout, request.answer_bytes_max);
        let client = match request.reach {
            Reach::Public => &self.public,
            Reach::Anywhere => &self.anywhere,
        };
        let request = prepared(request)?;
        let work = async {
            let response = client.execute(request).await.map_err(failed)?;
            answered(response, answer_bytes_max).await
        };
        tokio::time::timeout(timeout, work).await.unwrap_or(Err(OutboundError::TimedOut))
    }

    async fn check(&self, url: &str, reach: Reach) -> Result<(), OutboundError> {
        let url = allowed(url, reach)?;
        let (Reach::Public, Some(name)) = (reach, url.domain()) else { return Ok(()) };
        let found = tokio::time::timeout(LOOKUP, self.lookup.addresses(name)).await;
        let found = found.map_err(|_| OutboundError::TimedOut)?.map_err(|_| OutboundError::Unresolved)?;
        checked(found, reach).map(drop).map_err(|error| refused(&error))
    }
}

/// The request in the client's terms, if it may be made.
fn prepared(request: OutboundRequest) -> Result<Request, OutboundError> {
    let url = allowed(&request.url, request.reach)?;
    let mut prepared = Request::new(method(request.method), url);
    *prepared.headers_mut() = headers(&request.headers)?;
    if !request.body.is_empty() {
        *prepared.body_mut() = Some(request.body.into());
    }
    Ok(prepared)
}

/// The address, if a request may go there as far as it can be known before its name is looked up.
fn allowed(text: &str, reach: Reach) -> Result<Url, OutboundError> {
    let url = Url::parse(text).map_err(|_| OutboundError::InvalidUrl)?;
    let is_http = matches!(url.scheme(), "http" | "https");
    if !is_http || !url.username().is_empty() || url.password().is_some() {
        return Err(OutboundError::InvalidUrl);
    }
    // Parsing has brought every spelling of an IPv4 address (decimal, hexadecimal, octal, short) into the usual form.
    let host = url.host_str().ok_or(OutboundError::InvalidUrl)?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match (reach, literal) {
        // Addresses are not looked up, so the resolver never sees them.
        (Reach::Public, Ok(address)) if !is_public(address) => Err(OutboundError::Forbidden),
        (Reach::Public | Reach::Anywhere, Ok(_) | Err(_)) => Ok(url),
    }
}

fn method(method: OutboundMethod) -> Method {
    match method {
        OutboundMethod::Get => Method::GET,
        OutboundMethod::Post => Method::POST,
        OutboundMethod::Put => Method::PUT,
        OutboundMethod::Patch => Method::PATCH,
        OutboundMethod::Delete => Method::DELETE,
    }
}

fn headers(wanted: &[(String, String)]) -> Result<HeaderMap, OutboundError> {
    let mut headers = HeaderMap::new();
    for (name, value) in wanted {
        let name: HeaderName = name.parse().map_err(unspeakable)?;
        let mut value: HeaderValue = value.parse().map_err(unspeakable)?;
        // Kept out of the tables of HTTP/2, and of everything that is printed.
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn unspeakable(error: impl Error + Send + Sync + 'static) -> OutboundError {
    OutboundError::Unreachable(Box::new(error))
}

/// Reads the answer, and no more of it than may be.
async fn answered(mut response: Response, bytes_max: usize) -> Result<OutboundAnswer, OutboundError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |announced| announced > bytes_max) {
        return Err(OutboundError::TooLarge);
    }
    let status = response.status().as_u16();
    let text = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    let headers = response.headers().iter().filter_map(text).collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if chunk.len() > bytes_max - body.len() {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(OutboundAnswer { status, headers, body })
}

/// What went wrong. The address, which the client's errors say, is left out.
fn failed(error: reqwest::Error) -> OutboundError {
    let error = error.without_url();
    if let Some(known) = lookup_error(&error) {
        return refused(known);
    }
    if error.is_timeout() { OutboundError::TimedOut } else { OutboundError::Unreachable(Box::new(error)) }
}

fn refused(error: &LookupError) -> OutboundError {
    match error {
        LookupError::Unresolved => OutboundError::Unresolved,
        LookupError::Forbidden => OutboundError::Forbidden,
    }
}

/// What the resolver said, if it is the cause.
fn lookup_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a LookupError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<LookupError>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
