//! Where the program and its model are, and how many run at once.

use std::{num::NonZero, path::PathBuf, thread::available_parallelism};

/// A process holds 112 MiB at most (measured); two stay below the 300 MiB that all may have together.
const PROCESSES_MAX: usize = 2;

/// How PocketSphinx is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PocketsphinxConfig {
    /// The program: a name to look up on the search path, or a path.
    pub program: PathBuf,
    /// The folder that holds the acoustic model `en-us`, the language model `en-us.lm.bin` and the dictionary
    /// `cmudict-en-us.dict`.
    pub model: PathBuf,
    /// How many processes run side by side, at least one. Each needs about 110 MiB.
    pub processes: usize,
}

impl Default for PocketsphinxConfig {
    /// Debian's program and US English model; a process per core, at most two.
    fn default() -> Self {
        Self {
            program: "pocketsphinx_batch".into(),
            model: "/usr/share/pocketsphinx/model/en-us".into(),
            processes: available_parallelism().map_or(1, NonZero::get).min(PROCESSES_MAX),
        }
    }
}
