//! Personal fields inside an event's data: found, sealed, opened; and references to artefacts.

use crate::{
    canon::{canonical, field},
    error::CodecError,
    seal::{OpenError, open_bytes, seal_bytes},
};
use application::ports::key_vault::Key;
use serde_json::{Value, json};

/// Marks a personal value that is open.
const OPEN: &str = "$personal";
/// Marks a personal value that is sealed: hexadecimal digits of nonce, ciphertext and tag.
const SEALED: &str = "$sealed";

/// Where an event stands: what its sealed values are bound to, besides their path.
pub(crate) struct Place<'a> {
    pub log: &'a str,
    pub stream: &'a str,
    pub event_id: uuid::Uuid,
    pub event_type: &'a str,
    pub version: u16,
}

impl Place<'_> {
    fn context(&self, path: &str) -> Vec<u8> {
        let mut context = Vec::new();
        field(&mut context, self.log.as_bytes());
        field(&mut context, self.stream.as_bytes());
        field(&mut context, self.event_id.as_bytes());
        field(&mut context, self.event_type.as_bytes());
        field(&mut context, &self.version.to_be_bytes());
        field(&mut context, path.as_bytes());
        context
    }
}

/// Whether anything in the data is to be sealed. Erased values are not: there is nothing in them.
pub(crate) fn is_personal(data: &Value) -> bool {
    match data {
        Value::Object(fields) => match only(data, OPEN) {
            Some(value) => !value.is_null(),
            None => fields.values().any(is_personal),
        },
        Value::Array(items) => items.iter().any(is_personal),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Seals every personal value in the data.
pub(crate) fn seal_all(data: &mut Value, place: &Place<'_>, key: &Key) -> Result<(), CodecError> {
    each(data, OPEN, &mut String::new(), &mut |value, path| {
        if value.is_null() {
            return Ok(json!({ OPEN: null }));
        }
        let sealed = seal_bytes(key, &place.context(path), canonical(value).as_bytes())?;
        Ok(json!({ SEALED: hex::encode(sealed) }))
    })
}

/// Whether anything in the data is sealed.
pub(crate) fn is_sealed(data: &Value) -> bool {
    match data {
        Value::Object(fields) => only(data, SEALED).is_some() || fields.values().any(is_sealed),
        Value::Array(items) => items.iter().any(is_sealed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Opens every sealed value in the data; without a key they read as erased.
pub(crate) fn open_all(data: &mut Value, place: &Place<'_>, key: Option<&Key>) -> Result<(), CodecError> {
    each(data, SEALED, &mut String::new(), &mut |value, path| {
        let Some(key) = key else {
            return Ok(json!({ OPEN: null }));
        };
        let opened = value
            .as_str()
            .and_then(|digits| hex::decode(digits).ok())
            .ok_or(OpenError)
            .and_then(|sealed| open_bytes(key, &place.context(path), &sealed))
            .and_then(|plaintext| serde_json::from_slice::<Value>(&plaintext).map_err(|_| OpenError))
            .map_err(|source| CodecError::Open { path: path.to_owned(), source })?;
        Ok(json!({ OPEN: opened }))
    })
}

/// References to artefacts in the data, each with the name of the field that holds it as its role.
pub(crate) fn artefacts(data: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    collect(data, "", &mut found);
    found
}

fn collect(data: &Value, role: &str, found: &mut Vec<Value>) {
    match data {
        Value::Object(fields) => {
            if let (3, Some(sha256), Some(media_type), Some(bytes)) =
                (fields.len(), fields.get("sha256"), fields.get("media_type"), fields.get("bytes"))
            {
                found.push(json!({ "role": role, "sha256": sha256, "media_type": media_type, "bytes": bytes }));
                return;
            }
            // In order of names, whatever order serde_json keeps.
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| name.as_str());
            sorted.into_iter().for_each(|(name, value)| collect(value, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, role, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value under `marker`, if the data is an object of that field alone.
fn only<'a>(data: &'a Value, marker: &str) -> Option<&'a Value> {
    data.as_object().filter(|fields| fields.len() == 1)?.get(marker)
}

/// Replaces every object marked so by what `change` makes of its value; `path` is a JSON pointer (RFC 6901).
fn each(
    data: &mut Value,
    marker: &str,
    path: &mut String,
    change: &mut dyn FnMut(&Value, &str) -> Result<Value, CodecError>,
) -> Result<(), CodecError> {
    if let Some(value) = only(data, marker) {
        *data = change(value, path)?;
        return Ok(());
    }
    let length = path.len();
    match data {
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                each(value, marker, path, change)?;
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter_mut().enumerate() {
                path.push_str(&format!("/{place}"));
                each(value, marker, path, change)?;
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}
