//! Which program the child is, and the bounds of what it may be given.

use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

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
    /// Longest duration in milliseconds. Up to 6 h 12 min a 48 kHz stereo WAV stays below its 4 GiB.
    pub duration_ms_max: u64,
    /// Largest file in bytes.
    pub size_bytes_max: u64,
    /// Most pixels in a picture.
    pub pixels_max: u64,
    /// Most streams of one kind in a file.
    pub streams_max: usize,
    /// Address space of a child in bytes; thread stacks count, so this is far above what is resident.
    pub memory_bytes_max: u64,
    /// Wall time for looking at a small file.
    pub probe_wall: Duration,
    /// Wall time for decoding and muxing, beside the media's own duration.
    pub work_wall: Duration,
}

impl Default for MediaLimits {
    /// 6 h 5 min, 64 GiB, 8192 × 4320 pixels, 64 streams of a kind; 4 GiB of address space; 20 s and 30 s. A dubbed file
    /// may last a little longer than its source: sources are to be held to six hours.
    fn default() -> Self {
        Self {
            duration_ms_max: 6 * 3_600_000 + 300_000,
            size_bytes_max: 64 << 30,
            pixels_max: 8192 * 4320,
            streams_max: 64,
            memory_bytes_max: 4 << 30,
            probe_wall: Duration::from_secs(20),
            work_wall: Duration::from_secs(30),
        }
    }
}

/// Bytes that are read in a second at least.
const BYTES_PER_S_MIN: u64 = 20_000_000;

impl MediaLimits {
    /// Wall time for looking at a file of this size, whoever looks: a second more for every 20 MB, since a file that
    /// does not know its own duration is read to its end.
    pub(crate) fn look_wall(&self, size_bytes: u64) -> Duration {
        self.probe_wall + Duration::from_secs(size_bytes / BYTES_PER_S_MIN)
    }

    /// The same for this file.
    pub(crate) fn look_wall_of(&self, file: &Path) -> Duration {
        self.look_wall(std::fs::metadata(file).map_or(0, |about| about.len()))
    }
}
