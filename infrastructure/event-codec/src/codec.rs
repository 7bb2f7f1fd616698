//! From an append to what is stored, and from what is stored to an event.

use crate::{
    canon::canonical,
    catalogue::{Name, name_of, newest},
    error::CodecError,
    row::{Content, Prepared, Row},
    sealed::{self, Place},
    shape,
    upcast::{UPCASTERS, lift},
};
use application::ports::{
    event_log::{Append, DomainEvent, ReadError, Recorded, StreamId, Tenant},
    key_vault::{Key, KeyVault, KeyVaultError},
};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Encodes and decodes the events of one log.
#[derive(Clone)]
pub struct EventCodec {
    log: Arc<str>,
    vault: Arc<dyn KeyVault>,
}

/// An append whose events are encoded, and not yet sealed: not to be logged.
pub struct Draft {
    append: Append,
    payloads: Vec<Payload>,
}

/// An event, encoded.
struct Payload {
    name: Name,
    /// Whether something in it is to be sealed.
    is_personal: bool,
    data: Value,
}

impl Draft {
    /// Whether there is something in it to be sealed, for which [`EventCodec::finish`] may touch a disk.
    pub fn needs_a_key(&self) -> bool {
        self.payloads.iter().any(|payload| payload.is_personal)
    }
}

impl EventCodec {
    /// A codec for the log of this name, with the keys of this vault.
    pub fn new(log: &str, vault: Arc<dyn KeyVault>) -> Self {
        Self { log: log.into(), vault }
    }

    /// A codec for those who need nothing personal: whatever is sealed reads as erased, and no vault is asked. It writes
    /// nothing personal either.
    pub fn without_keys(log: &str) -> Self {
        Self::new(log, Arc::new(NoKeys))
    }

    /// The log's name.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// Encodes, seals and digests an append: [`Self::draft`] and [`Self::finish`] in one.
    pub fn prepare(&self, append: Append) -> Result<Prepared, CodecError> {
        self.finish(self.draft(append)?)
    }

    /// Encodes the events of an append. Touches no disk.
    pub fn draft(&self, append: Append) -> Result<Draft, CodecError> {
        if append.events.is_empty() {
            return Err(CodecError::Empty);
        }
        let payloads = append.events.iter().map(|event| {
            let name = name_of(event);
            if !shape::belongs(&append.stream, event) {
                return Err(CodecError::Misplaced { event_type: name.event_type });
            }
            let data = shape::payload_of(event)?;
            Ok(Payload { name, is_personal: sealed::is_personal(&data), data })
        });
        Ok(Draft { payloads: payloads.collect::<Result<_, _>>()?, append })
    }

    /// Seals and digests a draft. Makes the dubbing's key durable first, if anything is to be sealed under it; that may
    /// touch a disk.
    pub fn finish(&self, Draft { append, payloads }: Draft) -> Result<Prepared, CodecError> {
        let stream = append.stream.to_string();
        let contents = (0..)
            .zip(payloads)
            .map(|(ordinal, payload)| {
                let content = self.seal(&append, &stream, ordinal, payload)?;
                let digest = content.digest(&self.log);
                Ok((content, digest))
            })
            .collect::<Result<_, CodecError>>()?;
        Ok(Prepared {
            tenant: append.tenant,
            command_id: append.command_id,
            fingerprint: append.fingerprint,
            stream: append.stream,
            expected_revision: append.expected_revision,
            under: append.under,
            contents,
        })
    }

    /// The event of a stored row, in its newest shape, opened as far as keys exist. May touch a disk.
    pub fn decode(&self, row: Row) -> Result<Recorded, ReadError> {
        let (position, event_type, stream) = (row.position, row.content.event_type.clone(), row.content.stream.clone());
        self.recorded(row).map_err(|source| {
            let source = source.into();
            ReadError::Undecodable { position, event_type, stream, source }
        })
    }

