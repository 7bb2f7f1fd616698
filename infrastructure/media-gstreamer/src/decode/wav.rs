//! WAV files written as a stream: signed 16 bit, sizes filled in at the end.

use crate::fault::Fault;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// Bytes before the samples: RIFF, `fmt ` of 16 bytes, `data`.
const HEADER_BYTES: u32 = 44;

/// A WAV under way.
pub(super) struct WavWriter {
    out: BufWriter<File>,
    channels: u16,
    rate_hz: u32,
    data_bytes: u64,
}

impl WavWriter {
    /// Creates the file.
    pub fn create(path: &Path, channels: u16, rate_hz: u32) -> Result<Self, Fault> {
        let out = BufWriter::with_capacity(1 << 16, File::create(path).map_err(|error| Fault::from_io(&error))?);
        let mut writer = Self { out, channels, rate_hz, data_bytes: 0 };
        writer.header()?;
        Ok(writer)
    }

    /// Appends interleaved samples; full scale is ±1, what exceeds it is clipped.
    pub fn write(&mut self, samples: &[f32]) -> Result<(), Fault> {
        for sample in samples {
            let sample = (sample * 32_768.0).round() as i16;
            self.out.write_all(&sample.to_le_bytes()).map_err(|error| Fault::from_io(&error))?;
        }
        self.data_bytes += samples.len() as u64 * 2;
        Ok(())
    }

    /// Fills in the sizes and waits until the disk has it all.
    pub fn finish(mut self) -> Result<(), Fault> {
        self.out.seek(SeekFrom::Start(0)).map_err(|error| Fault::from_io(&error))?;
        self.header()?;
        let file = self.out.into_inner().map_err(|error| Fault::from_io(error.error()))?;
        file.sync_all().map_err(|error| Fault::from_io(&error))
    }

    fn header(&mut self) -> Result<(), Fault> {
        let data = u32::try_from(self.data_bytes).unwrap_or(u32::MAX - HEADER_BYTES);
        let frame_bytes = self.channels * 2;
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        header.extend(b"RIFF");
        header.extend((data.saturating_add(HEADER_BYTES - 8)).to_le_bytes());
        header.extend(b"WAVEfmt ");
        header.extend(16_u32.to_le_bytes());
        header.extend(1_u16.to_le_bytes());
        header.extend(self.channels.to_le_bytes());
        header.extend(self.rate_hz.to_le_bytes());
        header.extend((self.rate_hz * u32::from(frame_bytes)).to_le_bytes());
        header.extend(frame_bytes.to_le_bytes());
        header.extend(16_u16.to_le_bytes());
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        self.out.write_all(&header).map_err(|error| Fault::from_io(&error))
    }
}
