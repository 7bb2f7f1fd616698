//! Version 1 of the API: one folder or file per noun, one file per verb.

pub(crate) mod dubbings;
pub(crate) mod errors;
