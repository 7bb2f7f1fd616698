//! Ready answers in memory, so that a hot read costs no query.
//!
//! An answer is kept under its tenant, path and query, with tags that say what it was made from. Who applies events to
//! the read models calls [`AnswerCache::invalidate`] for what they changed, and only then announces the position: so an
//! answer from here holds for every position announced before it was asked for. Of those who ask for the same answer
//! at once, one makes it. What is deliberately absent: a time to live.

mod changes;
mod shelf;

use crate::{answer::ETag, api::Api, extract::Caller, pages::Page, problem::Problem};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use bytes::Bytes;
use serde::Serialize;
use shelf::Shelf;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// What an answer was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// One thing: a dubbing, an asset, a project.
    One(Uuid),
    /// Lists of rows of a table: `jobs`.
    List(&'static str),
}

/// A complete answer of status 200. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Ready {
    body: Bytes,
    tag: ETag,
    position: u64,
    link: Option<HeaderValue>,
}

/// Keeps answers; bounded by bytes. Cloning is cheap.
#[derive(Clone)]
pub struct AnswerCache(Arc<Mutex<State>>);

struct State {
    shelf: Shelf,
    /// Answers that are being made.
    flights: HashMap<Arc<str>, Arc<Flight>>,
}

/// An answer that is being made. Once something that it is made from changes, it is no current flight any more: who
/// waits for it gets it, but it is not kept.
struct Flight {
    tags: Vec<Tag>,
    answer: OnceCell<Ready>,
}

/// Somebody who waits for a flight. The last one to leave without an answer takes the flight away.
struct Seat<'a> {
    cache: &'a AnswerCache,
    key: Arc<str>,
    flight: Arc<Flight>,
}

impl Ready {
    /// A JSON answer whose tag is made from its content.
    pub fn json(value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(Problem::internal)?;
        let tag = ETag::content(&body);
        Ok(Self::new(body.into(), tag))
    }

    /// A page of a list, with the link to the next one.
    pub fn page<T: Serialize>(page: &Page<T>, uri: &Uri) -> Result<Self, Problem> {
        Ok(Self { link: page.link(uri), ..Self::json(page)? })
    }

    /// A JSON answer about a stream at this revision, and what else it holds.
    pub fn of_revision(revision: u64, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(Problem::internal)?;
        let tag = ETag::revision_of(revision, &body);
        Ok(Self::new(body.into(), tag))
    }

    /// The position that it holds for at least.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The answer to a request with these headers: 304 when the client has it already.
    pub fn answer(self, headers: &HeaderMap) -> Response {
        let known = self.tag.known(headers);
        let mut response = Response::new(if known.is_some() { Body::empty() } else { Body::from(self.body) });
        if known.is_some() {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        // Kept by the client, but asked for each time: a tag costs little.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response.headers_mut().insert(header::ETAG, known.unwrap_or_else(|| self.tag.header()));
        if let Some(link) = self.link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }

    fn new(body: Bytes, tag: ETag) -> Self {
        Self { body, tag, position: 0, link: None }
    }
}

impl AnswerCache {
    /// Keeps at most so many bytes of keys and bodies.
    pub fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Mutex::new(State { shelf: Shelf::new(bytes_max), flights: HashMap::new() })))
    }

    /// The answer under this key, made by `make` if it is not there. `position` is what the read models had reached
    /// before.
    pub async fn get_or_make<F>(
        &self,
        key: &str,
        tags: &[Tag],
        position: u64,
        make: impl FnOnce() -> F,
    ) -> Result<Ready, Problem>
    where
        F: Future<Output = Result<Ready, Problem>>,
    {
        let seat = {
            let mut state = self.state();
            if let Some(ready) = state.shelf.get(key) {
                return Ok(ready);
            }
            let (key, flight) = state.board(key, tags);
            Seat { cache: self, key, flight }
        };
        let make = || async { Ok::<_, Problem>(Ready { position, ..make().await? }) };
        let ready = seat.flight.answer.get_or_try_init(make).await?.clone();
        let mut state = self.state();
        if seat.is_current(&state) {
            state.flights.remove(&seat.key);
            state.shelf.put(seat.key.clone(), ready.clone(), &seat.flight.tags);
        }
        // The seat locks the state when it is left.
        drop(state);
        Ok(ready)
    }

    /// Forgets everything that was made from one of these.
    pub fn invalidate(&self, tags: &[Tag]) {
        let mut state = self.state();
        state.shelf.remove(tags);
        state.flights.retain(|_, flight| !flight.tags.iter().any(|tag| tags.contains(tag)));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut state = self.state();
        state.shelf.clear();
        state.flights.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn board(&mut self, key: &str, tags: &[Tag]) -> (Arc<str>, Arc<Flight>) {
        if let Some((key, flight)) = self.flights.get_key_value(key) {
            return (key.clone(), flight.clone());
        }
        let key: Arc<str> = key.into();
        let flight = Flight { tags: tags.to_vec(), answer: OnceCell::new() };
        let flight = Arc::new(flight);
        self.flights.insert(key.clone(), flight.clone());
        (key, flight)
    }
}

impl Seat<'_> {
    fn is_current(&self, state: &State) -> bool {
        state.flights.get(&self.key).is_some_and(|current| Arc::ptr_eq(current, &self.flight))
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut state = self.cache.state();
        // One of the two is the state's own.
        if self.is_current(&state) && Arc::strong_count(&self.flight) == 2 {
            state.flights.remove(&self.key);
        }
    }
}

impl Api {
    /// The answer to a query: from the cache, or made and kept there. Its key is the caller's tenant with path and
    /// query.
    pub async fn cached<F>(
        &self,
        caller: &Caller,
        uri: &Uri,
        tags: &[Tag],
        make: impl FnOnce() -> F,
    ) -> Result<Ready, Problem>
    where
        F: Future<Output = Result<Ready, Problem>>,
    {
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let tenant = caller.tenant().0.as_str();
        let mut key = String::with_capacity(tenant.len() + 1 + target.len());
        key.extend([tenant, "\n", target]);
        let position = *self.applied.borrow();
        self.cache.get_or_make(&key, tags, position, make).await
    }
}

#[cfg(test)]
mod tests;
