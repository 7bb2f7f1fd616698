//! What an installation may set. Reads no environment: the composition root fills it in.

/// Settings of [`crate::DuckingMixer`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixConfig {
    /// How far the bed is lowered under speech, in decibels (negative).
    pub duck_db: f64,
    /// Length of the bed's ramps, in milliseconds; they lie outside the stretch that is lowered.
    pub ramp_ms: u64,
    /// Stretches with a shorter gap between them stay lowered throughout, in milliseconds, so that the bed does not pump.
    pub gap_ms_max: u64,
    /// Length of each line's fade in and fade out, in milliseconds.
    pub fade_ms: u64,
    /// How far the level of all lines may be moved to reach the programme loudness before the whole mix is, in LU.
    pub speech_shift_max: f64,
    /// Highest gain of the whole mix, in decibels.
    pub gain_db_max: f64,
}

impl Default for MixConfig {
    /// −18 dB, ramps of 60 ms, gaps of 250 ms, fades of 15 ms, lines moved by 3 LU, the mix by 12 dB.
    fn default() -> Self {
        Self { duck_db: -18.0, ramp_ms: 60, gap_ms_max: 250, fade_ms: 15, speech_shift_max: 3.0, gain_db_max: 12.0 }
    }
}
