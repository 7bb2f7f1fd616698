//! How far streams were written lately: whoever asks for what comes after that need not ask the file, and nor need the
//! writer for where a stream ends.
//!
//! Only the one writer adds to it, after each commit and before anyone is answered or woken: what is kept here is as
//! true as the file.

use event_codec::Tail;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Streams kept; all are forgotten when there are more.
const KEPT_MAX: usize = 4_096;

/// Ends by stream.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<HashMap<String, Tail>>);

impl Ends {
    /// Whether it is known that a stream has no such revision.
    pub fn lacks(&self, stream: &str, revision: u64) -> bool {
        self.kept().get(stream).is_some_and(|end| end.revision < revision)
    }

    /// Where a stream ends, if that is known.
    pub fn of(&self, stream: &str) -> Option<Tail> {
        self.kept().get(stream).copied()
    }

    /// Keeps what was committed.
    pub fn keep<'a>(&self, written: impl Iterator<Item = (&'a str, Tail)>) {
        let mut kept = self.kept();
        for (stream, end) in written {
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(stream.to_owned(), end);
        }
    }

    /// Nobody knows what the file holds.
    pub fn forget(&self) {
        self.kept().clear();
    }

    /// What is kept is valid at every moment, so a panic elsewhere does not spoil it.
    fn kept(&self) -> MutexGuard<'_, HashMap<String, Tail>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(revision: u64) -> Tail {
        Tail { revision, ..Tail::EMPTY }
    }

    #[test]
    fn it_knows_what_it_was_told_and_nothing_else() {
        let ends = Ends::default();
        assert!(!ends.lacks("a", 1), "it may be there");
        ends.keep([("a", end(2)), ("b", end(7)), ("a", end(3))].into_iter());
        assert_eq!((ends.of("a"), ends.of("c")), (Some(end(3)), None));
        assert!(ends.lacks("a", 4) && !ends.lacks("a", 3) && !ends.lacks("b", 7) && ends.lacks("b", 8));
        ends.forget();
        assert!(!ends.lacks("a", 4));
    }

    #[test]
    fn it_stays_bounded() {
        let ends = Ends::default();
        let names: Vec<String> = (0..KEPT_MAX * 2 + 1).map(|number| number.to_string()).collect();
        ends.keep(names.iter().map(|name| (&**name, end(1))));
        assert!(ends.kept().len() <= KEPT_MAX);
        assert!(ends.lacks(names.last().unwrap(), 2));
    }
}
