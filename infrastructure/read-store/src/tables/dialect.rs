//! In what the databases differ.

use super::cell::{Cell, Misshapen};
use application::ports::read_store::Table;
use sqlx::{Database, QueryBuilder};

/// One statement, and whether it is worth keeping prepared.
pub(crate) struct Statement<Db: Database> {
    /// With its values.
    pub query: QueryBuilder<Db>,
    /// The same text comes again and again.
    pub persistent: bool,
}

/// How a database takes statements over tables. Texts are compared by their bytes, nulls come before everything.
pub(crate) trait Dialect {
    /// The database.
    type Db: Database;

    /// A table's name in statements.
    fn table(&self, table: &'static Table) -> String;

    /// How many rows of so many values one statement takes.
    fn rows_max(&self, values: usize) -> usize;

    /// Pushes a query that gives these rows. Each has the values of these columns; where `numbered`, its place in
    /// the list comes first.
    fn push_rows(
        &self,
        built: &mut QueryBuilder<Self::Db>,
        table: &'static Table,
        columns: &[&'static str],
        rows: &[(usize, Vec<Cell>)],
        numbered: bool,
    ) -> Result<(), Misshapen>;

    /// A column of `alias` as it is read.
    fn read(&self, table: &'static Table, alias: &str, column: &str) -> String;

    /// A column of `alias` as rows are put in order by it.
    fn ordered(&self, table: &'static Table, alias: &str, column: &str, descending: bool) -> String;

    /// Whether a row may have this value in this column.
    fn is_possible(&self, table: &'static Table, column: &str, cell: &Cell) -> bool;

    /// Pushes a comparison of columns with values that are not null, one after the other.
    fn push_compared(
        &self,
        built: &mut QueryBuilder<Self::Db>,
        table: &'static Table,
        pairs: &[(&'static str, &Cell)],
        operator: &'static str,
    );

    /// Pushes that a column has one of these values, all of them possible and none null.
    fn push_one_of(
        &self,
        built: &mut QueryBuilder<Self::Db>,
        table: &'static Table,
        column: &'static str,
        cells: &[Cell],
    );

    /// Pushes that a column's text has this part within it; letters A to Z are lower-case in `part`, and any case in the
    /// column.
    fn push_contains(
        &self,
        built: &mut QueryBuilder<Self::Db>,
        table: &'static Table,
        column: &'static str,
        part: &str,
    );

    /// Pushes that a column's list has this item, which is not empty and has no comma.
    fn push_holds(&self, built: &mut QueryBuilder<Self::Db>, table: &'static Table, column: &'static str, item: &str);

    /// Pushes a number.
    fn push_number(&self, built: &mut QueryBuilder<Self::Db>, number: i64);
}

/// Names of columns, with commas between.
pub(crate) fn list(columns: &[&str]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// A name as databases take it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
