//! One pass over the recording: frames in, stretches of speech out.

use crate::{
    config::EarshotConfig,
    engine::{unreadable, wrong_format},
    gate::{Evidence, Gate, GateRules, Heard},
    level::Level,
    shape::Shape,
    spans::Stretches,
};
use application::ports::engine::EngineError;
use domain::value::Span;
use earshot::Detector;
use hound::{SampleFormat, WavReader, WavSpec};
use std::path::Path;

/// Samples in a frame of `earshot`: 16 ms at 16 kHz.
pub(crate) const FRAME_SAMPLES: usize = 256;
/// Milliseconds in a frame.
pub(crate) const FRAME_MS: u64 = 16;

const SAMPLE_RATE: u32 = 16_000;

/// The stretches of speech in the recording at `path`, padded, in order, apart by at least 100 ms.
pub(crate) fn detect(path: &Path, config: &EarshotConfig) -> Result<Vec<Span>, EngineError> {
    let mut reader = WavReader::open(path).map_err(unreadable)?;
    let expected =
        WavSpec { channels: 1, sample_rate: SAMPLE_RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
    if reader.spec() != expected {
        return Err(wrong_format());
    }
    let mut listener = Listener::new(config);
    let mut frame = [0; FRAME_SAMPLES];
    let (mut filled, mut samples) = (0, 0);
    for sample in reader.samples::<i16>() {
        let sample = sample.map_err(unreadable)?;
        if let Some(place) = frame.get_mut(filled) {
            *place = sample;
        }
        filled += 1;
        samples += 1;
        if filled == FRAME_SAMPLES {
            listener.hear(&frame);
            filled = 0;
        }
    }
    if filled > 0 {
        // The last frame is filled up with silence.
        frame.iter_mut().skip(filled).for_each(|rest| *rest = 0);
        listener.hear(&frame);
    }
    Ok(listener.finish(samples * 1_000 / u64::from(SAMPLE_RATE)))
}

/// The chain a frame goes through.
struct Listener {
    detector: Detector,
    level: Level,
    shape: Shape,
    gate: Gate,
    stretches: Stretches,
}

impl Listener {
    fn new(config: &EarshotConfig) -> Self {
        Self {
            detector: Detector::default(),
            level: Level::new(config.quiet_db),
            shape: Shape::new(),
            gate: Gate::new(GateRules {
                score_min: config.score_off,
                change_min: config.change_min,
                sure_score: config.sure_score,
                sure_share_min: config.sure_share_min,
                strength_min: config.strength_min,
            }),
            stretches: Stretches::new(config),
        }
    }

    fn hear(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        let score = self.detector.predict_i16(frame);
        let score = if self.level.is_quiet(frame) { 0.0 } else { score };
        let heard = Heard { score, change: self.shape.change(frame), evidence: Evidence::None };
        if let Some(passed) = self.gate.push(heard) {
            self.stretches.push(passed);
        }
    }

    fn finish(mut self, recording_ms: u64) -> Vec<Span> {
        for passed in self.gate.finish() {
            self.stretches.push(passed);
        }
        self.stretches.finish(recording_ms)
    }
}
