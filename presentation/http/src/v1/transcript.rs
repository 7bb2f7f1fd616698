//! The transcript of a dubbing, which all its languages are made from.

pub(crate) mod change;
pub(crate) mod get;
pub(crate) mod view;
