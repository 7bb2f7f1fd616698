//! How the stretches are shared out among the processes. Runs nothing.

use domain::value::Span;
use std::collections::VecDeque;

/// Speech that makes the start of a process (0.3 s, as much as 2 s of speech take) worth while.
const BATCH_MS_MIN: u64 = 20_000;
/// Speech one process gets at most: bounds what is lost when it dies.
const BATCH_MS_MAX: u64 = 300_000;

/// A stretch and its place in the caller's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Index in the list of utterances.
    pub index: usize,
    /// What to recognise.
    pub span: Span,
}

/// The stretches no process has taken yet.
pub(crate) struct Queue {
    waiting: VecDeque<Task>,
    processes: u64,
    /// Speech per process if it were shared out evenly once.
    even_ms: u64,
}

impl Queue {
    /// All stretches, for this many processes.
    pub(crate) fn new(spans: impl IntoIterator<Item = Span>, processes: usize) -> Self {
        let waiting: VecDeque<Task> = spans.into_iter().enumerate().map(|(index, span)| Task { index, span }).collect();
        let processes = processes.max(1) as u64;
        let even_ms = length_ms(&waiting).div_ceil(processes);
        Self { waiting, processes, even_ms }
    }

    /// What the next free process does; empty when nothing is left.
    ///
    /// Half of an even share of what is left, so that the batches get smaller and all processes end at about the
    /// same time (guided self-scheduling), but not less than what is worth a start.
    pub(crate) fn take(&mut self) -> Vec<Task> {
        let half_share_ms = length_ms(&self.waiting) / (2 * self.processes);
        let target_ms = half_share_ms.max(BATCH_MS_MIN.min(self.even_ms)).min(BATCH_MS_MAX);
        let (mut batch, mut batch_ms) = (Vec::new(), 0);
        while let Some(task) = self.waiting.pop_front_if(|task| {
            // At least one; the last one only if more than half of it still fits.
            batch_ms == 0 || batch_ms + task.span.len_ms() / 2 < target_ms
        }) {
            batch_ms += task.span.len_ms();
            batch.push(task);
        }
        batch
    }
}

fn length_ms(tasks: &VecDeque<Task>) -> u64 {
    tasks.iter().map(|task| task.span.len_ms()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds of speech in each batch, in the order in which they are taken.
    fn check(seconds: &[u64], processes: usize, expected: &[u64]) {
        let mut queue = Queue::new(seconds.iter().map(|&length| Span::lasting(0, length * 1_000)), processes);
        let batches: Vec<Vec<Task>> =
            std::iter::repeat_with(|| queue.take()).take_while(|batch| !batch.is_empty()).collect();
        let indices: Vec<usize> = batches.iter().flatten().map(|task| task.index).collect();
        assert_eq!(indices, (0..seconds.len()).collect::<Vec<_>>(), "each once, in order");
        let lengths = batches.iter().map(|batch| batch.iter().map(|task| task.span.len_ms() / 1_000).sum());
        assert_eq!(lengths.collect::<Vec<u64>>(), expected, "{seconds:?} among {processes}");
    }

    #[test]
    fn a_short_recording_is_shared_evenly_and_once() {
        check(&[], 2, &[]);
        check(&[9], 2, &[9]);
        check(&[5, 5, 5, 5], 2, &[10, 10]);
        check(&[10, 10, 10, 10], 2, &[20, 20]);
        check(&[7, 7, 7], 1, &[21]);
    }

    #[test]
    fn of_a_long_one_batches_get_smaller_towards_the_end() {
        check(&[10; 40], 2, &[100, 70, 60, 40, 30, 20, 20, 20, 20, 20]);
        check(
            &[15; 200],
            2,
            &[300, 300, 300, 300, 300, 300, 300, 225, 165, 120, 90, 75, 60, 45, 30, 15, 15, 15, 15, 15, 15],
        );
    }
}
