//! Version 1 of the API: one folder or file per noun, one file per verb.

pub(crate) mod abilities;
pub(crate) mod assets;
pub(crate) mod downloads;
pub(crate) mod dubbings;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod glossaries;
mod kept;
pub(crate) mod lines;
pub(crate) mod projects;
pub(crate) mod tracks;
pub(crate) mod transcript;
pub(crate) mod uploads;
pub(crate) mod usage;
pub(crate) mod ws;
