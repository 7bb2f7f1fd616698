//! The passes over the sounds: one that measures the parts, and one or more that write the mix.
//! Memory is a few blocks, 24 bytes a 100 ms for the loudness of the parts, and a line's entry.

use crate::{
    balance::{Balance, Parts, speech_loudness},
    config::MixConfig,
    envelope::Envelope,
    error::MixError,
    limiter::Limiter,
    lines::{Line, LineBus, REFERENCE_LUFS, fade_out_end},
    loudness::{STEP, Steps, gating_blocks},
    peak::PeakMeter,
    wav::{PER_MS, RATE_HZ, WavSink, WavSource, quantise},
};
use application::stages::mix::MixInput;
use domain::value::Span;
use ebur128::{EbuR128, Mode};
use std::sync::atomic::{AtomicBool, Ordering};

/// Frames of a block: 200 ms, whole steps.
const BLOCK: usize = 2 * STEP;

/// A mix that is planned and can be run through any number of times.
pub(crate) struct Mixdown<'a> {
    input: &'a MixInput,
    config: &'a MixConfig,
    lines: Vec<Line>,
    envelope: Envelope,
    channels: usize,
    bed_frames: u64,
    frames: u64,
    abandoned: &'a AtomicBool,
}

/// How to write the mix. Levels in decibels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    /// Lines against bed, and the whole.
    pub balance: Balance,
    /// Peak the limiter allows.
    pub ceiling_db: f64,
    /// Gain after the limiter.
    pub trim_db: f64,
}

/// What was written, as an independent meter sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// In LUFS; −∞ of silence.
    pub loudness: f64,
    /// In dBTP; −∞ of silence.
    pub true_peak: f64,
}

impl<'a> Mixdown<'a> {
    /// Opens and measures every line; checks what was asked.
    pub(crate) fn plan(
        input: &'a MixInput,
        config: &'a MixConfig,
        abandoned: &'a AtomicBool,
    ) -> Result<Self, MixError> {
        let bed = WavSource::open(&input.background, 1..=2)?;
        let mut lines = input.lines.iter().map(Line::measure).collect::<Result<Vec<_>, _>>()?;
        lines.sort_by_key(|line| line.start);
        let frames = input.duration_ms * PER_MS;
        // A line's length in milliseconds is rounded up: less than one may be missing.
        if lines.iter().any(|line| line.end() > frames) {
            return Err(MixError::TooShort);
        }
        let speech: Vec<Span> =
            lines.iter().filter_map(Line::span).chain(input.original_speech.iter().copied()).collect();
        let envelope = Envelope::new(config, input.mode, &speech, &input.kept, frames);
        Ok(Self { input, config, lines, envelope, channels: bed.channels, bed_frames: bed.frames, frames, abandoned })
    }

    /// Measures bed and lines apart, so that any balance of them can be reckoned.
    ///
    /// The bed is measured as it is; what ducking leaves of a step's energy is reckoned from the mean
    /// square of its gain. That is a little off where a ramp meets a beat: the writing is measured anyway.
    pub(crate) fn analyse(&self) -> Result<Parts, MixError> {
        let mut bed_steps = Steps::new(self.channels)?;
        let mut line_steps = Steps::new(1)?;
        let mut ducking = Vec::new();
        let mut bed = WavSource::open(&self.input.background, 1..=2)?;
        let mut lines = LineBus::new(&self.lines, self.config.fade_ms * PER_MS);
        let mut block = vec![0.0; BLOCK * self.channels];
        let mut mono = vec![0.0; BLOCK];
        for (start, frames) in self.blocks(self.frames) {
            self.check_abandoned()?;
            block.truncate(frames * self.channels);
            mono.truncate(frames);
            bed.fill(&mut block)?;
            bed_steps.add(&block)?;
            mono.fill(1.0);
            self.envelope.apply(start, 1, &mut mono);
            ducking.extend(mono.chunks_exact(STEP).map(mean_square));
            if lines.fill(start, &mut mono)? {
                line_steps.add(&mono)?;
            } else {
                line_steps.add_silence(frames);
            }
        }
        let ducked: Vec<f64> = bed_steps.energies.iter().zip(&ducking).map(|(energy, gain)| energy * gain).collect();
        // A mono line sounds in every channel: the energies add up.
        let channels = self.channels as f64;
        line_steps.energies.iter_mut().for_each(|energy| *energy *= channels);
        Ok(Parts {
            bed: gating_blocks(&ducked),
            lines: gating_blocks(&line_steps.energies),
            reference: REFERENCE_LUFS + 10.0 * channels.log10(),
            original_speech: speech_loudness(&gating_blocks(&self.spoken_steps(&bed_steps.energies))),
        })
    }

