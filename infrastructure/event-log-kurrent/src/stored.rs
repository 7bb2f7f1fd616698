//! How an event lies in KurrentDB, and back: the type, the id and the data are its own, everything else is metadata.
//! The data are the codec's bytes, unchanged, so that hashes hold.

use crate::error::KurrentError;
use bytes::Bytes;
use domain::value::{Sha256, Timestamp};
use event_codec::{Content, Row};
use kurrentdb::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::str::FromStr;
use uuid::Uuid;

/// What the server tells instead of a position when it does not know it.
const UNKNOWN: u64 = u64::MAX;

/// What is stored beside the data. The two names with a `$` are KurrentDB's own for what they hold.
#[derive(Serialize, Deserialize)]
struct Beside {
    schema_version: u16,
    tenant: String,
    actor: String,
    command_id: Uuid,
    fingerprint: String,
    ordinal: u32,
    #[serde(rename = "$causationId", default, skip_serializing_if = "Option::is_none")]
    causation_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(rename = "$correlationId")]
    correlation_id: Uuid,
    subject_keys: String,
    artefacts: String,
    recorded_at: String,
    prev_hash: String,
    hash: String,
}

/// An event as it is sent, and the bytes that count against the server's limit.
pub(crate) fn event_of(row: &Row) -> Result<(EventData, usize), KurrentError> {
    let Row { recorded_at, prev_hash, hash, content, .. } = row;
    let beside = Beside {
        schema_version: content.schema_version,
        tenant: content.tenant.clone(),
        actor: content.actor.clone(),
        command_id: content.command_id,
        fingerprint: content.fingerprint.to_string(),
        ordinal: content.ordinal,
        causation_id: content.causation_id,
        traceparent: content.traceparent.clone(),
        correlation_id: content.correlation_id,
        subject_keys: content.subject_keys.clone(),
        artefacts: content.artefacts.clone(),
        recorded_at: recorded_at.to_string(),
        prev_hash: prev_hash.to_string(),
        hash: hash.to_string(),
    };
    let no_json = |_| KurrentError::Foreign("the data are not JSON");
    let beside = serde_json::to_vec(&beside).map_err(no_json)?;
    let bytes = content.data.len() + beside.len() + content.event_type.len();
    let data = RawValue::from_string(content.data.clone()).map_err(no_json)?;
    let event = EventData::json(&content.event_type, &data).map_err(no_json)?;
    Ok((event.id(content.event_id).metadata(Bytes::from(beside)), bytes))
}

/// Where in `$all` an event is.
pub(crate) fn position_of(event: &RecordedEvent) -> Result<u64, KurrentError> {
    if event.position.commit == UNKNOWN { Err(KurrentError::TooOld) } else { Ok(event.position.commit) }
}

/// The row of an event, whose stream's name begins with this prefix.
pub(crate) fn row_of(event: &RecordedEvent, prefix: &str) -> Result<Row, KurrentError> {
    let position = position_of(event)?;
    let stream = event.stream_id().strip_prefix(prefix);
    let stream = stream.ok_or(KurrentError::Foreign("the stream is not one of this log"))?;
    let beside: Beside = json(&event.custom_metadata)?;
    let data = String::from_utf8(event.data.to_vec());
    Ok(Row {
        position,
        recorded_at: parsed::<Timestamp>(&beside.recorded_at)?,
        prev_hash: parsed::<Sha256>(&beside.prev_hash)?,
        hash: parsed::<Sha256>(&beside.hash)?,
        content: Content {
            stream: stream.to_owned(),
            revision: event.revision + 1,
            event_id: event.id,
            event_type: event.event_type.clone(),
            schema_version: beside.schema_version,
            tenant: beside.tenant,
            actor: beside.actor,
            command_id: beside.command_id,
            fingerprint: parsed::<Sha256>(&beside.fingerprint)?,
            ordinal: beside.ordinal,
            causation_id: beside.causation_id,
            traceparent: beside.traceparent,
            correlation_id: beside.correlation_id,
            subject_keys: beside.subject_keys,
            artefacts: beside.artefacts,
            data: data.map_err(|_| KurrentError::Foreign("the data are not text"))?,
        },
    })
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, KurrentError> {
    serde_json::from_slice(bytes).map_err(|_| KurrentError::Foreign("the metadata have another shape"))
}

fn parsed<T: FromStr>(text: &str) -> Result<T, KurrentError> {
    text.parse().map_err(|_| KurrentError::Foreign("the metadata have another shape"))
}
