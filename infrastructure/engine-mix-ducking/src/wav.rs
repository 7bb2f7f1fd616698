//! WAV files in and out, block by block, as floating-point samples of full scale 1.

use crate::error::MixError;
use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Take},
    path::Path,
};

/// The one sampling rate of this engine, in hertz.
pub(crate) const RATE_HZ: u32 = 48_000;
/// Samples a millisecond.
pub(crate) const PER_MS: u64 = 48;
const BUFFER_BYTES: usize = 256 << 10;

/// A WAV that is read from its beginning; silent after its end.
pub(crate) struct WavSource {
    /// At the first sample not read yet.
    data: Take<BufReader<File>>,
    bytes: Vec<u8>,
    /// Length in frames.
    pub frames: u64,
    /// Interleaved channels.
    pub channels: usize,
}

impl WavSource {
    /// Opens a 48 kHz WAV of signed 16 bit with as many channels as `channels_allowed` admits.
    pub(crate) fn open(path: &Path, channels_allowed: std::ops::RangeInclusive<u16>) -> Result<Self, MixError> {
        let file = File::open(path).map_err(|error| MixError::Read(error.into()))?;
        let reader = hound::WavReader::new(BufReader::with_capacity(BUFFER_BYTES, file)).map_err(MixError::Read)?;
        let spec = reader.spec();
        let is_pcm16 = spec.sample_format == hound::SampleFormat::Int && spec.bits_per_sample == 16;
        if !is_pcm16 || spec.sample_rate != RATE_HZ || !channels_allowed.contains(&spec.channels) {
            return Err(MixError::Format);
        }
        let frames = u64::from(reader.duration());
        let length = frames * u64::from(spec.channels) * 2;
        // hound reads headers; sample by sample it would cost more than all the mixing.
        let data = reader.into_inner().take(length);
        Ok(Self { data, bytes: Vec::new(), frames, channels: usize::from(spec.channels) })
    }

    /// Fills `block` with the next samples, and with silence after the end.
    pub(crate) fn fill(&mut self, block: &mut [f32]) -> Result<(), MixError> {
        let wanted = self.data.limit().min(block.len() as u64 * 2);
        self.bytes.resize(wanted as usize, 0);
        self.data.read_exact(&mut self.bytes).map_err(|error| MixError::Read(error.into()))?;
        let (samples, _) = self.bytes.as_chunks::<2>();
        for (place, sample) in block.iter_mut().zip(samples) {
            *place = f32::from(i16::from_le_bytes(*sample)) / 32_768.0;
        }
        if let Some(rest) = block.get_mut(samples.len()..) {
            rest.fill(0.0);
        }
        Ok(())
    }
}

/// A WAV that is written from its beginning.
pub(crate) struct WavSink {
    writer: hound::WavWriter<BufWriter<File>>,
}

impl WavSink {
    /// Creates the file, or empties it.
    pub(crate) fn create(path: &Path, channels: usize) -> Result<Self, MixError> {
        let spec = hound::WavSpec {
            channels: channels as u16,
            sample_rate: RATE_HZ,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let file = File::create(path).map_err(|error| MixError::Write(error.into()))?;
        let writer = hound::WavWriter::new(BufWriter::with_capacity(BUFFER_BYTES, file), spec);
        Ok(Self { writer: writer.map_err(MixError::Write)? })
    }

    /// Writes samples.
    pub(crate) fn write(&mut self, samples: &[i16]) -> Result<(), MixError> {
        let mut writer = self.writer.get_i16_writer(samples.len() as u32);
        for sample in samples {
            writer.write_sample(*sample);
        }
        writer.flush().map_err(MixError::Write)
    }

    /// Completes the header.
    pub(crate) fn finish(self) -> Result<(), MixError> {
        self.writer.finalize().map_err(MixError::Write)
    }
}

/// To 16 bit, rounded to the nearest; what came from 16 bit unchanged goes back unchanged.
pub(crate) fn quantise(samples: &[f32], out: &mut Vec<i16>) {
    // 1.5 × 2²³: adding it leaves no room for a fraction, so that the sum is rounded (to even), in vector code.
    const ROUNDER: f32 = 12_582_912.0;
    out.clear();
    out.extend(samples.iter().map(|sample| {
        let scaled = (sample * 32_768.0).clamp(-32_768.0, 32_767.0);
        ((scaled + ROUNDER) - ROUNDER) as i32 as i16
    }));
}

#[cfg(test)]
mod tests {
    use super::quantise;

    #[test]
    fn sixteen_bits_come_back_unchanged_and_the_rest_is_rounded_and_bounded() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let samples: Vec<f32> = all.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
        let mut out = Vec::new();
        quantise(&samples, &mut out);
        assert_eq!(out, all);
        quantise(&[0.4 / 32_768.0, 0.6 / 32_768.0, -0.6 / 32_768.0, 1.0, -7.0, f32::NAN], &mut out);
        assert_eq!(out, [0, 1, -1, i16::MAX, i16::MIN, 0]);
    }
}
