//! Last touches to the written file, in place, without moving a byte: what `mp4mux` cannot be told.
//!
//! - No wall-clock times, so that the same input gives the same file.
//! - Sounds are alternatives of each other and only the first is on, else some players play both at once.

use super::assemble::Sound;
use super::boxes::{Box4, children, find, top_level};
use crate::fault::Fault;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The bit of `tkhd` that switches a track on (ISO/IEC 14496-12 §8.3.2).
const ENABLED: u8 = 1;

/// Patches `output` and waits until the disk has it.
pub(super) fn finish(output: &Path, _sounds: &[Sound]) -> Result<(), Fault> {
    let mut file = OpenOptions::new().read(true).write(true).open(output).map_err(|error| Fault::from_io(&error))?;
    patch(&mut file).map_err(|error| Fault::from_io(&error))?;
    file.sync_all().map_err(|error| Fault::from_io(&error))
}

fn patch(file: &mut File) -> io::Result<()> {
    let Some(top) = top_level(file)? else { return Ok(()) };
    let Some(moov) = top.boxes.iter().find(|it| &it.name == b"moov") else { return Ok(()) };
    let tracks = children(file, moov.payload, moov.end)?;
    let mut sounds_seen = 0_u32;
    for part in &tracks {
        match &part.name {
            b"mvhd" => clear_times(file, part)?,
            b"trak" => patch_track(file, part, &mut sounds_seen)?,
            _ => {}
        }
    }
    Ok(())
}

fn patch_track(file: &mut File, track: &Box4, sounds_seen: &mut u32) -> io::Result<()> {
    let Some(head) = find(file, track, &[b"tkhd"])? else { return Ok(()) };
    clear_times(file, &head)?;
    if let Some(media_head) = find(file, track, &[b"mdia", b"mdhd"])? {
        clear_times(file, &media_head)?;
    }
    let Some(handler) = find(file, track, &[b"mdia", b"hdlr"])? else { return Ok(()) };
    if read_at::<4>(file, handler.payload + 8)? != *b"soun" {
        return Ok(());
    }
    let is_wide = read_at::<1>(file, head.payload)? == [1];
    // After times, track id, duration and layer; see §8.3.2.
    let group_at = head.payload + if is_wide { 46 } else { 34 };
    write_at(file, group_at, &1_u16.to_be_bytes())?;
    let [flags] = read_at::<1>(file, head.payload + 3)?;
    let flags = if *sounds_seen == 0 { flags | ENABLED } else { flags & !ENABLED };
    write_at(file, head.payload + 3, &[flags])?;
    *sounds_seen += 1;
    Ok(())
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
