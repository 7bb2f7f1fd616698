//! An event in its final bytes: made once, sent to everybody.

use application::{
    ports::event_log::{Recorded, Tenant},
    public_events::{PublicEventType, public},
};
use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use std::io::Write;
use uuid::Uuid;

/// An event, ready to be sent.
#[derive(Debug)]
pub(crate) struct Frame {
    pub position: u64,
    pub tenant: Tenant,
    pub dubbing: Option<Uuid>,
    pub kind: PublicEventType,
    sse: Bytes,
    /// The JSON text within.
    json: Bytes,
}

impl Frame {
    /// The event as it is sent; `None` for what is not public.
    pub(crate) fn of(recorded: &Recorded) -> Option<Self> {
        let event = public(recorded)?;
        let mut bytes = Vec::with_capacity(512);
        // Writing into memory does not fail, and neither does JSON of texts and numbers.
        write!(bytes, "id: {}\nevent: {}\ndata: ", event.position, event.kind).ok()?;
        let from = bytes.len();
        serde_json::to_writer(&mut bytes, &event).ok()?;
        let to = bytes.len();
        bytes.extend_from_slice(b"\n\n");
        bytes.shrink_to_fit();
        let sse = Bytes::from(bytes);
        let json = sse.slice(from..to);
        let (position, kind, dubbing) = (event.position, event.kind, event.dubbing);
        Some(Self { position, tenant: recorded.tenant.clone(), dubbing, kind, sse, json })
    }

    /// As a message of Server-Sent Events.
    pub(crate) fn sse(&self) -> Bytes {
        self.sse.clone()
    }

    /// As a JSON text.
    pub(crate) fn text(&self) -> Utf8Bytes {
        Utf8Bytes::try_from(self.json.clone()).unwrap_or_default()
    }
}
