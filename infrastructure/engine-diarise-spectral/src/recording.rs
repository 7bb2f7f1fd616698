//! Reads one stretch of the recording at a time.

use crate::pitch::SAMPLE_RATE;
use application::ports::engine::EngineError;
use domain::value::Span;
use hound::{SampleFormat, WavReader, WavSpec};
use std::{fs::File, io::BufReader, path::Path};

/// Longer stretches are listened to in part: it bounds the memory, and a minute tells enough about a voice.
const STRETCH_MS_MAX: u64 = 60_000;

/// An open recording.
pub(crate) struct Recording {
    reader: WavReader<BufReader<File>>,
    samples: Vec<f32>,
}

impl Recording {
    /// Opens a WAV of signed 16 bit, 16 kHz, mono.
    pub(crate) fn open(path: &Path) -> Result<Self, EngineError> {
        let reader = WavReader::open(path).map_err(unreadable)?;
        let expected = WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE as u32,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        if reader.spec() == expected { Ok(Self { reader, samples: Vec::new() }) } else { Err(wrong_format()) }
    }

    /// The samples of a stretch, from −1 to 1; what lies past the end is left out.
    pub(crate) fn read(&mut self, span: Span) -> Result<&[f32], EngineError> {
        self.samples.clear();
        let sample_at = |ms: u64| ms * (SAMPLE_RATE as u64) / 1_000;
        let first = sample_at(span.start_ms());
        let count = sample_at(span.len_ms().min(STRETCH_MS_MAX));
        match u32::try_from(first) {
            Ok(first) if first < self.reader.duration() => {
                self.reader.seek(first).map_err(|error| unreadable(error.into()))?;
                for sample in self.reader.samples::<i16>().take(count as usize) {
                    self.samples.push(f32::from(sample.map_err(unreadable)?) / 32_768.0);
                }
            }
            _ => {}
        }
        Ok(&self.samples)
    }
}

fn unreadable(error: hound::Error) -> EngineError {
    match error {
        // A file that ends too soon is reported by hound as an error of its own, without a number of the system's.
        hound::Error::IoError(error) if error.raw_os_error().is_some() => {
            EngineError::from_io("tell speakers apart", &error)
        }
        _ => wrong_format(),
    }
}

fn wrong_format() -> EngineError {
    EngineError::Rejected {
        code: "not-speech-wav",
        message: "the sound to listen to is not a whole WAV of 16 bit, 16 kHz, mono; decode the source again"
            .to_owned(),
    }
}
