//! Query parameters. A parameter that the route does not know is refused by name, and so is one that
//! stands twice.

use super::{plain::plain, position::MinPosition};
use crate::{
    api::Api,
    problem::{Code, Fault, Problem},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

/// The query, read as `T`, which says `#[serde(deny_unknown_fields)]`.
///
/// A route that also takes [`MinPosition`] names that before this one.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// For routes without parameters of their own.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T: DeserializeOwned> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let knows_position = parts.extensions.get::<MinPosition>().is_some();
        parse(parts.uri.query().unwrap_or_default(), knows_position).map(Query)
    }
}

fn parse<T: DeserializeOwned>(query: &str, knows_position: bool) -> Result<T, Problem> {
    let own = |pair: &&str| !(knows_position && pair.split('=').next() == Some(MinPosition::NAME));
    let own: Vec<&str> = query.split('&').filter(own).collect();
    let own = own.join("&");
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(own.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let path = error.path().to_string();
        let text = error.into_inner().to_string();
        let code = match text.as_str() {
            text if text.starts_with("unknown field `") => "unknown-field",
            text if text.starts_with("missing field `") => "missing-field",
            text if text.starts_with("duplicate field `") => "duplicate-field",
            _ => "invalid-value",
        };
        let name = name_in_backticks(&text).filter(|_| code != "invalid-value").unwrap_or(&path);
        Problem::new(Code::InvalidQuery).fault(Fault::of(name, code, plain(&text)))
    })
}

/// The first name that a message of serde puts in backticks.
pub(super) fn name_in_backticks(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        limit: Option<u8>,
        text: Option<String>,
    }

    fn check(query: &str, parameter: &str, code: &str) {
        let problem = parse::<Filter>(query, false).expect_err(query);
        assert_eq!(problem.code(), Code::InvalidQuery);
        let fault = problem.faults().first().expect("a fault");
        assert_eq!((fault.parameter.as_deref(), &*fault.code), (Some(parameter), code), "{query}");
    }

    #[test]
    fn a_fault_is_named_by_its_parameter() {
        check("limits=1", "limits", "unknown-field");
        check("limit=1&limit=2", "limit", "duplicate-field");
        check("limit=-1", "limit", "invalid-value");
        check("limit=999", "limit", "invalid-value");
        check("limit=", "limit", "invalid-value");
        check("min_position=1", "min_position", "unknown-field");
    }

    #[test]
    fn what_is_right_is_taken() {
        let filter: Filter = parse("text=a%20b+c&min_position=9&limit=3", true).expect("a filter");
        assert_eq!((filter.limit, filter.text.as_deref()), (Some(3), Some("a b c")));
        assert!(parse::<Nothing>("", false).is_ok());
    }
}
