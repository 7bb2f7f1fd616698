//! Messages: their subjects, headers and bodies; and what a message that is there tells about where the bus is.
//!
//! A message is taken only as the next one after the one it was made to follow: by number, and within a page also by id.
//! So it stands in its place or nowhere, however often and by whomever it is sent.

use application::ports::event_bus::{Mark, Notice, ToldEvent};
use async_nats::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use nats_connection::{Prefix, Question};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The event's place in the log.
pub const POSITION: &str = "Dragoman-Position";
/// The stream it belongs to: among its events, the order of messages is that of what happened.
pub const STREAM: &str = "Dragoman-Stream";
/// The id of the tenant whose it is.
pub const TENANT: &str = "Dragoman-Tenant";
/// The trace that it belongs to.
const TRACEPARENT: &str = "traceparent";
/// In a notice: which life of the events for outsiders it speaks of.
const INCARNATION: &str = "Dragoman-Events";
/// In a notice: the event's id.
const EVENT: &str = "Dragoman-Event";

/// A message that is ready to be sent.
pub(crate) struct Ready {
    pub id: String,
    pub question: Question,
}

/// What is heard in a notice, beside the stream of the event there.
#[derive(Deserialize)]
pub(crate) struct Noticed {
    /// How far the log has come, at least.
    pub position: u64,
}

/// The message of an event for outsiders.
pub(crate) fn told(prefix: &Prefix, event: &ToldEvent) -> Ready {
    let id = event.mark.event.to_string();
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_ID, id.as_str());
    headers.insert(POSITION, event.mark.position.to_string());
    headers.insert(STREAM, event.stream.to_string());
    headers.insert(TENANT, event.tenant.id().0.to_string());
    // It comes from whoever gave the command.
    let trace = event.traceparent.as_deref().filter(|trace| trace.bytes().all(|byte| byte.is_ascii_graphic()));
    if let Some(trace) = trace {
        headers.insert(TRACEPARENT, trace);
    }
    let subject = format!("{}.{}.{}", prefix.as_str(), event.stream.category(), event.event_type);
    Ready { id, question: Question { subject, headers, payload: event.body.clone().into() } }
}

/// The message of a notice, which says also of which life of the events it speaks.
pub(crate) fn notice(prefix: &Prefix, notice: &Notice, incarnation: &str) -> Ready {
    // After a loss the same is noticed again, and is no repetition.
    let id = format!("{}.{incarnation}", notice.mark.event);
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_ID, id.as_str());
    headers.insert(POSITION, notice.mark.position.to_string());
    headers.insert(EVENT, notice.mark.event.to_string());
    headers.insert(INCARNATION, incarnation);
    let subject = format!("{}.log.{}", prefix.as_str(), notice.stream.category());
    let payload = json!({ "position": notice.mark.position, "stream": notice.stream.to_string() }).to_string();
    Ready { id, question: Question { subject, headers, payload: payload.into() } }
}

/// A message that no stream takes.
pub(crate) fn probe(prefix: &Prefix, below: &str) -> Question {
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_EXPECTED_STREAM, "none");
    Question { subject: format!("{}.{below}", prefix.as_str()), headers, payload: Bytes::new() }
}

/// Lets a page's messages follow each other, the first after the message of this number.
pub(crate) fn chain(page: &mut [Ready], mut last: u64) {
    let mut before: Option<String> = None;
    for message in page {
        let headers = &mut message.question.headers;
        headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, last.to_string());
        if let Some(before) = before.replace(message.id.clone()) {
            headers.insert(header::NATS_EXPECTED_LAST_MESSAGE_ID, before);
        }
        last += 1;
    }
}

/// A message that is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its number.
    pub sequence: u64,
    /// What it is about; `None` when somebody else has published it.
    pub mark: Option<Mark>,
    /// For a notice: of which life of the events it speaks.
    pub incarnation: Option<String>,
}

/// What the server's answer about a message says.
pub(crate) fn found(answer: &Value) -> Found {
    let sequence = answer.pointer("/message/seq").and_then(Value::as_u64).unwrap_or_default();
    let headers = headers(answer).unwrap_or_default();
    let value = |name: &str| {
        let mut lines = headers.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let event = value(EVENT).or_else(|| value("Nats-Msg-Id")).and_then(|id| Uuid::parse_str(id).ok());
    let position = value(POSITION).and_then(|position| position.parse().ok());
    let mark = position.zip(event).map(|(position, event)| Mark { position, event });
    Found { sequence, mark, incarnation: value(INCARNATION).map(str::to_owned) }
}

/// The headers of a message, as they are written in NATS.
fn headers(answer: &Value) -> Option<String> {
    let encoded = answer.pointer("/message/hdrs")?.as_str()?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}
