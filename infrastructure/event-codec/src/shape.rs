//! Events as JSON: the payload without the name of its variant, and back.
//!
//! The variant's name stands in the envelope as the event's type. A flow event is stored under its
//! own name, whichever aggregate it is embedded in; the stream tells which one that is.

use crate::{catalogue, error::CodecError};
use application::ports::event_log::{DomainEvent, StreamId, TenancyEvent, TenancyStream};
use domain::{dubbing::DubbingEvent, flow::FlowEvent, track::TrackEvent};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The event's payload; `null` for an event that says all by its name.
pub(crate) fn payload_of(event: &DomainEvent) -> Result<Value, CodecError> {
    let tagged = match event {
        DomainEvent::Dubbing(DubbingEvent::Flow(flow)) | DomainEvent::Track(TrackEvent::Flow(flow)) => {
            serde_json::to_value(flow)
        }
        DomainEvent::Dubbing(event) => serde_json::to_value(event),
        DomainEvent::Track(event) => serde_json::to_value(event),
        DomainEvent::Asset(event) => serde_json::to_value(event),
        DomainEvent::Project(event) => serde_json::to_value(event),
        DomainEvent::Glossary(event) => serde_json::to_value(event),
        DomainEvent::Tenancy(TenancyEvent::Tenant(event)) => serde_json::to_value(event),
        DomainEvent::Tenancy(TenancyEvent::Account(event)) => serde_json::to_value(event),
        DomainEvent::Tenancy(TenancyEvent::Webhook(event)) => serde_json::to_value(event),
        DomainEvent::Tenancy(TenancyEvent::Security(event)) => serde_json::to_value(event),
        DomainEvent::Tenancy(TenancyEvent::Queues(event)) => serde_json::to_value(event),
    };
    let shape = || CodecError::Shape { event_type: catalogue::name_of(event).event_type.to_owned() };
    match tagged.map_err(|_| shape())? {
        Value::String(_) => Ok(Value::Null),
        Value::Object(variant) if variant.len() == 1 => variant.into_iter().next().map(|(_, p)| p).ok_or_else(shape),
        _ => Err(shape()),
    }
}

/// The event of a payload in its newest shape.
pub(crate) fn event_of(stream: &StreamId, event_type: &str, payload: Value) -> Result<DomainEvent, CodecError> {
    if catalogue::is_flow(event_type) {
        let flow: FlowEvent = variant(event_type, payload)?;
        return match stream {
            StreamId::Dubbing(_) => Ok(DomainEvent::Dubbing(DubbingEvent::Flow(flow))),
            StreamId::Track(_) => Ok(DomainEvent::Track(TrackEvent::Flow(flow))),
            StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => {
                Err(CodecError::Shape { event_type: event_type.to_owned() })
            }
        };
    }
    match stream {
        StreamId::Dubbing(_) => variant(event_type, payload).map(DomainEvent::Dubbing),
        StreamId::Track(_) => variant(event_type, payload).map(DomainEvent::Track),
        StreamId::Asset(_) => variant(event_type, payload).map(DomainEvent::Asset),
        StreamId::Project(_) => variant(event_type, payload).map(DomainEvent::Project),
        StreamId::Glossary(_) => variant(event_type, payload).map(DomainEvent::Glossary),
        StreamId::Tenancy(stream) => tenancy(*stream, event_type, payload).map(DomainEvent::Tenancy),
    }
}

fn tenancy(stream: TenancyStream, event_type: &str, payload: Value) -> Result<TenancyEvent, CodecError> {
    match stream {
        TenancyStream::Tenant(_) => variant(event_type, payload).map(TenancyEvent::Tenant),
        TenancyStream::Account(_) => variant(event_type, payload).map(TenancyEvent::Account),
        TenancyStream::Webhook(_) => variant(event_type, payload).map(TenancyEvent::Webhook),
        TenancyStream::Security(_) => variant(event_type, payload).map(TenancyEvent::Security),
        TenancyStream::Queues => variant(event_type, payload).map(TenancyEvent::Queues),
    }
}

/// Whether the event may stand in the stream.
pub(crate) fn belongs(stream: &StreamId, event: &DomainEvent) -> bool {
    matches!(
        (stream, event),
        (StreamId::Dubbing(_), DomainEvent::Dubbing(_))
            | (StreamId::Track(_), DomainEvent::Track(_))
            | (StreamId::Asset(_), DomainEvent::Asset(_))
            | (StreamId::Project(_), DomainEvent::Project(_))
            | (StreamId::Glossary(_), DomainEvent::Glossary(_))
            | (StreamId::Tenancy(TenancyStream::Tenant(_)), DomainEvent::Tenancy(TenancyEvent::Tenant(_)))
            | (StreamId::Tenancy(TenancyStream::Account(_)), DomainEvent::Tenancy(TenancyEvent::Account(_)))
            | (StreamId::Tenancy(TenancyStream::Webhook(_)), DomainEvent::Tenancy(TenancyEvent::Webhook(_)))
            | (StreamId::Tenancy(TenancyStream::Security(_)), DomainEvent::Tenancy(TenancyEvent::Security(_)))
            | (StreamId::Tenancy(TenancyStream::Queues), DomainEvent::Tenancy(TenancyEvent::Queues(_)))
    )
}

fn variant<T: DeserializeOwned>(event_type: &str, payload: Value) -> Result<T, CodecError> {
    let tagged = Value::Object(Map::from_iter([(event_type.to_owned(), payload)]));
    // serde's message is dropped on purpose: it quotes values.
    serde_json::from_value(tagged).map_err(|_| CodecError::Shape { event_type: event_type.to_owned() })
}
