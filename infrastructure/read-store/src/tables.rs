//! What the stores of read models share: values, the shape of rows, and statements over any table.
//!
//! A statement is built once for both databases, over the little in which they differ ([`Dialect`]). Names of tables and
//! columns are this program's own constants; everything else is bound. Deliberately absent: connections, transactions.

mod cell;
mod dialect;
mod pages;
mod reads;
mod statements;

pub use cell::Misshapen;
pub(crate) use cell::{Cell, not_begun};
pub(crate) use dialect::{Dialect, Statement, quoted};
#[cfg(test)]
pub(crate) use pages::{count as count_statement, page as page_statement, sums as sums_statement};
pub(crate) use reads::{Reader, count, load, page, query, sums};
pub(crate) use statements::Step;
