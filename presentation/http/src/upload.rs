//! What all ways of handing in a file have in common: how pieces arrive, and what clients may say about a file.

mod arriving;
pub(crate) mod digest;
pub(crate) mod import;
pub(crate) mod multipart;
mod renewal;
mod room;
pub(crate) mod said;

pub(crate) use arriving::Arriving;
pub(crate) use renewal::Renewal;
pub(crate) use room::has_room;
