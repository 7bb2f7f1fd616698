//! Which answers a changed row makes old: those that show the thing that it belongs to, and lists of its table.
//!
//! Whoever keeps the read models up to date tells it here, before it announces how far they are.

use super::{AnswerCache, Tag};
use application::ports::read_store::RowKey;
use projections::Invalidation;
use uuid::Uuid;

/// Length of an id as text.
const ID_CHARS: usize = 36;

impl Invalidation for AnswerCache {
    fn touched(&self, table: &'static str, keys: &[RowKey], _: u64) {
        self.invalidate(&tags(table, keys));
    }

    fn forgotten(&self, _: &'static str) {
        self.clear();
    }
}

fn tags(table: &'static str, keys: &[RowKey]) -> Vec<Tag> {
    let mut tags = vec![Tag::List(table)];
    tags.extend(keys.iter().filter_map(|key| Some(Tag::One(id_in(key.first()?.as_str()?)?))));
    tags.dedup();
    tags
}

/// The id in the first column of a key: it is one, or the name of a stream, `track-<id>-es`.
fn id_in(text: &str) -> Option<Uuid> {
    let of_stream = || text.split_once('-')?.1.get(..ID_CHARS);
    Uuid::try_parse(text).ok().or_else(|| Uuid::try_parse(of_stream()?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ID: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);

    #[test]
    fn a_row_makes_old_what_shows_it() {
        let check = |table, key: Value, expected: &[Tag]| {
            assert_eq!(tags(table, &[vec![key.clone()], vec![key]]), expected, "{table}");
        };
        check("jobs", json!(ID), &[Tag::List("jobs"), Tag::One(ID)]);
        check("tracks", json!(ID), &[Tag::List("tracks"), Tag::One(ID)]);
        check("engine_runs", json!(format!("dubbing-{ID}")), &[Tag::List("engine_runs"), Tag::One(ID)]);
        check("engine_runs", json!(format!("track-{ID}-pt-BR")), &[Tag::List("engine_runs"), Tag::One(ID)]);
        check("usage", json!("local"), &[Tag::List("usage")]);
        check("usage", json!("another-tenant"), &[Tag::List("usage")]);
        check("usage", Value::Null, &[Tag::List("usage")]);
    }
}
