//! Statements as PostgreSQL takes them: rows as one array for each column, so that one statement takes any number.

use super::{
    columns::{Columns, Kind},
    operands::{Operand, text_of},
    values::Values,
};
use crate::{
    sets::Set,
    tables::{Cell, Dialect, Misshapen, quoted},
};
use application::ports::read_store::Table;
use sqlx::{Postgres, QueryBuilder};
use std::sync::Arc;

/// The tables of one of the sets.
#[derive(Clone, Debug)]
pub(crate) struct PostgresTables {
    /// Which.
    pub set: Set,
    /// Their columns: the same in all sets.
    pub columns: Arc<Columns>,
}

type Built = QueryBuilder<Postgres>;

/// The schema of a set.
pub(crate) const fn schema_of(set: Set) -> &'static str {
    match set {
        Set::Live => "dragoman_read",
        Set::Shadow => "dragoman_read_shadow",
        Set::Before => "dragoman_read_before",
    }
}

/// A table's name in a set.
pub(crate) fn name_in(set: Set, table: &str) -> String {
    format!("{}.{}", schema_of(set), quoted(table))
}

impl PostgresTables {
    fn kind(&self, table: &'static Table, column: &str) -> Option<Kind> {
        self.columns.kind(table.name, column)
    }

    /// The kind of a column that is known to be there; the statement fails if it is not.
    fn kind_or_text(&self, table: &'static Table, column: &str) -> Kind {
        self.kind(table, column).unwrap_or(Kind::Text)
    }

    /// Whether a column holds texts, of whatever kind.
    fn has_text(&self, table: &'static Table, column: &str) -> bool {
        !matches!(self.kind_or_text(table, column), Kind::Number | Kind::Truth)
    }
}

impl Dialect for PostgresTables {
    type Db = Postgres;

    fn table(&self, table: &'static Table) -> String {
        name_in(self.set, table.name)
    }

    fn rows_max(&self, _values: usize) -> usize {
        usize::MAX
    }

    fn push_rows(
        &self,
        built: &mut Built,
        table: &'static Table,
        columns: &[&'static str],
        rows: &[(usize, Vec<Cell>)],
        numbered: bool,
    ) -> Result<(), Misshapen> {
        let misshapen = Misshapen { table: table.name };
        let kinds: Option<Vec<Kind>> = columns.iter().map(|column| self.kind(table, column)).collect();
        let kinds = kinds.ok_or(misshapen)?;
        let made = kinds.iter().enumerate().map(|(place, kind)| match kind {
            Kind::List => format!("string_to_array(value_{place}, ',')"),
            Kind::Json => format!("value_{place}::jsonb"),
            Kind::Text | Kind::Number | Kind::Truth | Kind::Id | Kind::Moment => format!("value_{place}"),
        });
        let names = (0..kinds.len()).map(|place| format!("value_{place}"));
        let place = numbered.then(|| "place".to_owned());
        let made: Vec<_> = place.iter().cloned().chain(made).collect();
        let names: Vec<_> = place.into_iter().chain(names).collect();
        built.push(format!("SELECT {} FROM unnest(", made.join(", ")));
        if numbered {
            let places: Vec<i64> = rows.iter().map(|(place, _)| i64::try_from(*place).unwrap_or(i64::MAX)).collect();
            built.push_bind(places).push("::bigint[], ");
        }
        for (place, kind) in kinds.into_iter().enumerate() {
            if place > 0 {
                built.push(", ");
            }
            Values::of(table.name, kind, rows.iter().map(|(_, row)| row.get(place)))?.push(built);
        }
        built.push(format!(") AS rows ({})", names.join(", ")));
        Ok(())
    }

    fn read(&self, table: &'static Table, alias: &str, column: &str) -> String {
        match self.kind_or_text(table, column) {
            kind @ (Kind::List | Kind::Json) => text_of(kind, alias, column),
            Kind::Text | Kind::Number | Kind::Truth | Kind::Id | Kind::Moment => format!("{alias}.{}", quoted(column)),
        }
    }

    fn ordered(&self, table: &'static Table, alias: &str, column: &str, descending: bool) -> String {
        // Columns of the key are never null: said of them, indexes would not be used.
        let nulls = match (table.key.contains(&column), descending) {
            (true, false) => "",
            (true, true) => " DESC",
            (false, false) => " NULLS FIRST",
            (false, true) => " DESC NULLS LAST",
        };
        format!("{}{nulls}", self.read(table, alias, column))
    }

    fn is_possible(&self, table: &'static Table, column: &str, cell: &Cell) -> bool {
        self.kind_or_text(table, column).fits(cell)
    }

    fn push_compared(
        &self,
        built: &mut Built,
        table: &'static Table,
        pairs: &[(&'static str, &Cell)],
        operator: &'static str,
    ) {
        let operand = |(column, cell): &(&'static str, &Cell)| {
            Operand::of(self.kind_or_text(table, column), "kept", column, cell)
        };
        let operands: Vec<Operand> = pairs.iter().map(operand).collect();
        let left: Vec<_> = operands.iter().map(|operand| operand.left.as_str()).collect();
        built.push(format!("({}){operator}(", left.join(", ")));
        for (place, operand) in operands.into_iter().enumerate() {
            if place > 0 {
                built.push(", ");
            }
            operand.right.push(built);
        }
        built.push(")");
    }

    fn push_one_of(&self, built: &mut Built, table: &'static Table, column: &'static str, cells: &[Cell]) {
        let kind = self.kind_or_text(table, column);
        // Those that do not fit were left out.
        let Ok(values) = Values::of(table.name, kind, cells.iter().map(Some)) else {
            built.push("FALSE");
            return;
        };
        built.push(format!("{} = ANY(", self.read(table, "kept", column)));
        values.push(built);
        built.push(")");
    }

    fn push_contains(&self, built: &mut Built, table: &'static Table, column: &'static str, part: &str) {
        if !self.has_text(table, column) || part.contains('\0') {
            built.push("FALSE");
            return;
        }
        // In this collation, only the letters A to Z have another case.
        let text = text_of(self.kind_or_text(table, column), "kept", column);
        built.push(format!("strpos(lower({text}), ")).push_bind(part.to_owned()).push(") > 0");
    }

    fn push_holds(&self, built: &mut Built, table: &'static Table, column: &'static str, item: &str) {
        if !self.has_text(table, column) || item.contains('\0') {
            built.push("FALSE");
            return;
        }
        let kind = self.kind_or_text(table, column);
        if kind == Kind::List {
            built.push(format!("kept.{} @> ", quoted(column))).push_bind(vec![item.to_owned()]);
            return;
        }
        let text = text_of(kind, "kept", column);
        built.push(format!("strpos(',' || {text} || ',', ")).push_bind(format!(",{item},")).push(") > 0");
    }

    fn push_number(&self, built: &mut Built, number: i64) {
        built.push_bind(number);
    }
}
