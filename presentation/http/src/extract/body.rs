//! JSON bodies. A fault names its field with a JSON pointer.
//!
//! Types for bodies say `#[serde(deny_unknown_fields)]`: then unknown and repeated fields are refused. That does not
//! go together with `#[serde(flatten)]`.

use super::{plain::plain, query::name_in_backticks};
use crate::{
    api::Api,
    problem::{Code, Fault, Problem},
};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::fmt::Write;
use tokio::time::{Instant, timeout_at};

/// The body, read as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let body = read_body(request.into_body(), api).await?;
        parse(&body).map(Json)
    }
}

/// Reads a body whole: at most [`HttpLimits::body_bytes`](crate::api::HttpLimits::body_bytes), within
/// [`HttpLimits::body_read`](crate::api::HttpLimits::body_read).
pub async fn read_body(mut body: Body, api: &Api) -> Result<Bytes, Problem> {
    let limit = api.limits.body_bytes;
    let too_large = || Problem::new(Code::BodyTooLarge).extension("limit_bytes", limit);
    if axum::body::HttpBody::size_hint(&body).lower() > limit as u64 {
        return Err(too_large());
    }
    let deadline = Instant::now() + api.limits.body_read;
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    loop {
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| Problem::new(Code::BodyTooSlow))?;
        let Some(frame) = frame else {
            break;
        };
        let Ok(data) = frame.map_err(|_| Problem::new(Code::BodyIncomplete))?.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > limit {
            return Err(too_large());
        }
        // Nearly every body comes in one piece, which need not be copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&first);
            rest.extend_from_slice(&data);
            first = Bytes::new();
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") && !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(Code::BodyMissing));
    }
    // A list could stand for a type's fields in their order: clients must name them.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let fault = Fault::at("", "invalid-value", "invalid type: a list, expected an object");
        return Err(Problem::new(Code::InvalidRequest).fault(fault));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().clone();
        let error = error.into_inner();
        if error.is_data() { refusal(&path, &error) } else { of_syntax::<T>(body, &path, &error) }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// What is wrong when the parser says that the syntax is. It says so of a value, too, that is no case of an enum, and of
/// a number that no type holds: then the value is to blame, in a body that is JSON.
fn of_syntax<T: DeserializeOwned>(body: &[u8], path: &Path, error: &serde_json::Error) -> Problem {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) => match serde_path_to_error::deserialize::<_, T>(body) {
            Err(error) => refusal(error.path(), error.inner()),
            Ok(_) => refusal(path, error),
        },
        Err(other) if other.to_string().starts_with("number out of range") => refusal(path, error),
        Err(other) => malformed(&other),
    }
}

fn refusal(path: &Path, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let (code, field) = match text {
        text if text.starts_with("unknown field `") => ("unknown-field", name_in_backticks(text)),
        text if text.starts_with("missing field `") => ("missing-field", name_in_backticks(text)),
        text if text.starts_with("duplicate field `") => ("duplicate-field", name_in_backticks(text)),
        _ => ("invalid-value", None),
    };
    Problem::new(Code::InvalidRequest).fault(Fault::at(pointer(path, field), code, plain(text)))
}

fn malformed(error: &serde_json::Error) -> Problem {
    let place = format!("The body is not JSON: see line {}, column {}.", error.line(), error.column());
    Problem::new(Code::MalformedJson).detail(place)
}

/// The path as a JSON pointer (RFC 6901), with `field` at its end unless it ends so.
fn pointer(path: &Path, field: Option<&str>) -> String {
    let mut pointer = String::new();
    let mut last = None;
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => drop(write!(pointer, "/{index}")),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
        last = Some(segment);
    }
    let is_there = matches!((last, field), (Some(Segment::Map { key }), Some(field)) if key == field);
    if let Some(field) = field.filter(|_| !is_there) {
        push(&mut pointer, field);
    }
    pointer
}

fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Order {
        lines: Vec<Line>,
        note: Option<String>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Plain,
        Named(String),
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[serde(rename = "a/b~c")]
        amount: u8,
    }

    fn check(body: &str, code: Code, faults: &[(&str, &str)]) {
        let problem = parse::<Order>(body.as_bytes()).expect_err(body);
        assert_eq!(problem.code(), code, "{body}");
        let found: Vec<(&str, &str)> =
            problem.faults().iter().map(|f| (f.pointer.as_deref().unwrap_or("-"), &*f.code)).collect();
        assert_eq!(found, faults, "{body}");
    }

    #[test]
    fn a_fault_is_named_by_its_pointer() {
        let invalid = Code::InvalidRequest;
        check(r#"{"lines":[],"nte":"a"}"#, invalid, &[("/nte", "unknown-field")]);
        check(r#"{"note":"a"}"#, invalid, &[("/lines", "missing-field")]);
        check(r#"{"lines":[],"lines":[]}"#, invalid, &[("/lines", "duplicate-field")]);
        check(r#"{"lines":{}}"#, invalid, &[("/lines", "invalid-value")]);
        check(r#"{"lines":[{"a/b~c":1},{"a/b~c":-1}]}"#, invalid, &[("/lines/1/a~1b~0c", "invalid-value")]);
        check(r#"{"lines":[{"a/b~c":1e99}]}"#, invalid, &[("/lines/0/a~1b~0c", "invalid-value")]);
        check(r#"{"lines":[{"other":1}]}"#, invalid, &[("/lines/0/other", "unknown-field")]);
        check(r#"[[],"a"]"#, invalid, &[("", "invalid-value")]);
        check("null", invalid, &[("", "invalid-value")]);
    }

    #[test]
    fn what_is_no_case_of_a_choice_is_a_fault_of_its_field() {
        let invalid = Code::InvalidRequest;
        for kind in ["5", "true", "[]", "{}", r#"{"named":"a","other":"b"}"#, "\"other\"", "1e999"] {
            check(&format!("{{\"lines\":[],\"kind\":{kind}}}"), invalid, &[("/kind", "invalid-value")]);
        }
        check(r#"{"lines":[],"kind":{"named":5}}"#, invalid, &[("/kind/named", "invalid-value")]);
        check(r#"{"lines":[{"a/b~c":1e999}]}"#, invalid, &[("/lines/0/a~1b~0c", "invalid-value")]);
        check(r#"{"lines":[],"kind":5,"note":"#, Code::MalformedJson, &[]);
        check(r#"{"lines":[],"kind":{"named":"a","other":"b"}"#, Code::MalformedJson, &[]);
        // What cannot be told apart in a tree is found before one is made.
        check(r#"{"lines":[],"lines":[],"kind":5}"#, invalid, &[("/lines", "duplicate-field")]);
    }

    #[test]
    fn what_is_no_json_is_refused_without_a_pointer() {
        for body in ["{", "{'lines':[]}", "\u{1}", r#"{"lines":[],"note":"\ud800"}"#, r#"{"lines":[]} {}"#] {
            check(body, Code::MalformedJson, &[]);
        }
        check(
            &format!("{{\"lines\":[],\"other\":{}", "[".repeat(100_000)),
            Code::InvalidRequest,
            &[("/other", "unknown-field")],
        );
        check(&format!("{{\"note\":{}", "[".repeat(100_000)), Code::InvalidRequest, &[("/note", "invalid-value")]);
        check(" \n", Code::BodyMissing, &[]);
    }

    #[test]
    fn what_is_right_is_taken() {
        let order: Order = parse(br#"{"lines":[{"a/b~c":1}]}"#).expect("an order");
        assert_eq!(order, Order { lines: vec![Line { amount: 1 }], note: None, kind: None });
        for (kind, expected) in [("\"plain\"", Kind::Plain), (r#"{"named":"a"}"#, Kind::Named("a".to_owned()))] {
            let order: Order = parse(format!("{{\"lines\":[],\"kind\":{kind}}}").as_bytes()).expect("an order");
            assert_eq!(order.kind, Some(expected));
        }
    }
}
