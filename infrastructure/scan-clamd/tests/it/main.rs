//! Against a real clamd, and against sockets that behave as a broken one would.

mod daemon;
mod failures;
mod scans;
