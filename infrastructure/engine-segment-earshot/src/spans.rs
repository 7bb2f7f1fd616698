//! Stretches of speech from frames: begins at a high score, goes on at a lower one, bridges dips, pads.

use crate::{
    config::EarshotConfig,
    gate::{Evidence, Heard},
    listen::FRAME_MS,
};
use domain::value::Span;
use std::collections::VecDeque;

/// Stretches are never closer than this: the port's promise, in milliseconds.
const APART_MS_MIN: u64 = 100;
/// What is looked at before and after a stretch to see whether it stands in silence: half a second.
const AROUND_FRAMES: usize = 31;
/// How many of these frames must be quiet; the others are breath and fading.
const AROUND_QUIET_MIN: usize = 19;

/// Collects stretches from frames in order.
pub(crate) struct Stretches {
    config: EarshotConfig,
    now_ms: u64,
    open: Option<Stretch>,
    done: Vec<Stretch>,
    /// Which of the last frames were quiet, as long as [`AROUND_FRAMES`]; before the recording all was.
    quiet: VecDeque<bool>,
}

/// From the first frame that scored high enough to the last.
#[derive(Clone, Copy)]
struct Stretch {
    from_ms: u64,
    to_ms: u64,
    clear: bool,
    quiet_before: bool,
    quiet_after: bool,
}

impl Stretch {
    /// A word in silence: there is too little of it to be clear, but music seldom stands alone like that.
    fn stands_alone(self) -> bool {
        self.quiet_before && self.quiet_after
    }
}

impl Stretches {
    /// Nothing heard yet.
    pub(crate) fn new(config: &EarshotConfig) -> Self {
        Self { config: *config, now_ms: 0, open: None, done: Vec::new(), quiet: VecDeque::from([true; AROUND_FRAMES]) }
    }

    /// Takes the next frame.
    pub(crate) fn push(&mut self, frame: Heard) {
        let (start_ms, end_ms) = (self.now_ms, self.now_ms + FRAME_MS);
        self.now_ms = end_ms;
        let score_min = if self.open.is_some() { self.config.score_off } else { self.config.score_on };
        let speech = frame.evidence > Evidence::None && frame.score >= score_min;
        let clear = frame.evidence == Evidence::Clear;
        let quiet_before = self.was_quiet();
        self.quiet.pop_front();
        self.quiet.push_back(frame.score <= 0.0);
        self.look_after(end_ms);
        self.open = match self.open {
            None => {
                speech.then_some(Stretch { from_ms: start_ms, to_ms: end_ms, clear, quiet_before, quiet_after: false })
            }
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
        // After the recording all is quiet.
        for after in 1..=AROUND_FRAMES as u64 {
            self.quiet.pop_front();
            self.quiet.push_back(true);
            self.look_after(self.now_ms + after * FRAME_MS);
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
                (after_clear || stretch.stands_alone() || reach_ms.is_some_and(|reach_ms| stretch.to_ms >= reach_ms))
                    .then_some(*stretch)
            })
            .collect();
        kept.reverse();
        padded(&kept, self.config.padding_ms, recording_ms)
    }

    fn was_quiet(&self) -> bool {
        self.quiet.iter().filter(|quiet| **quiet).count() >= AROUND_QUIET_MIN
    }

    /// Notes whether it was quiet after the last stretch, once enough frames have passed.
    fn look_after(&mut self, now_ms: u64) {
        let quiet_after = self.was_quiet();
        if let Some(last) = self.done.last_mut().filter(|last| last.to_ms + AROUND_FRAMES as u64 * FRAME_MS == now_ms) {
            last.quiet_after = quiet_after;
        }
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
