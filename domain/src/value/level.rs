//! Levels of sound.

use serde::{Deserialize, Serialize};

/// A level in hundredths of a decibel (of whatever reference the field's name says: LUFS, dBTP, dB),
/// so that events compare exactly. Silence is clamped to [`Decibel::SILENCE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decibel(i32);

impl Decibel {
    /// The floor: −100 dB stands for silence.
    pub const SILENCE: Decibel = Decibel(-10_000);

    /// From a level in decibels; not-a-number and anything below −100 become silence.
    pub fn from_db(db: f64) -> Self {
        if db.is_nan() || db <= -100.0 { Self::SILENCE } else { Self((db.min(1000.0) * 100.0).round() as i32) }
    }

    /// The level in decibels.
    pub fn db(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Whether this is [`Decibel::SILENCE`].
    pub fn is_silence(self) -> bool {
        self == Self::SILENCE
    }
}
