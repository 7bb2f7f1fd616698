//! The event bus over NATS JetStream, for servers from 2.9 on: notices for the installation's own processes, and events
//! for outsiders.
//!
//! Two streams: one of events for outsiders, `<events prefix>.<category>.<EventType>`, of which the oldest go when there are
//! too many, and one of notices, `<prefix>.log.<category>`, with the last of each category. A page's messages are sent
//! without waiting for each, but the server takes each only as the next after the one before it: so they stand in order,
//! whatever is lost on the way and however many relays there are.
//!
//! Deliberately absent: what is told (`application::relay`), and consumers for outsiders, who make their own.

mod error;
mod message;
mod notices;
mod settings;
mod streams;

pub use error::NatsBusError;
pub use message::{POSITION, STREAM, TENANT};
pub use nats_connection::{Login, Servers, Storage, Tls};
pub use notices::NatsNotices;
pub use settings::Settings;

use application::ports::event_bus::{BusError, BusPage, EventBus, Fence, Held};
use async_trait::async_trait;
use message::{Found, Ready, chain, found};
use nats_connection::{Kept, Link, NatsError, mark};
use serde_json::{Value, json};
use settings::Prefixes;
use streams::{A_NOTICE, AN_EVENT, PURPOSE, Streams, notices_subjects};

#[cfg(test)]
mod tests;

/// The stream's last message is another one than was expected: by id, and by number.
const ANOTHER_IS_LAST: [u64; 2] = [10_070, 10_071];
/// A message was meant for another stream.
const ANOTHER_STREAM: u64 = 10_060;
/// There is no such message.
const NO_MESSAGE: u64 = 10_037;

/// The bus.
pub struct NatsEventBus {
    link: Link,
    prefixes: Prefixes,
    streams: Streams,
}

/// What stood in the way of publishing.
enum Hindrance {
    Moved,
    Error(NatsBusError),
}

impl NatsEventBus {
    /// Connects, and makes on the server what is missing there. Fails when the server is not as it must be, and has then
    /// started nothing.
    pub async fn connect(servers: &Servers, settings: &Settings) -> Result<Self, NatsBusError> {
        let prefixes = settings.prefixes()?;
        let link = Link::connect(servers, &prefixes.own, PURPOSE).await?;
        let streams = Streams::new(&link, &prefixes, settings);
        let bus = Self { link, prefixes, streams };
        match bus.begin().await {
            Ok(()) => Ok(bus),
            Err(error) => Err(bus.link.explain(error).into()),
        }
    }

