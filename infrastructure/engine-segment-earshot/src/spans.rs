//! Stretches of speech from frames: begins at a high score, goes on at a lower one, bridges dips, pads.

use crate::{
    config::EarshotConfig,
    gate::{Evidence, Heard},
    listen::FRAME_MS,
};
use domain::value::Span;

/// Stretches are never closer than this: the port's promise, in milliseconds.
const APART_MS_MIN: u64 = 100;

/// Collects stretches from frames in order.
pub(crate) struct Stretches {
    config: EarshotConfig,
    now_ms: u64,
    open: Option<Stretch>,
    done: Vec<Stretch>,
}

/// From the first frame that scored high enough to the last.
#[derive(Clone, Copy)]
struct Stretch {
    from_ms: u64,
    to_ms: u64,
    clear: bool,
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
        let speech = frame.evidence > Evidence::None && frame.score >= score_min;
        let clear = frame.evidence == Evidence::Clear;
        self.open = match self.open {
            None => speech.then_some(Stretch { from_ms: start_ms, to_ms: end_ms, clear }),
            Some(open) if speech => Some(Stretch { to_ms: end_ms, clear: open.clear || clear, ..open }),
            Some(open) if end_ms - open.to_ms > self.config.dip_ms_max => {
                self.close(open);
                None
            }
            open => open,
        };
    }

    /// All stretches with clear evidence near, padded within the recording; those that come too close are one.
    pub(crate) fn finish(mut self, recording_ms: u64) -> Vec<Span> {
        if let Some(open) = self.open.take() {
            self.close(open);
        }
        let near_ms = self.config.near_ms;
        // From both ends: how far the last clear stretch on that side reaches.
        let mut reach_ms = None;
        let after_clear: Vec<bool> = self
            .done
            .iter()
            .map(|stretch| {
                if stretch.clear {
                    reach_ms = Some(stretch.to_ms + near_ms);
                }
                reach_ms.is_some_and(|reach_ms| stretch.from_ms <= reach_ms)
            })
            .collect();
        let mut reach_ms = None;
        let mut kept: Vec<Stretch> = self
            .done
            .iter()
            .zip(after_clear)
            .rev()
            .filter_map(|(stretch, after_clear)| {
                if stretch.clear {
                    reach_ms = Some(stretch.from_ms.saturating_sub(near_ms));
                }
                (after_clear || reach_ms.is_some_and(|reach_ms| stretch.to_ms >= reach_ms)).then_some(*stretch)
            })
            .collect();
        kept.reverse();
        padded(&kept, self.config.padding_ms, recording_ms)
    }

    fn close(&mut self, stretch: Stretch) {
        if stretch.to_ms - stretch.from_ms >= self.config.speech_ms_min {
            self.done.push(stretch);
        }
    }
}

fn padded(stretches: &[Stretch], padding_ms: u64, recording_ms: u64) -> Vec<Span> {
    let mut padded: Vec<Span> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        let start_ms = stretch.from_ms.saturating_sub(padding_ms);
        let end_ms = (stretch.to_ms + padding_ms).min(recording_ms);
        let Ok(span) = Span::try_new(start_ms, end_ms) else { continue };
        match padded.last_mut() {
            Some(last) if last.gap_ms(span) < APART_MS_MIN => *last = last.join(span),
            _ => padded.push(span),
        }
    }
    padded
}
