//! A look-ahead limiter that knows peaks between the samples. Its gain comes down before a peak over 5 ms
//! and returns after it, never steps, and is 1 exactly where nothing is too loud. It measures nothing for the
//! report: what was written is measured by an independent meter.
//!
//! Per frame: the peak p of all channels, at the sample and at three points up to the next one (4 × oversampling);
//! the gain it needs, r = min(1, ceiling / p); the least r of the coming 5 ms, released slowly; and the mean of that over
//! the last 5 ms. Every value in that mean is at most the r of the present frame, so the mean is too.

use std::collections::VecDeque;

/// Look-ahead in frames: 5 ms, the length of the attack.
const LOOK_AHEAD: usize = 240;
/// Time constant of the release in frames: 80 ms.
const RELEASE: f64 = 3840.0;
/// Taps of each interpolation filter: 24, twice those of BS.1770-4 annex 2, for peaks of high frequencies.
const TAPS: usize = 24;
/// Frames the interpolation looks forward.
const FORWARD: usize = TAPS / 2;

/// Frames worked on at a time: few enough for the fastest cache.
const PIECE: usize = 600;

/// Limits a stream of interleaved samples; output lags by [`Limiter::LATENCY`] frames.
pub(crate) struct Limiter {
    channels: usize,
    ceiling: f32,
    filters: [[f32; TAPS]; 3],
    /// No set of samples below `ceiling / overshoot_max` can have a peak above the ceiling.
    overshoot_max: f32,
    /// Per channel: the last `TAPS − 1` samples, then the block.
    planes: Vec<Vec<f32>>,
    peaks: Vec<f32>,
    interpolated: Vec<f32>,
    /// Frame number and needed gain, both rising: the least of the window is in front.
    least: VecDeque<(u64, f32)>,
    frame: u64,
    /// In double precision: a rise by one part in 3840 of almost nothing would be lost in single.
    released: f64,
    recent: VecDeque<f64>,
    sum: f64,
    /// Frames since the released gain was last below 1.
    idle: usize,
    delayed: Vec<f32>,
}

impl Limiter {
    /// Frames by which the output lags.
    pub(crate) const LATENCY: usize = LOOK_AHEAD - 1 + FORWARD;

    /// A limiter to `ceiling`, full scale 1.
    pub(crate) fn new(channels: usize, ceiling: f32) -> Self {
        let filters = [1, 2, 3].map(interpolation);
        let overshoot_max = filters.iter().map(|f| f.iter().map(|tap| tap.abs()).sum()).fold(1.0, f32::max);
        Self {
            channels,
            ceiling,
            filters,
            overshoot_max,
            planes: vec![vec![0.0; TAPS - 1]; channels],
            peaks: Vec::new(),
            interpolated: Vec::new(),
            least: VecDeque::new(),
            frame: 0,
            released: 1.0,
            recent: VecDeque::from(vec![1.0; LOOK_AHEAD]),
            sum: LOOK_AHEAD as f64,
            idle: LOOK_AHEAD,
            delayed: vec![0.0; Self::LATENCY * channels],
        }
    }

    /// Takes a block and gives back as many frames, those of [`Limiter::LATENCY`] frames ago.
    pub(crate) fn process(&mut self, block: &mut [f32]) {
        for piece in block.chunks_mut(PIECE * self.channels) {
            self.process_piece(piece);
        }
    }

    fn process_piece(&mut self, block: &mut [f32]) {
        self.measure(block);
        self.delayed.extend_from_slice(block);
        let peaks = std::mem::take(&mut self.peaks);
        let is_loud = peaks.iter().any(|peak| *peak > self.ceiling);
        if is_loud || self.idle < LOOK_AHEAD {
            for (frame, peak) in block.chunks_exact_mut(self.channels).zip(&peaks) {
                let needed = if *peak > self.ceiling { self.ceiling / peak } else { 1.0 };
                let gain = self.gain(needed);
                frame.iter_mut().for_each(|sample| *sample = gain);
            }
            block.iter_mut().zip(&self.delayed).for_each(|(sample, delayed)| *sample *= delayed);
        } else {
            // All gains in the window are 1, and so is every new one.
            self.frame += peaks.len() as u64;
            self.least.clear();
            self.sum = LOOK_AHEAD as f64;
            block.iter_mut().zip(&self.delayed).for_each(|(sample, delayed)| *sample = *delayed);
        }
        self.peaks = peaks;
        self.delayed.drain(..block.len());
    }

    /// The gain of the frame `LOOK_AHEAD − 1` before the one that needs `needed`.
    fn gain(&mut self, needed: f32) -> f32 {
        while self.least.back().is_some_and(|(_, gain)| *gain >= needed) {
            self.least.pop_back();
        }
        self.least.push_back((self.frame, needed));
        while self.least.front().is_some_and(|(frame, _)| frame + LOOK_AHEAD as u64 <= self.frame) {
            self.least.pop_front();
        }
        self.frame += 1;
        let least = self.least.front().map_or(1.0, |(_, gain)| f64::from(*gain));
        let risen = self.released + (1.0 - self.released) / RELEASE;
        self.released = least.min(if risen > 0.999_9 { 1.0 } else { risen });
        self.sum += self.released - self.recent.pop_front().unwrap_or(1.0);
        self.recent.push_back(self.released);
        self.idle = if self.released < 1.0 { 0 } else { self.idle.saturating_add(1) };
        (self.sum / LOOK_AHEAD as f64) as f32
    }

    /// Fills `peaks` with the peak of each frame `FORWARD` frames before the block's.
    fn measure(&mut self, block: &[f32]) {
        let frames = block.len() / self.channels;
        self.peaks.clear();
        self.peaks.resize(frames, 0.0);
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            plane.extend(block.iter().skip(channel).step_by(self.channels));
            let loudest = plane.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            // Each window of TAPS samples has its frame at TAPS − 1 − FORWARD.
            let centre = plane.iter().skip(TAPS - 1 - FORWARD);
            self.peaks.iter_mut().zip(centre).for_each(|(peak, sample)| *peak = peak.max(sample.abs()));
            if loudest * self.overshoot_max > self.ceiling {
                for filter in &self.filters {
                    self.interpolated.clear();
                    self.interpolated.resize(frames, 0.0);
                    // Tap by tap over the whole block: that is what the compiler turns into vector code.
                    for (shift, tap) in filter.iter().enumerate() {
                        let shifted = plane.get(shift..).unwrap_or_default();
                        self.interpolated.iter_mut().zip(shifted).for_each(|(sum, sample)| *sum += tap * sample);
                    }
                    let between = self.interpolated.iter();
                    self.peaks.iter_mut().zip(between).for_each(|(peak, sample)| *peak = peak.max(sample.abs()));
                }
            }
            plane.drain(..frames);
        }
    }
}

/// Taps that give the point `quarter / 4` after the frame: a sinc under a Hann window, of unit gain.
fn interpolation(quarter: u8) -> [f32; TAPS] {
    use std::f64::consts::PI;
    let mut taps = [0.0_f64; TAPS];
    for (n, tap) in taps.iter_mut().enumerate() {
        let x = n as f64 - (TAPS - 1 - FORWARD) as f64 - f64::from(quarter) / 4.0;
        let window = (PI * x / (TAPS as f64 + 1.0)).cos().powi(2);
        *tap = window * (PI * x).sin() / (PI * x);
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

#[cfg(test)]
mod tests;
