//! Version 1 of the API: one folder or file per noun, one file per verb.

pub(crate) mod downloads;
pub(crate) mod dubbings;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod lines;
pub(crate) mod tracks;
pub(crate) mod transcript;
pub(crate) mod ws;
