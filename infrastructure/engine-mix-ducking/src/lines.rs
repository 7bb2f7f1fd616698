//! The spoken lines as one mono stream: each in its place, levelled, faded in and out.
//! Decides no level: it measures each line, and takes the common one from the balance.

use crate::{
    envelope::raised_cosine,
    error::MixError,
    wav::{PER_MS, RATE_HZ, WavSource},
};
use application::stages::mix::MixLine;
use domain::value::Span;
use ebur128::{EbuR128, Mode};
use std::path::PathBuf;

/// Loudness all lines are brought to before the balance shifts them together, in LUFS as one channel.
pub(crate) const REFERENCE_LUFS: f64 = -23.0;
/// A line is raised or lowered by this much at most: a faint noise is no speech to be brought up.
const LEVEL_DB_MAX: f64 = 24.0;

/// A line in its place.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    path: PathBuf,
    /// First frame.
    pub start: u64,
    /// Length in frames.
    pub frames: u64,
    /// Gain that brings it to [`REFERENCE_LUFS`].
    gain: f32,
}

impl Line {
    /// Reads a line through once, to know its length and level.
    pub(crate) fn measure(line: &MixLine) -> Result<Self, MixError> {
        let mut source = WavSource::open(&line.wav, 1..=1)?;
        let frames = source.frames;
        let mut meter = EbuR128::new(1, RATE_HZ, Mode::I)?;
        let mut block = vec![0.0; RATE_HZ as usize / 2];
        let mut left = frames as usize;
        while left > 0 {
            block.truncate(left);
            source.fill(&mut block)?;
            meter.add_frames_f32(&block)?;
            left -= block.len();
        }
        let mut lufs = meter.loudness_global()?;
        if lufs.is_infinite() {
            // Shorter than a gating block, or silent: what there is of it, ungated.
            let window_ms = (frames / PER_MS).clamp(1, 400);
            lufs = meter.loudness_window(window_ms as u32)?;
        }
        let gain_db = if lufs.is_finite() { REFERENCE_LUFS - lufs } else { 0.0 };
        let gain = 10_f64.powf(gain_db.clamp(-LEVEL_DB_MAX, LEVEL_DB_MAX) / 20.0) as f32;
        Ok(Self { path: line.wav.clone(), start: line.start_ms * PER_MS, frames, gain })
    }

    /// First frame after the line.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.frames
    }

    /// Where it sounds, in whole milliseconds; `None` of an empty line.
    pub(crate) fn span(&self) -> Option<Span> {
        Span::try_new(self.start / PER_MS, self.end().div_ceil(PER_MS)).ok()
    }
}

/// All lines, read in order. At most the lines that sound in one block are open.
pub(crate) struct LineBus<'a> {
    /// Not begun yet.
    waiting: std::iter::Peekable<std::slice::Iter<'a, Line>>,
    sounding: Vec<(&'a Line, WavSource)>,
    fade: u64,
    scratch: Vec<f32>,
}

impl<'a> LineBus<'a> {
    /// From the beginning; `lines` in order of time, `fade` in frames.
    pub(crate) fn new(lines: &'a [Line], fade: u64) -> Self {
        Self { waiting: lines.iter().peekable(), sounding: Vec::new(), fade, scratch: Vec::new() }
    }

    /// Writes what sounds from frame `start` on into `mono`; false, and `mono` untouched, when nothing does.
    /// Blocks must follow each other.
    pub(crate) fn fill(&mut self, start: u64, mono: &mut [f32]) -> Result<bool, MixError> {
        let end = start + mono.len() as u64;
        while let Some(line) = self.waiting.next_if(|line| line.start < end) {
            self.sounding.push((line, WavSource::open(&line.path, 1..=1)?));
        }
        if self.sounding.is_empty() {
            return Ok(false);
        }
        mono.fill(0.0);
        for (line, source) in &mut self.sounding {
            let (from, to) = (line.start.max(start), line.end().min(end));
            self.scratch.resize(to.saturating_sub(from) as usize, 0.0);
            source.fill(&mut self.scratch)?;
            let places = mono.iter_mut().skip((from - start) as usize);
            for ((frame, sample), place) in (from - line.start..).zip(&self.scratch).zip(places) {
                *place += sample * line.gain * fade_gain(frame, line.frames, self.fade);
            }
        }
        self.sounding.retain(|(line, _)| line.end() > end);
        Ok(true)
    }
}

/// Gain of a frame of something `frames` long that is faded at both ends over `fade` frames.
fn fade_gain(frame: u64, frames: u64, fade: u64) -> f32 {
    let fade = fade.min(frames / 2);
    let from_end = frame.min(frames.saturating_sub(frame + 1));
    if from_end >= fade { 1.0 } else { raised_cosine((from_end as f32 + 0.5) / fade as f32) }
}

/// Lowers the end of a bed that stops before the sound does, so that it does not stop with a click.
pub(crate) fn fade_out_end(start: u64, channels: usize, block: &mut [f32], end: u64, fade: u64) {
    let first = end.saturating_sub(fade);
    let begin = first.max(start);
    for (frame, samples) in (begin..end).zip(block.chunks_exact_mut(channels).skip((begin - start) as usize)) {
        let gain = raised_cosine(((end - frame) as f32 - 0.5) / fade as f32);
        samples.iter_mut().for_each(|sample| *sample *= gain);
    }
}
