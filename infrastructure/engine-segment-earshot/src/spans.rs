//! Stretches of speech from frames: begins at a high score, goes on at a lower one, bridges dips, pads.

use crate::{config::EarshotConfig, gate::Heard, listen::FRAME_MS};
use domain::value::Span;

/// Stretches are never closer than this: the port's promise, in milliseconds.
const APART_MS_MIN: u64 = 100;

/// Collects stretches from frames in order.
pub(crate) struct Stretches {
    config: EarshotConfig,
    now_ms: u64,
    /// The stretch under way: its start, and the end of its last frame that scored high enough.
    open: Option<(u64, u64)>,
    done: Vec<Span>,
}

impl Stretches {
    /// Nothing heard yet.
    pub(crate) fn new(config: &EarshotConfig) -> Self {
        Self { config: *config, now_ms: 0, open: None, done: Vec::new() }
    }

    /// Takes the next frame.
    pub(crate) fn push(&mut self, frame: Heard) {
        let (start_ms, end_ms) = (self.now_ms, self.now_ms + FRAME_MS);
        self.now_ms = end_ms;
        let score_min = if self.open.is_some() { self.config.score_off } else { self.config.score_on };
        let speech = frame.lively && frame.score >= score_min;
        self.open = match self.open {
            None => speech.then_some((start_ms, end_ms)),
            Some((from_ms, _)) if speech => Some((from_ms, end_ms)),
            Some((from_ms, to_ms)) if end_ms - to_ms > self.config.dip_ms_max => {
                self.close(from_ms, to_ms);
                None
            }
            open => open,
        };
    }

    /// All stretches, padded within the recording; those that come too close are one.
    pub(crate) fn finish(mut self, recording_ms: u64) -> Vec<Span> {
        if let Some((from_ms, to_ms)) = self.open.take() {
            self.close(from_ms, to_ms);
        }
        let mut padded: Vec<Span> = Vec::with_capacity(self.done.len());
        for span in self.done {
            let start_ms = span.start_ms().saturating_sub(self.config.padding_ms);
            let end_ms = (span.end_ms() + self.config.padding_ms).min(recording_ms);
            let Ok(span) = Span::try_new(start_ms, end_ms) else { continue };
            match padded.last_mut() {
                Some(last) if last.gap_ms(span) < APART_MS_MIN => *last = last.join(span),
                _ => padded.push(span),
            }
        }
        padded
    }

    fn close(&mut self, from_ms: u64, to_ms: u64) {
        if to_ms - from_ms >= self.config.speech_ms_min {
            self.done.extend(Span::try_new(from_ms, to_ms));
        }
    }
}
