//! Text on its way through a dub: pure preparation, without any engine, file or clock.
//!
//! `restore` gives recognised words their capitals and stops; `keep` finds phrases that are not dubbed;
//! `glossary` fixes and verifies terms; `split` lays a translation over the cues it came from;
//! `subtitles` reads and writes SRT and WebVTT.

pub mod glossary;
pub mod keep;
pub mod restore;
pub mod split;
pub mod subtitles;
mod words;
