//! Last touches to the written file, in place, without moving a byte: what `mp4mux` cannot be told.
//!
//! - No wall-clock times, so that the same input gives the same file.
//! - Sounds are alternatives of each other and only the first is on, else some players play both at once.
//! - The encoder's run-up lies before the sound: players skip it by the edit list alone.

use super::assemble::{PRIMING_FRAMES, Sound};
use super::boxes::{Box4, after_times, children, find, top_level};
use crate::decode::RATE_HZ;
use crate::fault::Fault;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The bit of `tkhd` that switches a track on (ISO/IEC 14496-12 §8.3.2).
const ENABLED: u8 = 1;

/// The alternate group of all sounds; any number but 0.
const SOUND_GROUP: u16 = 1;

/// Patches `output` and waits until the disk has it.
pub(super) fn finish(output: &Path, sounds: &[Sound]) -> Result<(), Fault> {
    let mut file = OpenOptions::new().read(true).write(true).open(output).map_err(|error| Fault::from_io(&error))?;
    let frames: Vec<_> = sounds.iter().map(|sound| sound.frames).collect();
    patch(&mut file, &frames).map_err(|error| Fault::from_io(&error))?;
    file.sync_all().map_err(|error| Fault::from_io(&error))
}

/// `frames` are the lengths of the sounds, in the order of their tracks. The movie lasts as long as the
/// longest track, sounds counted with their run-up: GStreamer's demuxer compares media time with it and
/// would drop a sound's last packet.
fn patch(file: &mut File, frames: &[u64]) -> io::Result<()> {
    let Some(top) = top_level(file)? else { return Ok(()) };
    let Some(moov) = top.boxes.iter().find(|it| &it.name == b"moov") else { return Ok(()) };
    let parts = children(file, moov.payload, moov.end)?;
    let Some(movie) = parts.iter().find(|it| &it.name == b"mvhd") else { return Ok(()) };
    let ticks_per_s = u64::from(after_times(file, movie)?);
    let (mut lengths, mut longest) = (frames.iter(), 0);
    for track in parts.iter().filter(|it| &it.name == b"trak") {
        let Some(head) = find(file, track, &[b"tkhd"])? else { continue };
        for dated in [Some(head), find(file, track, &[b"mdia", b"mdhd"])?].iter().flatten() {
            clear_times(file, dated)?;
        }
        if is_sound(file, track)? {
            let is_first = lengths.len() == frames.len();
            switch(file, &head, is_first)?;
            let ticks = lengths.next().map(|frames| frames * ticks_per_s / u64::from(RATE_HZ));
            patch_timing(file, track, &head, ticks.unwrap_or(0))?;
            let run_up = PRIMING_FRAMES * ticks_per_s / u64::from(RATE_HZ);
            longest = longest.max(ticks.unwrap_or(0) + run_up);
        }
        let place = duration_place(file, &head, 20)?;
        longest = longest.max(number_at(file, place)?);
    }
    let place = duration_place(file, movie, 16)?;
    write_number(file, place, longest)?;
    clear_times(file, movie)
}

fn is_sound(file: &mut File, track: &Box4) -> io::Result<bool> {
    let handler = find(file, track, &[b"mdia", b"hdlr"])?;
    handler.map_or(Ok(false), |handler| Ok(read_at::<4>(file, handler.payload + 8)? == *b"soun"))
}

/// One group of alternatives (0 would mean "plays beside all others"); only one of them is on.
fn switch(file: &mut File, head: &Box4, on: bool) -> io::Result<()> {
    let is_wide = read_at::<1>(file, head.payload)? == [1];
    // After times, track id, duration and layer; ISO/IEC 14496-12 §8.3.2.
    write_at(file, head.payload + if is_wide { 46 } else { 34 }, &SOUND_GROUP.to_be_bytes())?;
    let [flags] = read_at::<1>(file, head.payload + 3)?;
    write_at(file, head.payload + 3, &[if on { flags | ENABLED } else { flags & !ENABLED }])
}

/// The run-up packet got a presentation time inside the sound, since `mp4mux` drops what lies before
/// it: the table of such offsets (`ctts`) becomes free space, so that all packets present when they
/// decode. The edit list and the track then last as long as the sound without the run-up.
fn patch_timing(file: &mut File, track: &Box4, head: &Box4, ticks: u64) -> io::Result<()> {
    if let Some(offsets) = find(file, track, &[b"mdia", b"minf", b"stbl", b"ctts"])? {
        write_at(file, offsets.payload - 4, b"free")?;
    }
    if let Some(edits) = find(file, track, &[b"edts", b"elst"])?
        && read_at::<4>(file, edits.payload + 4)? == 1_u32.to_be_bytes()
    {
        let is_wide = read_at::<1>(file, edits.payload)? == [1];
        write_number(file, Place { at: edits.payload + 8, is_wide }, ticks)?;
        let place = duration_place(file, head, 20)?;
        write_number(file, place, ticks)?;
    }
    Ok(())
}

/// A number of four bytes, or of eight in version 1 of a box.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    is_wide: bool,
}

/// Where the duration is: `narrow` bytes into version 0 of a header; in version 1 the fields before it
/// (two times) are four bytes longer each.
fn duration_place(file: &mut File, head: &Box4, narrow: u64) -> io::Result<Place> {
    let is_wide = read_at::<1>(file, head.payload)? == [1];
    Ok(Place { at: head.payload + narrow + if is_wide { 8 } else { 0 }, is_wide })
}

fn number_at(file: &mut File, place: Place) -> io::Result<u64> {
    if place.is_wide {
        read_at(file, place.at).map(u64::from_be_bytes)
    } else {
        read_at(file, place.at).map(|bytes| u64::from(u32::from_be_bytes(bytes)))
    }
}

fn write_number(file: &mut File, place: Place, number: u64) -> io::Result<()> {
    if place.is_wide {
        write_at(file, place.at, &number.to_be_bytes())
    } else {
        write_at(file, place.at, &u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes())
    }
}

/// Creation and modification time follow version and flags in `mvhd`, `tkhd` and `mdhd` alike.
fn clear_times(file: &mut File, head: &Box4) -> io::Result<()> {
    let is_wide = read_at::<1>(file, head.payload)? == [1];
    if is_wide { write_at(file, head.payload + 4, &[0; 16]) } else { write_at(file, head.payload + 4, &[0; 8]) }
}

fn read_at<const N: usize>(file: &mut File, place: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_at(file: &mut File, place: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(place))?;
    file.write_all(bytes)
}
