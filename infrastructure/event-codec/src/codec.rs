//! From an append to what is stored, and from what is stored to an event.

use crate::{
    canon::canonical,
    catalogue::{name_of, newest},
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

    /// Encodes, seals and digests an append. Makes the dubbing's key durable first, if anything is to
    /// be sealed under it; that may touch a disk.
    pub fn prepare(&self, append: Append) -> Result<Prepared, CodecError> {
        if append.events.is_empty() {
            return Err(CodecError::Empty);
        }
        let contents = (0..)
            .zip(&append.events)
            .map(|(ordinal, event)| {
                let content = self.encode(&append, ordinal, event)?;
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

    /// Whether there is something in an append to be sealed, for which [`Self::prepare`] may touch a disk.
    pub fn needs_a_key(&self, append: &Append) -> Result<bool, CodecError> {
        append
            .events
            .iter()
            .try_fold(false, |found, event| Ok(found || sealed::is_personal(&shape::payload_of(event)?)))
    }

    /// The event of a stored row, in its newest shape, opened as far as keys exist. May touch a disk.
    pub fn decode(&self, row: Row) -> Result<Recorded, ReadError> {
        let (position, event_type, stream) = (row.position, row.content.event_type.clone(), row.content.stream.clone());
        self.recorded(row).map_err(|source| {
            let source = source.into();
            ReadError::Undecodable { position, event_type, stream, source }
        })
    }

    fn encode(&self, append: &Append, ordinal: u32, event: &DomainEvent) -> Result<Content, CodecError> {
        let name = name_of(event);
        if !shape::belongs(&append.stream, event) {
            return Err(CodecError::Misplaced { event_type: name.event_type });
        }
        let stream = append.stream.to_string();
        let event_id = Content::id_of(&append.tenant.0, append.command_id, &stream, ordinal);
        let mut data = shape::payload_of(event)?;
        let subject = append.stream.subject();
        let personal = sealed::is_personal(&data);
        if personal {
            let place = self.place(&stream, event_id, name.event_type, name.version);
            self.seal(&mut data, &place, subject)?;
        }
        let subject_keys = if personal { json!([subject]) } else { json!([]) };
        Ok(Content {
            revision: append.expected_revision + u64::from(ordinal) + 1,
            event_id,
            event_type: name.event_type.to_owned(),
            schema_version: name.version,
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
            stream,
        })
    }

    fn seal(&self, data: &mut Value, place: &Place<'_>, owner: Uuid) -> Result<(), CodecError> {
        self.vault.ensure(owner)?;
        let key = self.vault.key(owner)?.ok_or(CodecError::Erased)?;
        sealed::seal_all(data, place, &key)
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
