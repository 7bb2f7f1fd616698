//! Statements as SQLite takes them.

use crate::sets::Set;
use crate::tables::{Cell, Dialect, Misshapen, quoted};
use application::ports::read_store::Table;
use serde_json::Value;
use sqlx::{QueryBuilder, Sqlite, query_builder::Separated};

/// Values bound in one statement, below SQLite's default of 32,766 (sqlite.org/limits.html).
const VALUES_MAX: usize = 32_000;
/// Rows in one statement: more is not faster and makes long texts.
const ROWS_MAX: usize = 512;

/// The tables of one of the sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SqliteTables(pub Set);

type Built = QueryBuilder<Sqlite>;

impl Dialect for SqliteTables {
    type Db = Sqlite;

    fn table(&self, table: &'static Table) -> String {
        quoted(&name_in(self.0, table.name))
    }

    fn rows_max(&self, values: usize) -> usize {
        (VALUES_MAX / values.max(1)).clamp(1, ROWS_MAX)
    }

    fn push_rows(
        &self,
        built: &mut Built,
        _table: &'static Table,
        _columns: &[&'static str],
        rows: &[(usize, Vec<Cell>)],
        numbered: bool,
    ) -> Result<(), Misshapen> {
        built.push_values(rows, |mut values, (place, row)| {
            if numbered {
                values.push_bind(i64::try_from(*place).unwrap_or(i64::MAX));
            }
            row.iter().for_each(|cell| bind(cell, &mut values));
        });
        Ok(())
    }

    fn read(&self, _table: &'static Table, alias: &str, column: &str) -> String {
        format!("{alias}.{}", quoted(column))
    }

    fn ordered(&self, _table: &'static Table, alias: &str, column: &str, descending: bool) -> String {
        format!("{alias}.{}{}", quoted(column), if descending { " DESC" } else { "" })
    }

    fn is_possible(&self, _table: &'static Table, _column: &str, _cell: &Cell) -> bool {
        // Values of any kind compare.
        true
    }

    fn push_compared(
        &self,
        built: &mut Built,
        _table: &'static Table,
        pairs: &[(&'static str, &Cell)],
        operator: &'static str,
    ) {
        let columns: Vec<_> = pairs.iter().map(|(column, _)| quoted(column)).collect();
        built.push(format!("({}){operator}(", columns.join(", ")));
        let mut values = built.separated(", ");
        pairs.iter().for_each(|(_, cell)| bind(cell, &mut values));
        built.push(")");
    }

    fn push_one_of(&self, built: &mut Built, _table: &'static Table, column: &'static str, cells: &[Cell]) {
        // Bound as one list: as many values as may be, in one statement text.
        built.push(format!("{} IN (SELECT value FROM json_each(", quoted(column)));
        built.push_bind(json_list(cells)).push("))");
    }

    fn push_contains(&self, built: &mut Built, _table: &'static Table, column: &'static str, part: &str) {
        // Not LIKE: there, some characters mean more than themselves.
        built.push(format!("(typeof({0}) = 'text' AND instr(lower({0}), ", quoted(column)));
        built.push_bind(part.to_owned()).push("))");
    }

    fn push_holds(&self, built: &mut Built, _table: &'static Table, column: &'static str, item: &str) {
        built.push(format!("(typeof({0}) = 'text' AND instr(',' || {0} || ',', ", quoted(column)));
        built.push_bind(format!(",{item},")).push("))");
    }

    fn push_number(&self, built: &mut Built, number: i64) {
        built.push_bind(number);
    }
}

fn bind(cell: &Cell, values: &mut Separated<'_, Sqlite, &'static str>) {
    match cell {
        Cell::Null => values.push_bind(None::<i64>),
        Cell::Integer(number) => values.push_bind(*number),
        Cell::Text(text) => values.push_bind(text.clone()),
    };
}

fn json_list(cells: &[Cell]) -> String {
    let values = cells.iter().map(|cell| match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::from(*number),
        Cell::Text(text) => Value::from(text.as_str()),
    });
    Value::Array(values.collect()).to_string()
}

/// What a table of the live rows is called in a set.
pub(crate) fn name_in(set: Set, table: &str) -> String {
    match set {
        Set::Live => table.to_owned(),
        Set::Shadow => format!("shadow_{table}"),
        Set::Before => format!("before_{table}"),
    }
}
