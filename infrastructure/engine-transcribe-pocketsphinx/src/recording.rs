//! The recording as the program reads it: by file name without blanks, at byte offsets. Decodes nothing.

use application::ports::engine::EngineError;
use hound::{SampleFormat, WavReader, WavSpec};
use std::{
    fs::{self, File},
    io::{self, BufReader, Seek},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// What the recording is called in the scratch folder: control files cannot name one with blanks in its path.
pub(crate) const LINK_STEM: &str = "pocketsphinx-input";
/// The end of that name.
pub(crate) const LINK_EXTENSION: &str = ".wav";

/// Links the recording into the scratch folder and returns the byte at which its samples begin.
pub(crate) fn prepare(speech: &Path, scratch: &Path) -> Result<u64, EngineError> {
    let offset = first_sample(speech)?;
    link(speech, scratch).map_err(|error| EngineError::from_io("prepare recognition", &error))?;
    Ok(offset)
}

fn first_sample(speech: &Path) -> Result<u64, EngineError> {
    let file = File::open(speech).map_err(|error| EngineError::from_io("read speech", &error))?;
    let reader = WavReader::new(BufReader::new(file)).map_err(|_| wrong_format())?;
    let expected = WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    if reader.spec() != expected {
        return Err(wrong_format());
    }
    reader.into_inner().stream_position().map_err(|error| EngineError::from_io("read speech", &error))
}

fn link(speech: &Path, scratch: &Path) -> io::Result<()> {
    let name: PathBuf = scratch.join(format!("{LINK_STEM}{LINK_EXTENSION}"));
    match fs::remove_file(&name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(std::path::absolute(speech)?, name)
}

fn wrong_format() -> EngineError {
    EngineError::Rejected {
        code: "not-speech-wav",
        message: "the sound to recognise is not a whole WAV of 16 bit, 16 kHz, mono; decode the source again"
            .to_owned(),
    }
}
