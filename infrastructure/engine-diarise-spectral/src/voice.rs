//! What one stretch of speech tells about the voice in it.

use crate::{
    cepstrum::{COEFFICIENTS, Cepstrum, CepstrumMeter},
    pitch::{FRAME_SAMPLES, PitchHistogram, PitchMeter},
};

/// Samples from frame to frame: 16 ms.
const HOP_SAMPLES: usize = 256;
/// Power below which a frame is not looked at: −50 dBFS.
const POWER_MIN: f32 = 1e-5;

/// A voice as heard in one stretch or in several.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    /// The pitches of its voiced frames.
    pub pitches: PitchHistogram,
    colours: Cepstrum,
}

impl Voice {
    /// Nothing heard yet.
    pub(crate) fn new() -> Self {
        Self { pitches: PitchHistogram::new(), colours: [0.0; COEFFICIENTS] }
    }

    /// The mean colour of its voiced frames; `None` when there are none.
    pub(crate) fn colour(&self) -> Option<Cepstrum> {
        let frames = self.pitches.frames();
        (frames > 0).then(|| self.colours.map(|sum| sum / frames as f32))
    }
}

/// Listens to voices.
pub(crate) struct VoiceMeter {
    pitch: PitchMeter,
    cepstrum: CepstrumMeter,
}

impl VoiceMeter {
    /// A meter; it remembers nothing from stretch to stretch.
    pub(crate) fn new() -> Self {
        Self { pitch: PitchMeter::new(), cepstrum: CepstrumMeter::new() }
    }

    /// Adds what these samples (−1 to 1) tell to a voice. Only voiced frames count: they carry the speaker, and
    /// pauses and hiss do not.
    pub(crate) fn listen(&mut self, samples: &[f32], voice: &mut Voice) {
        for start in (0..samples.len()).step_by(HOP_SAMPLES) {
            let Some(frame) = samples.get(start..start + FRAME_SAMPLES) else { break };
            if frame.iter().map(|sample| sample * sample).sum::<f32>() < POWER_MIN * FRAME_SAMPLES as f32 {
                continue;
            }
            let Some(pitch_hz) = self.pitch.pitch_hz(frame) else { continue };
            let Some(colour) = self.cepstrum.colour(frame) else { continue };
            voice.pitches.add(pitch_hz);
            voice.colours.iter_mut().zip(colour).for_each(|(sum, value)| *sum += value);
        }
    }
}
