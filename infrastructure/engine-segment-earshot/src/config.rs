//! The thresholds of the detector. The defaults were measured, see `docs.md`.

/// When a stretch of sound counts as speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarshotConfig {
    /// A stretch begins at this score of `earshot` (0 to 1).
    pub score_on: f32,
    /// It goes on while the score is at least this.
    pub score_off: f32,
    /// How much the shape of the spectrum must change, as the median over a window, for speech: nats of mean
    /// absolute change per band in 48 ms. Speech changes by 0.9 to 1.5, over quiet music by 0.7 and
    /// more; held or plucked notes, drums and noise by less than 0.7.
    pub change_min: f32,
    /// A frame with this score is surely a voice.
    pub sure_score: f32,
    /// The least share of sure frames in a window of 1.5 s that may be speech: a distant voice has little more.
    pub sure_share_min: f32,
    /// How much windows of clear speech sound like speech: the change times the share of sure frames, on average over
    /// 1.5 s. Speech reaches 0.5 to 1, drums and violins 0.35 for a moment. A stretch without it is speech only
    /// when one that has it lies within `near_ms`, or when it stands alone in silence.
    pub strength_min: f32,
    /// How far the evidence of a clear stretch reaches, in milliseconds.
    pub near_ms: u64,
    /// A frame this far below the loudest of late is a pause, in decibels. Soft consonants lie 20 to 25 below.
    pub quiet_db: f32,
    /// A dip below `score_off` that is shorter does not end a stretch, in milliseconds.
    pub dip_ms_max: u64,
    /// A stretch that is shorter is no speech, in milliseconds.
    pub speech_ms_min: u64,
    /// What is added before and after each stretch, in milliseconds: soft consonants score low.
    pub padding_ms: u64,
}

impl Default for EarshotConfig {
    fn default() -> Self {
        Self {
            score_on: 0.6,
            score_off: 0.4,
            change_min: 0.7,
            sure_score: 0.9,
            sure_share_min: 0.15,
            strength_min: 0.4,
            near_ms: 10_000,
            quiet_db: 30.0,
            dip_ms_max: 100,
            speech_ms_min: 100,
            padding_ms: 40,
        }
    }
}