    fn seal(&self, append: &Append, stream: &str, ordinal: u32, payload: Payload) -> Result<Content, CodecError> {
        let Payload { name: Name { event_type, version }, is_personal, mut data } = payload;
        let event_id = Content::id_of(&append.tenant.0, append.command_id, stream, ordinal);
        let subject = append.stream.subject();
        if is_personal {
            self.vault.ensure(subject)?;
            let key = self.vault.key(subject)?.ok_or(CodecError::Erased)?;
            sealed::seal_all(&mut data, &self.place(stream, event_id, event_type, version), &key)?;
        }
        let subject_keys = if is_personal { json!([subject]) } else { json!([]) };
        Ok(Content {
            revision: append.expected_revision + u64::from(ordinal) + 1,
            event_id,
            event_type: event_type.to_owned(),
            schema_version: version,
            tenant: append.tenant.0.clone(),
            actor: append.actor.clone(),
            command_id: append.command_id,
            fingerprint: append.fingerprint,
            ordinal,
            causation_id: append.causation_id,
            traceparent: append.traceparent.clone(),
            correlation_id: subject,
            subject_keys: canonical(&subject_keys),
            artefacts: canonical(&Value::Array(sealed::artefacts(&data))),
            data: canonical(&data),
            stream: stream.to_owned(),
        })
    }

    fn recorded(&self, row: Row) -> Result<Recorded, CodecError> {
        let Row { position, recorded_at, prev_hash, hash, content } = row;
        let stream: StreamId = content.stream.parse().map_err(|_| CodecError::Stream)?;
        let data = self.opened(&content, stream.subject())?;
        let event = lifted(&stream, &content, data)?;
        Ok(Recorded {
            log: self.log.to_string(),
            position,
            stream,
            revision: content.revision,
            event_id: content.event_id,
            event_type: content.event_type,
            schema_version: content.schema_version,
            recorded_at,
            tenant: Tenant(content.tenant),
            actor: content.actor,
            command_id: content.command_id,
            causation_id: content.causation_id,
            traceparent: content.traceparent,
            prev_hash,
            hash,
            event,
        })
    }

    fn opened(&self, content: &Content, owner: Uuid) -> Result<Value, CodecError> {
        let mut data: Value = serde_json::from_str(&content.data)
            .map_err(|_| CodecError::Shape { event_type: content.event_type.clone() })?;
        if sealed::is_sealed(&data) {
            let key = self.vault.key(owner)?;
            let place = self.place(&content.stream, content.event_id, &content.event_type, content.schema_version);
            sealed::open_all(&mut data, &place, key.as_ref())?;
        }
        Ok(data)
    }

    fn place<'a>(&'a self, stream: &'a str, event_id: Uuid, event_type: &'a str, version: u16) -> Place<'a> {
        Place { log: &self.log, stream, event_id, event_type, version }
    }
}

/// A vault that has no keys.
struct NoKeys;

impl KeyVault for NoKeys {
    fn ensure(&self, _owner: Uuid) -> Result<(), KeyVaultError> {
        Ok(())
    }

    fn key(&self, _owner: Uuid) -> Result<Option<Key>, KeyVaultError> {
        Ok(None)
    }

    fn destroy(&self, _owner: Uuid) -> Result<(), KeyVaultError> {
        Ok(())
    }
}

/// The event of opened data, lifted from the version it was stored in.
fn lifted(stream: &StreamId, content: &Content, data: Value) -> Result<DomainEvent, CodecError> {
    let unknown = || CodecError::Unknown { event_type: content.event_type.clone(), version: content.schema_version };
    let newest = newest(&content.event_type, stream.prefix()).ok_or_else(unknown)?;
    if !(1..=newest).contains(&content.schema_version) {
        return Err(unknown());
    }
    let data = lift(UPCASTERS, &content.event_type, content.schema_version, newest, data)
        .ok_or_else(|| CodecError::Shape { event_type: content.event_type.clone() })?;
    shape::event_of(stream, &content.event_type, data)
}

#[cfg(test)]
mod tests;
