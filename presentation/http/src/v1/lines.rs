//! The lines of a track: translation, voice and rate of each utterance.

pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod view;
