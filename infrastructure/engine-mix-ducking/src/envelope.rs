//! The gain of the bed over time: lowered stretches with raised-cosine ramps around them.
//! Knows nothing of samples' values; a pure function of the plan.

use crate::{config::MixConfig, wav::PER_MS};
use application::stages::mix::Background;
use domain::value::Span;

/// A stretch in frames, half-open.
type Stretch = (u64, u64);

/// The bed's gain: 1 everywhere but in the `lowered` stretches and on the ramps around them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Envelope {
    /// In order; further apart than two ramps.
    lowered: Vec<Stretch>,
    /// Gain inside the stretches.
    floor: f32,
    /// Length of a ramp in frames, at least 1.
    ramp: u64,
}

impl Envelope {
    /// The gain for a mode. `speech` are the stretches in which somebody speaks, in any order;
    /// `kept` those in which the bed stays untouched, ramps included.
    pub(crate) fn new(config: &MixConfig, mode: Background, speech: &[Span], kept: &[Span], frames: u64) -> Self {
        let kept = union(kept.iter().map(frames_of).collect(), 0);
        match mode {
            Background::Keep => Self { lowered: Vec::new(), floor: 1.0, ramp: 1 },
            Background::Duck => {
                let ramp = (config.ramp_ms * PER_MS).max(1);
                // A gap as long as two ramps at least, so that no two ramps meet.
                let gap = (config.gap_ms_max * PER_MS).max(2 * ramp);
                let lowered = union(speech.iter().map(frames_of).collect(), gap);
                Self { lowered: without(&lowered, &kept, ramp), floor: 10_f64.powf(config.duck_db / 20.0) as f32, ramp }
            }
            Background::Off => {
                let ramp = (config.fade_ms * PER_MS).max(1);
                Self { lowered: without(&[(0, frames)], &union(kept, 2 * ramp), ramp), floor: 0.0, ramp }
            }
        }
    }

    /// Multiplies interleaved samples that begin at frame `start` with the gain.
    pub(crate) fn apply(&self, start: u64, channels: usize, block: &mut [f32]) {
        let end = start + (block.len() / channels.max(1)) as u64;
        let first = self.lowered.partition_point(|(_, to)| to + self.ramp <= start);
        for stretch in self.lowered.iter().skip(first).take_while(|(from, _)| from.saturating_sub(self.ramp) < end) {
            let begin = stretch.0.saturating_sub(self.ramp).max(start);
            let finish = (stretch.1 + self.ramp).min(end);
            let samples = block.chunks_exact_mut(channels).skip((begin - start) as usize);
            for (frame, samples) in (begin..finish).zip(samples) {
                let gain = self.gain_near(*stretch, frame);
                samples.iter_mut().for_each(|sample| *sample *= gain);
            }
        }
    }

    /// The gain at a frame as far as one stretch decides it.
    fn gain_near(&self, (from, to): Stretch, frame: u64) -> f32 {
        // Frames from the stretch: 0 inside, `ramp` where the gain is 1 again.
        let away = if frame < from { from - frame } else { (frame + 1).saturating_sub(to) };
        if away == 0 {
            return self.floor;
        }
        1.0 + (self.floor - 1.0) * raised_cosine(1.0 - away as f32 / self.ramp as f32)
    }
}

/// From 0 at 0 to 1 at 1, level at both ends: `(1 − cos πx) / 2`.
pub(crate) fn raised_cosine(x: f32) -> f32 {
    0.5 - 0.5 * (std::f32::consts::PI * x.clamp(0.0, 1.0)).cos()
}

fn frames_of(span: &Span) -> Stretch {
    (span.start_ms() * PER_MS, span.end_ms() * PER_MS)
}

/// Stretches in order, joined where the gap between them is shorter than `gap_max` or where they touch.
fn union(mut stretches: Vec<Stretch>, gap_max: u64) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut joined: Vec<Stretch> = Vec::new();
    for (from, to) in stretches {
        match joined.last_mut() {
            Some(last) if from <= last.1 || from - last.1 < gap_max => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// The stretches less the holes, each hole widened by `margin` at both ends.
fn without(stretches: &[Stretch], holes: &[Stretch], margin: u64) -> Vec<Stretch> {
    let mut left = Vec::new();
    for &(mut from, to) in stretches {
        for hole in holes.iter().filter(|hole| hole.0.saturating_sub(margin) < to) {
            let end = hole.0.saturating_sub(margin);
            if end > from {
                left.push((from, end));
            }
            from = from.max(hole.1 + margin);
        }
        if from < to {
            left.push((from, to));
        }
    }
    left
}

#[cfg(test)]
mod tests;
