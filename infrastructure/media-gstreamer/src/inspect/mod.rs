//! Inspect: measures a finished file by decoding it again.

mod silence;

use crate::config::MediaLimits;
use crate::decode::{Decoding, Meter};
use crate::fault::Fault;
use crate::graph::survey;
use crate::probe::media_info;
use application::stages::assess::Inspection;
use silence::SilenceFinder;
use std::path::Path;

/// Decodes the first audio stream of `file` and measures it.
pub(crate) fn inspect(file: &Path, limits: &MediaLimits) -> Result<Inspection, Fault> {
    let survey = survey(file, limits)?;
    let media = media_info(&survey, limits)?;
    let decoding = Decoding::new(file, &survey, 0, limits)?;
    let mut meter = Meter::new(decoding.channels)?;
    let mut silences = SilenceFinder::new(decoding.channels);
    decoding.run(&mut |frames| {
        silences.hear(frames);
        meter.hear(frames)
    })?;
    let read = meter.read();
    Ok(Inspection {
        media,
        sound_ms: meter.duration_ms(),
        loudness: read.programme,
        true_peak: read.true_peak,
        silences: silences.finish(),
    })
}
