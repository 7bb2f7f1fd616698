//! Checkpoints: compared and set, under locks that are always taken in the order of their names.

use super::dialect::name_in;
use crate::{sets::Set, tables::Step};
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, Postgres};
use std::collections::BTreeMap;

/// Why a step is not taken.
pub(super) enum Refused {
    /// This one's checkpoint is not where it should be.
    Moved { projection: &'static str },
    /// This one has no shadow.
    NotBegun { projection: &'static str },
}

/// Where a projection stands in a set; `None` when nothing is known of it there.
pub(super) async fn of(executor: impl PgExecutor<'_>, set: Set, projection: &str) -> Result<Option<u64>, sqlx::Error> {
    let asked = format!("SELECT position FROM {} WHERE projection = $1", name_in(set, "checkpoints"));
    let found = sqlx::query_scalar(AssertSqlSafe(asked)).bind(projection.to_owned()).fetch_optional(executor).await?;
    Ok(found.map(position))
}

/// Compares the checkpoints of all steps, and sets them where all are right.
pub(super) async fn advance(
    connection: &mut PgConnection,
    set: Set,
    steps: &[Step<Postgres>],
) -> Result<Option<Refused>, sqlx::Error> {
    let mut names: Vec<&str> = steps.iter().map(|step| step.projection).collect();
    names.sort_unstable();
    names.dedup();
    let mut known = locked(connection, set, &names).await?;
    let (mut moved, mut new) = (BTreeMap::new(), BTreeMap::new());
    for Step { projection, from, to, .. } in steps {
        let at = known.get(*projection).copied();
        if at.is_none() && set != Set::Live {
            return Ok(Some(Refused::NotBegun { projection }));
        }
        if at.unwrap_or(0) != *from {
            return Ok(Some(Refused::Moved { projection }));
        }
        if from != to {
            let kept = if at.is_none() || new.contains_key(projection) { &mut new } else { &mut moved };
            kept.insert(*projection, *to);
            known.insert((*projection).to_owned(), *to);
        }
    }
    if let Some(refused) = begin(connection, set, &new).await? {
        return Ok(Some(refused));
    }
    set_all(connection, set, &moved).await?;
    Ok(None)
}

/// The checkpoints that are there, each locked until the transaction ends.
pub(super) async fn locked(
    connection: &mut PgConnection,
    set: Set,
    names: &[&str],
) -> Result<BTreeMap<String, u64>, sqlx::Error> {
    let asked = format!(
        "SELECT projection, position FROM {} WHERE projection = ANY($1) ORDER BY projection FOR UPDATE",
        name_in(set, "checkpoints")
    );
    let found: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(asked)).bind(names).fetch_all(connection).await?;
    Ok(found.into_iter().map(|(projection, at)| (projection, position(at))).collect())
}

/// The first step of projections that were not there; another runner may have been faster meanwhile.
async fn begin(
    connection: &mut PgConnection,
    set: Set,
    new: &BTreeMap<&'static str, u64>,
) -> Result<Option<Refused>, sqlx::Error> {
    for (projection, to) in new {
        let begun = format!(
            "INSERT INTO {} (projection, position) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            name_in(set, "checkpoints")
        );
        let begun = sqlx::query(AssertSqlSafe(begun)).bind(*projection).bind(bound(*to));
        if begun.execute(&mut *connection).await?.rows_affected() == 0 {
            return Ok(Some(Refused::Moved { projection }));
        }
    }
    Ok(None)
}

/// Sets checkpoints that are locked.
async fn set_all(
    connection: &mut PgConnection,
    set: Set,
    moved: &BTreeMap<&'static str, u64>,
) -> Result<(), sqlx::Error> {
    if moved.is_empty() {
        return Ok(());
    }
    let name = name_in(set, "checkpoints");
    let change = format!(
        "UPDATE {name} AS kept SET position = moved.position \
         FROM unnest($1::text[], $2::bigint[]) AS moved (projection, position) WHERE kept.projection = moved.projection"
    );
    let (names, positions): (Vec<&str>, Vec<i64>) = moved.iter().map(|(name, to)| (*name, bound(*to))).unzip();
    let change = sqlx::query(AssertSqlSafe(change)).bind(names).bind(positions);
    change.execute(connection).await.map(|_| ())
}

/// Sets a checkpoint that is there back to the beginning.
pub(super) async fn rewind(connection: &mut PgConnection, set: Set, projection: &str) -> Result<(), sqlx::Error> {
    let rewound = format!("UPDATE {} SET position = 0 WHERE projection = $1", name_in(set, "checkpoints"));
    sqlx::query(AssertSqlSafe(rewound)).bind(projection).execute(connection).await.map(|_| ())
}

fn position(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

fn bound(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
