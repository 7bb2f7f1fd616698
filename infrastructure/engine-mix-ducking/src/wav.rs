//! WAV files in and out, block by block, as floating-point samples of full scale 1.

use crate::error::MixError;
use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

/// The one sampling rate of this engine, in hertz.
pub(crate) const RATE_HZ: u32 = 48_000;
/// Samples a millisecond.
pub(crate) const PER_MS: u64 = 48;
const BUFFER_BYTES: usize = 256 << 10;

/// A WAV that is read from its beginning; silent after its end.
pub(crate) struct WavSource {
    samples: hound::WavIntoSamples<BufReader<File>, i16>,
    /// Length in frames.
    pub frames: u64,
    /// Interleaved channels.
    pub channels: usize,
}

impl WavSource {
    /// Opens a 48 kHz WAV of signed 16 bit with as many channels as `channels_allowed` admits.
    pub(crate) fn open(path: &Path, channels_allowed: std::ops::RangeInclusive<u16>) -> Result<Self, MixError> {
        let file = File::open(path).map_err(|error| MixError::Read(error.into()))?;
        let reader = hound::WavReader::new(BufReader::with_capacity(BUFFER_BYTES.min(64 << 10), file))
            .map_err(MixError::Read)?;
        let spec = reader.spec();
        let is_pcm16 = spec.sample_format == hound::SampleFormat::Int && spec.bits_per_sample == 16;
        if !is_pcm16 || spec.sample_rate != RATE_HZ || !channels_allowed.contains(&spec.channels) {
            return Err(MixError::Format);
        }
        let frames = u64::from(reader.duration());
        Ok(Self { samples: reader.into_samples(), frames, channels: usize::from(spec.channels) })
    }

    /// Fills `block` with the next samples, and with silence after the end.
    pub(crate) fn fill(&mut self, block: &mut [f32]) -> Result<(), MixError> {
        let mut filled = 0;
        for (place, sample) in block.iter_mut().zip(&mut self.samples) {
            *place = f32::from(sample.map_err(MixError::Read)?) / 32_768.0;
            filled += 1;
        }
        if let Some(rest) = block.get_mut(filled..) {
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
    out.clear();
    // `as` saturates.
    out.extend(samples.iter().map(|sample| (sample * 32_768.0).round_ties_even() as i16));
}
