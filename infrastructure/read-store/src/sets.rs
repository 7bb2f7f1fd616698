//! The sets of rows that a projection may have, and how what belongs to it goes from one into another.
//!
//! Its own table is renamed or dropped, which is each database's own business. In tables that all projections share, its
//! rows are moved; checkpoints are such a table, too.

use application::ports::shadow_store::SWAPS;

/// One of the sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// What queries read.
    Live,
    /// What is being folded anew.
    Shadow,
    /// What was live before the last swap.
    Before,
}

/// Tables in which every projection has rows of its own, by the column `projection`. They are there in every set.
const SHARED: [&str; 2] = ["checkpoints", "parked_keys"];

/// The name of a table in a set, as a database has it.
pub(crate) type NameIn = fn(Set, &str) -> String;

/// Statements that remove what a projection, `$1`, has in the shared tables of a set.
pub(crate) fn removed(name_in: NameIn, from: Set) -> Vec<String> {
    SHARED.map(|table| format!("DELETE FROM {} WHERE projection = $1", name_in(from, table))).to_vec()
}

/// Statements that move what a projection, `$1`, has in the shared tables into another set, in the place of what it has
/// there.
pub(crate) fn carried(name_in: NameIn, from: Set, to: Set) -> Vec<String> {
    let copied = SHARED.map(|table| {
        let (from, to) = (name_in(from, table), name_in(to, table));
        format!("INSERT INTO {to} SELECT * FROM {from} WHERE projection = $1")
    });
    removed(name_in, to).into_iter().chain(copied).chain(removed(name_in, from)).collect()
}

/// The statement that gives a projection, `$1`, a checkpoint at the beginning, where it has none.
pub(crate) fn begun(name_in: NameIn, set: Set) -> String {
    let checkpoints = name_in(set, "checkpoints");
    format!("INSERT INTO {checkpoints} (projection, position) VALUES ($1, 0) ON CONFLICT DO NOTHING")
}

/// The statement that counts a swap.
pub(crate) fn counted(name_in: NameIn) -> String {
    format!(
        "INSERT INTO {} AS kept (projection, position) VALUES ('{SWAPS}', 1) \
         ON CONFLICT (projection) DO UPDATE SET position = kept.position + 1",
        name_in(Set::Live, "checkpoints")
    )
}

/// The query for a projection's checkpoints, `$1`, in all sets.
pub(crate) fn standing(name_in: NameIn) -> String {
    let of = |set| format!("(SELECT position FROM {} WHERE projection = $1)", name_in(set, "checkpoints"));
    format!("SELECT {}, {}, {}", of(Set::Live), of(Set::Shadow), of(Set::Before))
}
