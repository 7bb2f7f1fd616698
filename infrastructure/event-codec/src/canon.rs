//! One way to write: JSON with sorted keys and no spaces, and fields with their lengths in front.
//!
//! `serde_json` keeps keys sorted or not depending on features that other crates turn on; what is
//! hashed and sealed must not depend on that.

use serde_json::Value;
use std::fmt::Write;

/// The value as JSON text with keys in order of their bytes.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (place, (name, field)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(&Value::String(name.clone()), out);
                out.push(':');
                write(field, out);
            }
            out.push('}');
        }
        // Writing to a string cannot fail; serde_json's own form of scalars is already unique.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Appends a field with its length in front, so that no two lists of fields give the same bytes.
pub(crate) fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth_and_strings_escaped() {
        let value = json!({"b": [{"z": 1, "a": null}], "a": "q\"\u{1}é", "\n": true});
        let text = canonical(&value);
        assert_eq!(text, "{\"\\n\":true,\"a\":\"q\\\"\\u0001é\",\"b\":[{\"a\":null,\"z\":1}]}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn fields_cannot_run_into_each_other() {
        let bytes = |fields: &[&str]| {
            let mut out = Vec::new();
            fields.iter().for_each(|text| field(&mut out, text.as_bytes()));
            out
        };
        assert_ne!(bytes(&["ab", "c"]), bytes(&["a", "bc"]));
        assert_ne!(bytes(&["", "a"]), bytes(&["a", ""]));
    }
}
