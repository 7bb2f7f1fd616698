//! Which answers a changed row makes old.
//!
//! Whoever keeps the read models up to date tells it here. Tables are known by their names: a row of a table that is not
//! known makes every answer old, which is slow and never wrong.

use super::{AnswerCache, Tag};
use application::ports::read_store::RowKey;
use projections::Invalidation;
use serde_json::Value;
use uuid::Uuid;

/// Length of an id as text.
const ID_CHARS: usize = 36;

impl Invalidation for AnswerCache {
    fn touched(&self, table: &'static str, keys: &[RowKey], _: u64) {
        match tags(table, keys) {
            Some(tags) => self.invalidate(&tags),
            None => self.clear(),
        }
    }

    fn forgotten(&self, _: &'static str) {
        self.clear();
    }
}

/// What answers may have been made from these rows; `None` when that cannot be told.
fn tags(table: &'static str, keys: &[RowKey]) -> Option<Vec<Tag>> {
    let list = match table {
        "jobs" => Some("dubbings"),
        // Parts of a dubbing: no list shows them.
        "tracks" | "utterances" | "engine_runs" => None,
        "assets" | "projects" | "glossaries" | "usage" => Some(table),
        _ => return None,
    };
    let mut tags: Vec<Tag> = list.map(Tag::List).into_iter().collect();
    if table != "usage" {
        for key in keys {
            tags.push(Tag::One(id_in(key.first().and_then(Value::as_str)?)?));
        }
        tags.dedup();
    }
    Some(tags)
}

/// The id in the first column of a key: it is one, or the name of a stream, `track-<id>-es`.
fn id_in(text: &str) -> Option<Uuid> {
    let (_, stream) = text.split_once('-')?;
    let of_stream = stream.get(..ID_CHARS);
    Uuid::try_parse(text).ok().or_else(|| Uuid::try_parse(of_stream?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);

    #[test]
    fn a_row_makes_old_what_shows_it() {
        let check = |table, key: Value, expected: &[Tag]| {
            assert_eq!(tags(table, &[vec![key.clone()], vec![key]]), Some(expected.to_vec()), "{table}");
        };
        check("jobs", json!(ID), &[Tag::List("dubbings"), Tag::One(ID)]);
        check("tracks", json!(ID), &[Tag::One(ID)]);
        check("engine_runs", json!(format!("dubbing-{ID}")), &[Tag::One(ID)]);
        check("engine_runs", json!(format!("track-{ID}-pt-BR")), &[Tag::One(ID)]);
        check("assets", json!(ID), &[Tag::List("assets"), Tag::One(ID)]);
        check("usage", json!("local"), &[Tag::List("usage")]);
    }

    #[test]
    fn what_is_not_known_makes_everything_old() {
        assert_eq!(tags("others", &[vec![json!(ID)]]), None);
        assert_eq!(tags("jobs", &[vec![json!("no id")]]), None);
        assert_eq!(tags("jobs", &[vec![]]), None);
    }
}
