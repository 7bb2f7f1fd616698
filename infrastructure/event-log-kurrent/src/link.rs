//! The connection: every call has a bound, and a client whose connection failed is replaced. (The client's own task
//! ends for good when no node answers, and keeps to a node that went away.)

use crate::{address::Address, error::KurrentError};
use kurrentdb::{
    AppendToStreamOptions, Client, Error, EventData, Position, ReadAllOptions, ReadStream, ReadStreamOptions,
    RecordedEvent, StreamPosition, StreamState, SubscribeToAllOptions, Subscription, SubscriptionFilter,
};
use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};

/// How long the server may take for one call, or for the next event of a page.
pub(crate) const CALL: Duration = Duration::from_secs(10);

/// Events that the server looks through for one page of a filtered read before it looks again; more than any page.
const WINDOW: u32 = 4_096;

/// Events in a page. The client gives each event 17 MiB at most.
pub(crate) const PAGE: usize = 512;

/// Codes of gRPC for calls that may succeed when they are repeated: cancelled, resource exhausted, aborted.
const PASSING: [i32; 3] = [1, 8, 10];

/// From where a stream or `$all` is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The first event, forwards.
    Start,
    /// This revision (from 0) or position, forwards, itself included.
    At(u64),
    /// The last event, backwards.
    End,
}

/// A client for one use, and which one it is.
struct Lent {
    client: Client,
    generation: u64,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    generation: u64,
    is_closed: bool,
}

/// The connection to the server.
pub(crate) struct Link {
    address: Address,
    state: Mutex<State>,
}

impl Link {
    /// To the server of this address, which is asked for the first time when something is asked.
    pub fn new(address: Address) -> Self {
        Self { address, state: Mutex::default() }
    }

    /// What the names of this log's streams begin with.
    pub fn prefix(&self) -> &str {
        &self.address.prefix
    }

    /// Later calls are refused.
    pub fn close(&self) {
        let mut state = self.state();
        (state.is_closed, state.client) = (true, None);
    }

    /// Appends to a stream that must end with this revision, from 1; 0 when it must not exist. `false` when it ends
    /// elsewhere.
    pub async fn append(&self, stream: &str, revision: u64, events: Vec<EventData>) -> Result<bool, KurrentError> {
        let expected = revision.checked_sub(1).map_or(StreamState::NoStream, StreamState::StreamRevision);
        let mut options = AppendToStreamOptions::default().stream_state(expected).requires_leader(true).deadline(CALL);
        if let Some(who) = &self.address.credentials {
            options = options.authenticated(who.clone());
        }
        let lent = self.lend()?;
        match self.within(&lent, lent.client.append_to_stream(stream, &options, events)).await {
            Ok(_) => Ok(true),
            Err(Error::WrongExpectedVersion { .. }) => Ok(false),
            Err(error) => Err(self.told(error)),
        }
    }

    /// Events of a stream; none when there is no such stream.
    pub async fn read_stream(
        &self,
        stream: &str,
        from: Place,
        count: usize,
    ) -> Result<Vec<RecordedEvent>, KurrentError> {
        let from = match from {
            Place::Start => StreamPosition::Start,
            Place::At(revision) => StreamPosition::Position(revision),
            Place::End => StreamPosition::End,
        };
        let mut options =
            ReadStreamOptions::default().position(from).max_count(count).requires_leader(true).deadline(CALL);
        if let Some(who) = &self.address.credentials {
            options = options.authenticated(who.clone());
        }
        let lent = self.lend()?;
        let page = match self.within(&lent, lent.client.read_stream(stream, &options)).await {
            Ok(page) => page,
            Err(Error::ResourceNotFound) => return Ok(vec![]),
            Err(error) => return Err(self.told(error)),
        };
        match self.page(&lent, page, count, None).await {
            (events, None) => Ok(events),
            (_, Some(Error::ResourceNotFound)) => Ok(vec![]),
            (_, Some(error)) => Err(self.told(error)),
        }
    }

    /// Events of `$all`: of this log only, or of everybody. Ends early with the event at or after `until`. Gives what
    /// was read before a failure, too.
    pub async fn read_all(
        &self,
        from: Place,
        count: usize,
        is_filtered: bool,
        until: Option<u64>,
    ) -> Result<(Vec<RecordedEvent>, Option<KurrentError>), KurrentError> {
        let from = match from {
            Place::Start => StreamPosition::Start,
            Place::At(position) => StreamPosition::Position(whole(position)),
            Place::End => StreamPosition::End,
        };
        let mut options =
            ReadAllOptions::default().position(from).max_count(count).requires_leader(true).deadline(CALL);
        if is_filtered {
            options = options.filter(self.filter());
        }
        if let Some(who) = &self.address.credentials {
            options = options.authenticated(who.clone());
        }
        let lent = self.lend()?;
        let page = self.within(&lent, lent.client.read_all(&options)).await.map_err(|error| self.told(error))?;
        let (events, error) = self.page(&lent, page, count, until).await;
        Ok((events, error.map(|error| self.told(error))))
    }

