//! Mux: encode the sounds, copy or encode the picture, write one MP4 or M4A.
//!
//! The sounds are encoded first, on their own, until their true peak fits: the picture is read once.

mod assemble;
pub(crate) mod boxes;
mod encode;
mod finish;
mod packets;
mod picture;
mod vop;

use crate::config::MediaLimits;
use crate::fault::{Fault, Kind};
use crate::graph::{Deadline, survey};
use crate::probe::fits_mp4;
use application::stages::mux::{MuxInput, Muxed};
use assemble::{Sound, assemble};
use domain::value::{Decibel, LanguageTag};
use encode::Encoded;
use picture::{Handling, Picture};
use std::path::Path;
use std::time::Duration;

/// Encodings of one sound at most: the first and two attenuated ones.
const ROUNDS_MAX: usize = 3;

/// Attenuation beyond what was measured, in dB: quantisation noise differs a little from round to round.
const MARGIN_DB: f64 = 0.1;

/// Writes `input.output`.
pub(crate) fn mux(input: &MuxInput, limits: &MediaLimits) -> Result<Muxed, Fault> {
    let mut sounds = Vec::new();
    let dub = encode_within(input, &input.dub, &input.language, "dub", limits)?;
    let attenuation = dub.attenuation;
    sounds.push(dub.sound);
    if let Some(original) = &input.original {
        sounds.push(encode_within(input, &original.wav, &original.language, "original", limits)?.sound);
    }
    let Some(index) = input.video_stream else {
        write(input, None, &sounds, limits, Duration::ZERO)?;
        return Ok(Muxed { video_copied: None, attenuation });
    };
    let survey = survey(&input.source, limits)?;
    let stream = survey.get(Kind::Video, index)?;
    let length = Duration::from(survey.duration);
    if fits_mp4(&stream.caps) {
        let picture = Picture { source: &input.source, stream, container: &survey.container, handling: Handling::Copy };
        match write(input, Some(picture), &sounds, limits, length) {
            Ok(()) => return Ok(Muxed { video_copied: Some(true), attenuation }),
            // Packets that MP4 cannot hold after all (no time stamps, odd headers) can still be decoded.
            Err(Fault::Broken(_) | Fault::Undecodable) => {}
            Err(fault) => return Err(fault),
        }
    }
    let picture = Picture { source: &input.source, stream, container: &survey.container, handling: Handling::Encode };
    write(input, Some(picture), &sounds, limits, length * 20)?;
    Ok(Muxed { video_copied: Some(false), attenuation })
}

/// A sound within its true peak.
struct Within {
    sound: Sound,
    attenuation: Decibel,
}

/// Encodes a sound until its true peak, as decoded again, is within the limit.
fn encode_within(
    input: &MuxInput,
    wav: &Path,
    language: &LanguageTag,
    name: &str,
    limits: &MediaLimits,
) -> Result<Within, Fault> {
    let mut attenuation_db = 0.0;
    for round in 1.. {
        let packets = input.scratch.join(format!("{name}.aac-packets"));
        let Encoded { sound, true_peak } = encode::encode(wav, attenuation_db, &packets, language, limits)?;
        let excess_db = true_peak.db() - input.true_peak_max.db();
        if excess_db <= 0.0 || round >= ROUNDS_MAX {
            return Ok(Within { sound, attenuation: Decibel::from_db(attenuation_db) });
        }
        attenuation_db += excess_db + MARGIN_DB;
    }
    Err(Fault::broken("encode the sound"))
}

/// Assembles the file and brings it in its final form.
fn write(
    input: &MuxInput,
    picture: Option<Picture<'_>>,
    sounds: &[Sound],
    limits: &MediaLimits,
    length: Duration,
) -> Result<(), Fault> {
    let longest = sounds.iter().map(Sound::duration).max().unwrap_or_default().max(length);
    let deadline = Deadline::after(limits.work_wall + longest);
    assemble(input, picture, sounds, deadline)?;
    finish::finish(&input.output, sounds)
}