    /// Those steps of the bed whose middle lies in the original speech.
    fn spoken_steps(&self, steps: &[f64]) -> Vec<f64> {
        let mut spans = self.input.original_speech.clone();
        spans.sort_unstable();
        let mut spans = spans.into_iter().peekable();
        let mut spoken = Vec::new();
        for (number, energy) in steps.iter().enumerate() {
            let middle_ms = number as u64 * 100 + 50;
            while spans.next_if(|span| span.end_ms() <= middle_ms).is_some() {}
            if spans.peek().is_some_and(|span| span.start_ms() <= middle_ms) {
                spoken.push(*energy);
            }
        }
        spoken
    }

    /// Writes the whole mix.
    pub(crate) fn render(&self, levels: Levels) -> Result<Measured, MixError> {
        let gain = amplitude(levels.balance.gain_db);
        let line_gain = amplitude(levels.balance.gain_db + levels.balance.lines_db);
        let trim = amplitude(levels.trim_db);
        let mut bed = WavSource::open(&self.input.background, 1..=2)?;
        let mut lines = LineBus::new(&self.lines, self.config.fade_ms * PER_MS);
        let mut limiter = Limiter::new(self.channels, amplitude(levels.ceiling_db));
        let mut sink = WavSink::create(&self.input.output, self.channels)?;
        let mut meter = EbuR128::new(self.channels as u32, RATE_HZ, Mode::I)?;
        let mut peak = PeakMeter::new(self.channels)?;
        let mut block = vec![0.0; BLOCK * self.channels];
        let mut mono = vec![0.0; BLOCK];
        let mut out = Vec::with_capacity(block.len());
        let mut lead = Limiter::LATENCY * self.channels;
        for (start, frames) in self.blocks(self.frames + Limiter::LATENCY as u64) {
            self.check_abandoned()?;
            block.truncate(frames * self.channels);
            mono.truncate(frames);
            bed.fill(&mut block)?;
            self.shape_bed(start, &mut block);
            block.iter_mut().for_each(|sample| *sample *= gain);
            if lines.fill(start, &mut mono)? {
                for (frame, line) in block.chunks_exact_mut(self.channels).zip(&mono) {
                    frame.iter_mut().for_each(|sample| *sample += line * line_gain);
                }
            }
            limiter.process(&mut block);
            block.iter_mut().for_each(|sample| *sample *= trim);
            quantise(&block, &mut out);
            let written = out.get(lead.min(out.len())..).unwrap_or_default();
            lead = lead.saturating_sub(out.len());
            sink.write(written)?;
            meter.add_frames_i16(written)?;
            peak.add(written)?;
        }
        sink.finish()?;
        Ok(Measured { loudness: meter.loudness_global()?, true_peak: 20.0 * peak.peak.log10() })
    }

    /// Starts and lengths of the blocks of so many frames.
    fn blocks(&self, frames: u64) -> impl Iterator<Item = (u64, usize)> + use<> {
        (0..frames).step_by(BLOCK).map(move |start| (start, (frames - start).min(BLOCK as u64) as usize))
    }

    fn shape_bed(&self, start: u64, block: &mut [f32]) {
        let frames = (block.len() / self.channels) as u64;
        // What lies after the end belongs to nobody: the limiter is only being emptied.
        let left = self.frames.saturating_sub(start).min(frames) as usize;
        if let Some(after) = block.get_mut(left * self.channels..) {
            after.fill(0.0);
        }
        self.envelope.apply(start, self.channels, block);
        if self.bed_frames < self.frames {
            fade_out_end(start, self.channels, block, self.bed_frames, self.config.fade_ms * PER_MS);
        }
    }

    fn check_abandoned(&self) -> Result<(), MixError> {
        if self.abandoned.load(Ordering::Relaxed) { Err(MixError::Abandoned) } else { Ok(()) }
    }
}

/// A level in decibels as a factor; 0 dB is exactly 1.
fn amplitude(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}

fn mean_square(samples: &[f32]) -> f64 {
    f64::from(samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32)
}
