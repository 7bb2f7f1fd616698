//! Pages of lists: at most `limit` items, and an opaque cursor to the next ones.
//!
//! A cursor says where a page ended, not how many came before: what is added or removed meanwhile shifts nothing. It
//! is base64url of a small JSON text, and checked strictly; it grants nothing, so it is not signed.

#![expect(unused_qualifications, reason = "utoipa's derive repeats the path of a generic field")]

use crate::problem::{Code, Problem};
use axum::http::{HeaderValue, Uri};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error};
use std::fmt::Write;
use utoipa::{PartialSchema, ToSchema};

/// Longest cursor, in characters. Ours are far shorter.
const CURSOR_CHARS_MAX: usize = 512;

/// How many items a page has at most: 1 to 200, 50 unless told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The most that can be asked for.
    pub const MAX: u16 = 200;
    /// Unless told.
    pub const USUAL: u16 = 50;

    /// The number.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(Self::USUAL)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = u64::deserialize(deserializer)?;
        let limit = u16::try_from(limit).ok().filter(|limit| (1..=Self::MAX).contains(limit));
        limit.map(Self).ok_or_else(|| D::Error::custom("a limit is a whole number from 1 to 200"))
    }
}

impl PartialSchema for Limit {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .minimum(Some(1))
            .maximum(Some(Self::MAX))
            .default(Some(Self::USUAL.into()))
            .into()
    }
}

impl ToSchema for Limit {}

/// A cursor as a client sends it: the field of a query type.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(value_type = String)]
pub struct Cursor(String);

impl Cursor {
    /// Where the page before ended.
    pub fn open<K: DeserializeOwned>(&self) -> Result<K, Problem> {
        let bytes = if self.0.len() > CURSOR_CHARS_MAX { None } else { BASE64_URL_SAFE_NO_PAD.decode(&self.0).ok() };
        let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        key.ok_or_else(|| Problem::new(Code::InvalidCursor))
    }
}

/// A page as a client gets it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Leads to the next ones; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page from up to one item more than `limit`: that one tells whether there is a next page. `key` says where an
    /// item stands; it is small and holds nothing personal.
    pub fn of<K: Serialize>(mut found: Vec<T>, limit: Limit, key: impl FnOnce(&T) -> K) -> Self {
        let is_last = found.len() <= limit.get();
        found.truncate(limit.get());
        let last = found.last().filter(|_| !is_last);
        let next_cursor = last.and_then(|item| serde_json::to_vec(&key(item)).ok());
        Self { next_cursor: next_cursor.map(|key| BASE64_URL_SAFE_NO_PAD.encode(key)), items: found }
    }

    /// A page that ends before the list does, wherever that is: `key` says up to where it was looked at.
    pub fn until<K: Serialize>(items: Vec<T>, key: &K) -> Self {
        let next_cursor = serde_json::to_vec(key).ok().map(|key| BASE64_URL_SAFE_NO_PAD.encode(key));
        Self { items, next_cursor }
    }

    /// The value of `Link` that leads to the next page of `uri`, with the same filters.
    pub fn link(&self, uri: &Uri) -> Option<HeaderValue> {
        let cursor = self.next_cursor.as_deref()?;
        let mut link = format!("<{}?", uri.path());
        let filters = uri.query().unwrap_or_default().split('&');
        for filter in filters.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")) {
            link.extend([filter, "&"]);
        }
        write!(link, "cursor={cursor}>; rel=\"next\"").ok()?;
        HeaderValue::try_from(link).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Option<usize> {
        serde_json::from_str::<Limit>(text).ok().map(Limit::get)
    }

    #[test]
    fn a_limit_has_limits() {
        assert_eq!((limit("1"), limit("200"), Limit::default().get()), (Some(1), Some(200), 50));
        assert_eq!((limit("0"), limit("201"), limit("-1"), limit("65537")), (None, None, None, None));
    }

    #[test]
    fn a_cursor_leads_from_page_to_page() {
        let two = Limit(2);
        let page = Page::of(vec![5, 6, 7], two, |item| (*item, "a"));
        assert_eq!(page.items, [5, 6]);
        let cursor = Cursor(page.next_cursor.clone().expect("a next page"));
        assert_eq!(cursor.open::<(u8, String)>().expect("ours"), (6, "a".to_owned()));
        let link = page.link(&Uri::from_static("/v1/a?state=b&cursor=c&limit=2")).expect("a link");
        assert_eq!(link, format!("</v1/a?state=b&limit=2&cursor={}>; rel=\"next\"", cursor.0).as_str());
        let last = Page::of(vec![5, 6], two, |item| *item);
        assert_eq!((last.next_cursor.clone(), last.link(&Uri::from_static("/v1/a"))), (None, None));
    }

    #[test]
    fn a_cursor_of_others_is_refused() {
        for text in ["", "a", "!", "bnVsbA", &"A".repeat(CURSOR_CHARS_MAX + 1), "NQ=="] {
            let problem = Cursor(text.to_owned()).open::<u8>().expect_err(text);
            assert_eq!(problem.code(), Code::InvalidCursor);
        }
    }
}