    async fn begin(&self) -> Result<(), NatsError> {
        self.link.require_jetstream().await?;
        self.streams.events.stream().await?;
        self.streams.notices.stream().await?;
        // Whether this user may publish there is only found out by doing so: these are meant for another stream, so that
        // none takes them.
        for (what, prefix, below) in
            [(AN_EVENT, &self.prefixes.events, "try"), (A_NOTICE, &self.prefixes.own, "log.try")]
        {
            match self.link.ask_in_order(what, vec![message::probe(prefix, below)]).await {
                Ok(_) | Err(NatsError::Refused { code: ANOTHER_STREAM, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The notices that come to this installation, over the same connection.
    pub async fn notices(&self) -> Result<NatsNotices, NatsBusError> {
        NatsNotices::over(self.link.clone(), self.prefixes.own.clone()).await
    }

    /// With the reason for a silence, if there is one.
    fn explained(&self, error: NatsBusError) -> NatsBusError {
        match error {
            NatsBusError::Server(error) => self.link.explain(error).into(),
            NatsBusError::Overlap { .. } | NatsBusError::Age(_) => error,
        }
    }

    async fn look(&self) -> Result<Held, NatsBusError> {
        // What somebody else made anew has other numbers.
        self.streams.doubt().await;
        let (events, notices) = (&self.streams.events, &self.streams.notices);
        let all_events = format!("{}.>", self.prefixes.events.as_str());
        let (events, notices) = futures::try_join!(
            self.last(events, AN_EVENT, all_events),
            self.last(notices, A_NOTICE, notices_subjects(&self.prefixes.own)),
        )?;
        let noticed = notices.found.filter(|found| found.incarnation.as_ref() == Some(&events.incarnation));
        Ok(Held {
            published: events.found.and_then(|found| found.mark),
            noticed: noticed.and_then(|found| found.mark),
            fence: Fence { incarnation: events.incarnation, events: events.last, notices: notices.last },
        })
    }

    /// The end of a stream.
    async fn last(&self, stream: &Kept<()>, what: &'static str, subjects: String) -> Result<End, NatsError> {
        stream.stream().await?;
        let name = stream.name();
        let info = self.link.api(what, &format!("STREAM.INFO.{name}"), &Value::Null).await?;
        let found = last_of(&self.link, what, name, subjects).await?;
        // A message that came in between is the last one; one that is gone has left its number behind.
        let last = info.pointer("/state/last_seq").and_then(Value::as_u64).unwrap_or_default();
        let last = last.max(found.as_ref().map_or(0, |found| found.sequence));
        Ok(End { incarnation: mark(&info), last, found })
    }

    async fn put(&self, upon: &Fence, page: &BusPage) -> Result<Fence, Hindrance> {
        if self.streams.events.stream().await.map_err(NatsBusError::from)?.mark != upon.incarnation {
            return Err(Hindrance::Moved);
        }
        let told = page.events.iter().map(|event| message::told(&self.prefixes.events, event)).collect();
        let events = self.send(AN_EVENT, told, upon.events).await?;
        let noticed = page.notices.iter().map(|notice| message::notice(&self.prefixes.own, notice, &upon.incarnation));
        let notices = self.send(A_NOTICE, noticed.collect(), upon.notices).await?;
        Ok(Fence { incarnation: upon.incarnation.clone(), events, notices })
    }

    /// Sends messages that are to follow the one of this number; gives the number of the last.
    async fn send(&self, what: &'static str, mut messages: Vec<Ready>, last: u64) -> Result<u64, Hindrance> {
        chain(&mut messages, last);
        let questions = messages.into_iter().map(|message| message.question).collect();
        let answers = match self.link.ask_in_order(what, questions).await {
            Err(NatsError::Refused { code, .. }) if ANOTHER_IS_LAST.contains(&code) => return Err(Hindrance::Moved),
            answers => answers.map_err(NatsBusError::from)?,
        };
        // What was there before, in its place, is there.
        let kept = answers.iter().map(|answer| answer.get("seq").and_then(Value::as_u64).unwrap_or_default());
        if kept.zip(last + 1..).any(|(kept, due)| kept != due) {
            return Err(Hindrance::Moved);
        }
        Ok(last + answers.len() as u64)
    }
}

/// The end of a stream.
struct End {
    /// When it was made.
    incarnation: String,
    /// The number of its last message, be it there or not.
    last: u64,
    /// The last one that is there.
    found: Option<Found>,
}

/// The last message of a stream under these subjects.
pub(crate) async fn last_of(
    link: &Link,
    what: &'static str,
    stream: &str,
    subjects: String,
) -> Result<Option<Found>, NatsError> {
    let name = format!("STREAM.MSG.GET.{stream}");
    match link.api(what, &name, &json!({ "last_by_subj": subjects })).await {
        Ok(answer) => {
            let found = found(&answer);
            if found.mark.is_none() {
                tracing::warn!(stream, sequence = found.sequence, "somebody else has published on the event bus");
            }
            Ok(Some(found))
        }
        Err(NatsError::Refused { code: NO_MESSAGE, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl EventBus for NatsEventBus {
    async fn held(&self) -> Result<Held, BusError> {
        Ok(self.look().await.map_err(|error| self.explained(error))?)
    }

    async fn publish(&self, upon: &Fence, page: &BusPage) -> Result<Fence, BusError> {
        match self.put(upon, page).await {
            Ok(fence) => Ok(fence),
            Err(hindrance) => {
                self.streams.doubt().await;
                Err(match hindrance {
                    Hindrance::Moved => BusError::Moved,
                    Hindrance::Error(error) => self.explained(error).into(),
                })
            }
        }
    }
}

impl From<NatsBusError> for Hindrance {
    fn from(error: NatsBusError) -> Self {
        Self::Error(error)
    }
}

impl From<NatsBusError> for BusError {
    fn from(error: NatsBusError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
