//! How loud a frame is beside the speech around it: `earshot` takes a tenth of a second to notice a pause.

use crate::listen::{FRAME_MS, FRAME_SAMPLES};

/// The remembered level sinks by this much in a second, so that a soft speaker is heard after a loud one.
const DECAY_DB_PER_S: f32 = 6.0;
/// Below this a frame is silent whatever came before, in dBFS.
const SILENCE_DBFS: f32 = -70.0;

/// Follows the level of the loudest sound of late.
pub(crate) struct Level {
    peak_dbfs: f32,
    below_db: f32,
}

impl Level {
    /// Frames that lie more than `below_db` under the loudest of late are quiet.
    pub(crate) fn new(below_db: f32) -> Self {
        Self { peak_dbfs: SILENCE_DBFS, below_db }
    }

    /// Whether the next frame is quiet: a pause, however short.
    pub(crate) fn is_quiet(&mut self, frame: &[i16; FRAME_SAMPLES]) -> bool {
        let power =
            frame.iter().map(|&sample| (f32::from(sample) / 32_768.0).powi(2)).sum::<f32>() / FRAME_SAMPLES as f32;
        let dbfs = 10.0 * (power + f32::MIN_POSITIVE).log10();
        self.peak_dbfs = dbfs.max(self.peak_dbfs - DECAY_DB_PER_S * FRAME_MS as f32 / 1_000.0).max(SILENCE_DBFS);
        dbfs <= SILENCE_DBFS || dbfs < self.peak_dbfs - self.below_db
    }
}
