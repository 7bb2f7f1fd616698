//! The separator `none`: both stems from one decode, and what they measure.

use super::decimate::Decimator;
use super::wav::WavWriter;
use super::{Decoding, Meter, RATE_HZ};
use crate::config::MediaLimits;
use crate::fault::Fault;
use crate::graph::survey;
use application::stages::separate::{SeparateInput, Stems};

/// Samples per second of what recognisers listen to.
const SPEECH_RATE_HZ: u32 = 16_000;

/// Decodes the chosen stream once and writes `background.wav` and `speech.wav`.
pub(crate) fn separate(input: &SeparateInput, limits: &MediaLimits) -> Result<Stems, Fault> {
    let survey = survey(&input.file, limits)?;
    let decoding = Decoding::new(&input.file, &survey, input.audio_stream, limits)?;
    let channels = decoding.channels;
    let (background, speech) = (input.folder.join("background.wav"), input.folder.join("speech.wav"));
    let mut background_wav = WavWriter::create(&background, channels, RATE_HZ)?;
    let mut speech_wav = WavWriter::create(&speech, 1, SPEECH_RATE_HZ)?;
    let (mut meter, mut decimator, mut listened) = (Meter::new(channels)?, Decimator::new(channels), Vec::new());
    decoding.run(&mut |frames| {
        meter.hear(frames)?;
        background_wav.write(frames)?;
        listened.clear();
        decimator.push(frames, &mut listened);
        speech_wav.write(&listened)
    })?;
    listened.clear();
    decimator.finish(&mut listened);
    speech_wav.write(&listened)?;
    background_wav.finish()?;
    speech_wav.finish()?;
    let read = meter.read();
    Ok(Stems {
        background,
        speech,
        separated: false,
        duration_ms: meter.duration_ms(),
        channels,
        loudness: read.programme,
        true_peak: read.true_peak,
    })
}
