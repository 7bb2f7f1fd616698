//! From espeak-ng's WAV to a line's WAV: read, trim, resample, bound the peak, write.
//! No levelling and no fades: those belong to the mix.

use rubato::{Fft, FixedSync, Resampler, audioadapter_buffers::owned::InterleavedOwned};
use std::io::Cursor;

/// Sampling rate of every line, in hertz.
pub(crate) const LINE_RATE_HZ: u32 = 48_000;
/// Level below the line's peak that counts as silence: −46 dB. Fading echoes of some variants lie below it.
const SILENCE_SHARE: f32 = 0.005;
/// Kept around the sound, in milliseconds: as long as the mix's fades, which so never touch speech.
const GUARD_MS: u32 = 15;
/// Highest sample of a line: −1 dBFS.
const PEAK_MAX: f32 = 0.891_25;
/// Block of the resampler in frames: a multiple of 2 × 147, so that at 22.05 kHz (147 : 320 to 48 kHz) the filter
/// has an even length and its delay is whole; its transition band lies above 10.5 kHz.
const BLOCK_FRAMES: usize = 1176;

/// Why espeak-ng's output is no sound. Carries nothing of what was said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SoundError {
    #[error("espeak-ng wrote something that is not 16 bit mono WAV")]
    NotWav,
    #[error("the sound could not be resampled")]
    Resample,
    #[error("the sound could not be written")]
    Write,
}

/// A mono sound, full scale 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sound {
    /// Sampling rate in hertz.
    pub rate_hz: u32,
    /// The samples.
    pub samples: Vec<f32>,
}

impl Sound {
    /// Reads a 16 bit mono WAV of which the sizes in the header may be wrong: everything after the
    /// header of the `data` chunk is taken, as espeak-ng cannot know the size before it has spoken.
    pub(crate) fn from_wav(wav: &[u8]) -> Result<Self, SoundError> {
        let mut rest = wav.strip_prefix(b"RIFF").and_then(|r| r.get(4..)).and_then(|r| r.strip_prefix(b"WAVE"));
        let mut rate_hz = None;
        while let Some((head, body)) = rest.and_then(|r| r.split_first_chunk::<8>()) {
            let [a, b, c, d, size @ ..] = *head;
            match (&[a, b, c, d], rate_hz) {
                (b"data", Some(rate_hz)) => {
                    let samples = body.chunks_exact(2).map(|s| f32::from(sample(s)) / 32_768.0).collect();
                    return Ok(Self { rate_hz, samples });
                }
                (b"fmt ", _) => rate_hz = Some(rate_of(body).ok_or(SoundError::NotWav)?),
                _ => {}
            }
            // Chunks are padded to an even length (RIFF).
            let size = usize::try_from(u32::from_le_bytes(size)).unwrap_or(usize::MAX);
            rest = body.get(size.saturating_add(size % 2)..);
        }
        Err(SoundError::NotWav)
    }

    /// Without the silence at both ends; pauses inside stay. Empty when there is no sound at all.
    pub(crate) fn trimmed(mut self) -> Self {
        let peak = self.peak();
        let is_sound = |s: &f32| s.abs() > peak * SILENCE_SHARE;
        let (Some(first), Some(last)) =
            (self.samples.iter().position(is_sound), self.samples.iter().rposition(is_sound))
        else {
            self.samples.clear();
            return self;
        };
        let guard = (self.rate_hz * GUARD_MS / 1000) as usize;
        self.samples.truncate(last.saturating_add(1 + guard));
        self.samples.drain(..first.saturating_sub(guard));
        self
    }

    /// At 48 kHz, in time with the original to a fraction of a sample: `ceil(n × 48000 / rate)` samples.
    pub(crate) fn resampled(self) -> Result<Self, SoundError> {
        if self.rate_hz == LINE_RATE_HZ || self.samples.is_empty() {
            return Ok(Self { rate_hz: LINE_RATE_HZ, ..self });
        }
        let frames = self.samples.len();
        let (from, to) = (self.rate_hz as usize, LINE_RATE_HZ as usize);
        let mut resampler =
            Fft::<f32>::new(from, to, BLOCK_FRAMES, 1, FixedSync::Both).map_err(|_| SoundError::Resample)?;
        let input = InterleavedOwned::new_from(self.samples, 1, frames).map_err(|_| SoundError::Resample)?;
        let output = resampler.process_all(&input, frames, None).map_err(|_| SoundError::Resample)?;
        let mut samples = output.take_data();
        samples.truncate((frames * to).div_ceil(from));
        Ok(Self { rate_hz: LINE_RATE_HZ, samples })
    }

    /// As a WAV file of signed 16 bit, its peak at −1 dBFS at most.
    pub(crate) fn to_wav(&self) -> Result<Vec<u8>, SoundError> {
        let gain = 32_768.0 * (PEAK_MAX / self.peak().max(f32::MIN_POSITIVE)).min(1.0);
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: self.rate_hz,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = Vec::with_capacity(44 + self.samples.len() * 2);
        let mut writer = hound::WavWriter::new(Cursor::new(&mut wav), spec).map_err(|_| SoundError::Write)?;
        for sample in &self.samples {
            writer.write_sample((sample * gain).round() as i16).map_err(|_| SoundError::Write)?;
        }
        writer.finalize().map_err(|_| SoundError::Write)?;
        Ok(wav)
    }

    /// Length in milliseconds, rounded up.
    pub(crate) fn duration_ms(&self) -> u64 {
        (self.samples.len() as u64 * 1000).div_ceil(u64::from(self.rate_hz.max(1)))
    }

    /// The highest magnitude of a sample.
    pub(crate) fn peak(&self) -> f32 {
        self.samples.iter().fold(0.0, |peak, s| peak.max(s.abs()))
    }
}

/// The sampling rate a `fmt ` chunk names, when it describes 16 bit mono PCM.
fn rate_of(format: &[u8]) -> Option<u32> {
    let word = |at: usize| Some(u16::from_le_bytes([*format.get(at)?, *format.get(at + 1)?]));
    let rate_hz = u32::from(word(4)?) | u32::from(word(6)?) << 16;
    let is_pcm16_mono = word(0)? == 1 && word(2)? == 1 && word(14)? == 16;
    (is_pcm16_mono && (4_000..=192_000).contains(&rate_hz)).then_some(rate_hz)
}

fn sample(bytes: &[u8]) -> i16 {
    match *bytes {
        [low, high] => i16::from_le_bytes([low, high]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
