//! Placeholder header, replaced with the first room.
