//! Assets: sources that were handed in.

pub(crate) mod create;
mod document;
pub(crate) mod erase;
pub(crate) mod get;
pub(crate) mod list;

pub(crate) use document::location;
