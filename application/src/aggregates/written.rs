//! What this process has appended lately, so that whoever follows the whole log need not read it back.
//!
//! Where positions are dense, appends that follow one another without a hole are all that was appended: their events
//! are in the kept states already. Anything else is read from the log.

use crate::ports::event_log::StreamId;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;

/// Appends that are remembered; the oldest go when there are more.
const KEPT_MAX: usize = 8_192;

/// Appends of this process.
#[derive(Debug, Default)]
pub struct Written {
    /// By the position before their first event: the position of their last one, and their stream.
    appends: Mutex<BTreeMap<u64, (u64, StreamId)>>,
    /// Appends that wait for the log's answer.
    under_way: AtomicUsize,
    /// How many have been answered.
    answered: watch::Sender<u64>,
}

/// An append that waits for the log's answer; dropped, it does not any more.
pub(super) struct UnderWay<'a>(&'a Written);

/// Appends that follow one another.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// Streams that were written to; each once or more often.
    pub streams: Vec<StreamId>,
    /// Position of the last event.
    pub last: u64,
}

impl Written {
    /// An append begins.
    pub(super) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(self)
    }

    /// So many events were written to a stream, the last one at this position, and the kept states have them.
    pub(super) fn note(&self, stream: &StreamId, events: usize, last: u64) {
        let mut appends = self.appends();
        if appends.len() >= KEPT_MAX {
            appends.pop_first();
        }
        appends.insert(last.saturating_sub(events as u64), (last, stream.clone()));
    }

    /// All that was appended right after a position, as far as it is known here; what was asked for before is forgotten.
    pub fn after(&self, position: u64) -> Option<Run> {
        let mut appends = self.appends();
        *appends = appends.split_off(&position);
        let (mut streams, mut last) = (Vec::new(), position);
        while let Some((end, stream)) = appends.remove(&last) {
            streams.push(stream);
            last = end;
        }
        (!streams.is_empty()).then_some(Run { streams, last })
    }

    /// Whether an append waits for the log's answer: what is new in the log may be that.
    pub fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) > 0
    }

    /// Told whenever the log has answered.
    pub fn answers(&self) -> watch::Receiver<u64> {
        self.answered.subscribe()
    }

    /// What is kept is valid at every moment, so a panic elsewhere does not spoil it.
    fn appends(&self) -> MutexGuard<'_, BTreeMap<u64, (u64, StreamId)>> {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        self.0.answered.send_modify(|answered| *answered += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::value::DubbingId;
    use uuid::Uuid;

    fn stream(number: u128) -> StreamId {
        StreamId::Dubbing(DubbingId(Uuid::from_u128(number)))
    }

    #[test]
    fn what_follows_without_a_hole_is_known_in_any_order() {
        let written = Written::default();
        written.note(&stream(2), 2, 13);
        assert_eq!(written.after(10), None, "somebody else's stands in between, or one that is not answered yet");
        written.note(&stream(1), 1, 11);
        written.note(&stream(3), 1, 15);
        assert_eq!(written.after(10), Some(Run { streams: vec![stream(1), stream(2)], last: 13 }));
        assert_eq!(written.after(13), None);
        assert_eq!(written.after(14), Some(Run { streams: vec![stream(3)], last: 15 }));
        assert_eq!(written.after(14), None, "told once");
    }

    #[test]
    fn what_was_passed_over_is_forgotten_and_the_rest_is_bounded() {
        let written = Written::default();
        written.note(&stream(1), 1, 1);
        assert_eq!(written.after(5), None);
        assert_eq!(written.after(0), None);
        for number in 0..2 * KEPT_MAX as u64 {
            written.note(&stream(1), 1, number + 1);
        }
        assert_eq!(written.after(0), None);
        assert_eq!(written.after(KEPT_MAX as u64).map(|run| run.last), Some(2 * KEPT_MAX as u64));
    }

    #[test]
    fn it_is_known_whether_an_answer_is_awaited() {
        let written = Written::default();
        let answers = written.answers();
        let under_way = written.begin();
        assert!(written.is_under_way() && !answers.has_changed().unwrap());
        drop(under_way);
        assert!(!written.is_under_way() && answers.has_changed().unwrap());
    }
}
