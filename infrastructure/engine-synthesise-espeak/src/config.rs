//! What an installation may set. Reads no environment: the composition root fills it in.

use application::ports::child::ChildLimits;
use std::{path::PathBuf, time::Duration};

/// Settings of [`crate::EspeakEngine`].
#[derive(Clone, Debug)]
pub struct EspeakConfig {
    /// The program: a name to look up on the search path, or a path.
    pub program: PathBuf,
    /// Bounds of each child. A line takes espeak-ng some 10 ms, so the wall time is for a sick machine.
    pub limits: ChildLimits,
    /// Longest text of one line, in characters; utterances of 15 s hold fewer than 400.
    pub text_chars_max: usize,
}

impl Default for EspeakConfig {
    /// `espeak-ng` from the search path, 30 s and 1 GiB a child, lines of at most 4000 characters.
    fn default() -> Self {
        Self {
            program: PathBuf::from("espeak-ng"),
            limits: ChildLimits {
                wall: Duration::from_secs(30),
                memory_bytes: Some(1 << 30),
                output_bytes: 64 << 20,
                file_bytes: None,
            },
            text_chars_max: 4000,
        }
    }
}
