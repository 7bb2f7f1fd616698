//! What can be set about Apertium. The defaults are Debian's.

use application::ports::child::ChildLimits;
use std::{path::PathBuf, time::Duration};

/// Where Apertium is and how much it gets at once.
#[derive(Clone, Debug)]
pub struct ApertiumConfig {
    /// The program, by name or path.
    pub program: PathBuf,
    /// The folder that holds `modes/` and the linguistic data.
    pub data_folder: PathBuf,
    /// Most sentences in one child run.
    pub batch_sentences_max: usize,
    /// Most text in one child run, in bytes; a longer sentence gets a run of its own.
    pub batch_bytes_max: usize,
    /// Most hops of a route. Every hop adds its own errors, so a fourth would hardly be readable.
    pub hops_max: usize,
    /// Bounds of one child run.
    pub limits: ChildLimits,
}

impl Default for ApertiumConfig {
    /// Debian's folder; runs of at most 200 sentences and 48 KiB (about one second of work); routes of
    /// at most three hops.
    fn default() -> Self {
        Self {
            program: PathBuf::from("apertium"),
            data_folder: PathBuf::from("/usr/share/apertium"),
            batch_sentences_max: 200,
            batch_bytes_max: 48 << 10,
            hops_max: 3,
            limits: ChildLimits { wall: Duration::from_secs(120), ..ChildLimits::default() },
        }
    }
}