    /// Follows `$all` after a position, this log's events only.
    pub async fn follow(&self, after: Option<Position>) -> Result<Subscription, KurrentError> {
        let from = after.map_or(StreamPosition::Start, StreamPosition::Position);
        let mut options = SubscribeToAllOptions::default().position(from).filter(self.filter());
        if let Some(who) = &self.address.credentials {
            options = options.authenticated(who.clone());
        }
        Ok(self.lend()?.client.subscribe_to_all(&options).await)
    }

    /// Makes the next call use a new client. For failures of a subscription, which no call of this link has seen.
    pub fn renew(&self) {
        self.state().client = None;
    }

    /// What a failure means.
    pub fn told(&self, error: Error) -> KurrentError {
        let place = self.address.place.clone();
        let reason = match error {
            Error::AccessDenied => return KurrentError::Denied,
            Error::DeadlineExceeded => return KurrentError::Late { seconds: CALL.as_secs() },
            Error::GrpcConnectionError(error) => error.to_string(),
            Error::ServerError(reason) => reason,
            Error::ConnectionClosed => "the connection is closed".to_owned(),
            Error::NotLeaderException(_) => "another node leads".to_owned(),
            Error::Grpc { code, message } if PASSING.contains(&(code as i32)) => message,
            Error::InitializationError(reason) => return KurrentError::Setup(reason),
            Error::ResourceDeleted => return KurrentError::Foreign("the stream was deleted"),
            other => return KurrentError::Server(other.to_string()),
        };
        KurrentError::Unreachable { place, reason: said(&reason) }
    }

    /// A failure to connect, told more exactly: the client does not say whether somebody is there at all.
    pub async fn explained(&self, error: KurrentError) -> KurrentError {
        let KurrentError::Unreachable { place, reason } = error else { return error };
        let hosts = self.address.settings.hosts();
        if let Some(host) = hosts.first().filter(|_| self.address.settings.is_secure_mode_enabled()) {
            let there = (host.host.as_str(), u16::try_from(host.port).unwrap_or(0));
            if matches!(timeout(CALL, TcpStream::connect(there)).await, Ok(Ok(_))) {
                return KurrentError::Tls { place };
            }
        }
        KurrentError::Unreachable { place, reason }
    }

    /// Only streams of this log. System streams and links have other names.
    fn filter(&self) -> SubscriptionFilter {
        SubscriptionFilter::on_stream_name().add_prefix(&self.address.prefix).max(WINDOW)
    }

    /// The events of a page, and the failure that cut it short.
    async fn page(
        &self,
        lent: &Lent,
        mut page: ReadStream,
        count: usize,
        until: Option<u64>,
    ) -> (Vec<RecordedEvent>, Option<Error>) {
        let mut events: Vec<RecordedEvent> = Vec::new();
        while events.len() < count {
            match self.within(lent, page.next()).await {
                Ok(Some(event)) => events.extend(event.event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
            if until.zip(events.last()).is_some_and(|(until, last)| last.position.commit >= until) {
                break;
            }
        }
        (events, None)
    }

    /// What comes of a call within its time. A client whose connection failed is not lent again.
    async fn within<T>(
        &self,
        lent: &Lent,
        call: impl Future<Output = kurrentdb::Result<T>> + Send,
    ) -> kurrentdb::Result<T> {
        let answer = timeout(CALL, call).await.unwrap_or(Err(Error::DeadlineExceeded));
        if answer.as_ref().is_err_and(is_broken) {
            let mut state = self.state();
            if state.generation == lent.generation {
                state.client = None;
            }
        }
        answer
    }

    fn lend(&self) -> Result<Lent, KurrentError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(KurrentError::Closed);
        }
        if let Some(client) = state.client.clone() {
            return Ok(Lent { client, generation: state.generation });
        }
        let client = Client::new(self.address.settings.clone());
        let client = client.map_err(|error| KurrentError::Setup(first_line(&error.to_string())))?;
        state.client = Some(client.clone());
        state.generation += 1;
        Ok(Lent { client, generation: state.generation })
    }

    /// Every state is whole at every moment, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an event in `$all`: outside explicit transactions, which this log does not use, both parts are the same.
pub(crate) fn whole(position: u64) -> Position {
    Position { commit: position, prepare: position }
}

/// Whether it is the connection that failed.
fn is_broken(error: &Error) -> bool {
    matches!(
        error,
        Error::ServerError(_) | Error::ConnectionClosed | Error::GrpcConnectionError(_) | Error::DeadlineExceeded
    )
}

/// The message alone, where the client shows all that it has.
fn said(text: &str) -> String {
    let message = text.split_once("message: \"").and_then(|(_, rest)| rest.split_once('"')).map(|(message, _)| message);
    first_line(message.unwrap_or(text))
}

/// What stands in a sentence: servers answer with whole pages, too.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}
