//! Which program the child is, and the bounds of what it may be given.

use serde::{Deserialize, Serialize};
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// The program that calls [`crate::sandbox_main`] and nothing else, when started with these arguments.
#[derive(Clone, Debug)]
pub struct SandboxProgram {
    /// Normally the running binary itself.
    pub program: PathBuf,
    /// What makes it the child: its hidden subcommand.
    pub args: Vec<OsString>,
}

/// Bounds of foreign media. What is larger is refused with the code `over-limit`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MediaLimits {
    /// Longest duration in milliseconds. Six hours keep a 48 kHz stereo WAV below its 4 GiB.
    pub duration_ms_max: u64,
    /// Largest file in bytes.
    pub size_bytes_max: u64,
    /// Most pixels in a picture.
    pub pixels_max: u64,
    /// Most streams in a file.
    pub streams_max: usize,
    /// Address space of a child in bytes; thread stacks count, so this is far above what is resident.
    pub memory_bytes_max: u64,
    /// Wall time for looking at a file.
    pub probe_wall: Duration,
    /// Wall time for decoding and muxing, beside the media's own duration.
    pub work_wall: Duration,
}

impl Default for MediaLimits {
    /// Six hours, 64 GiB, 8192 × 4320 pixels, 64 streams; 4 GiB of address space; 20 s and 30 s.
    fn default() -> Self {
        Self {
            duration_ms_max: 6 * 3_600_000,
            size_bytes_max: 64 << 30,
            pixels_max: 8192 * 4320,
            streams_max: 64,
            memory_bytes_max: 4 << 30,
            probe_wall: Duration::from_secs(20),
            work_wall: Duration::from_secs(30),
        }
    }
}
