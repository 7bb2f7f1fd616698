//! The boxes of an ISO base media file (ISO/IEC 14496-12 §4.2): finding them, and nothing of their
//! contents. Reads headers only, so memory is flat and hostile sizes do no harm.

use std::io::{self, Read, Seek, SeekFrom};

/// Boxes in one level beyond which a file is taken for hostile.
const BOXES_MAX: usize = 100_000;

/// One box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Box4 {
    /// Its four letters.
    pub name: [u8; 4],
    /// Where its payload begins.
    pub payload: u64,
    /// Where it ends: first byte after it.
    pub end: u64,
}

/// The outermost level of a file.
#[derive(Debug)]
pub(crate) struct TopLevel {
    /// In order of the file.
    pub boxes: Vec<Box4>,
    bytes: u64,
}

impl TopLevel {
    /// Whether no box lies past the end of the file and there is an index.
    pub fn is_complete(&self) -> bool {
        self.boxes.last().is_none_or(|last| last.end <= self.bytes) && self.boxes.iter().any(|it| &it.name == b"moov")
    }
}

/// The outermost boxes; `None` when the file is no ISO base media file: those begin with `ftyp`, old
/// MOV files with `moov`, `mdat`, `wide`, `free` or `skip`.
pub(crate) fn top_level(file: &mut (impl Read + Seek)) -> io::Result<Option<TopLevel>> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let boxes = children(file, 0, bytes)?;
    let is_iso = boxes.first().is_some_and(|first| {
        [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"].contains(&&first.name)
    });
    Ok(is_iso.then_some(TopLevel { boxes, bytes }))
}

/// The boxes between two places; the last may end past `end` when the file was cut off. Trailing bytes
/// that hold no box header are passed over.
pub(crate) fn children(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Vec<Box4>> {
    let mut boxes = Vec::new();
    let mut place = start;
    while place + 8 <= end && boxes.len() < BOXES_MAX {
        file.seek(SeekFrom::Start(place))?;
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, name @ ..] = head;
        let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, end - place),
            1 if place + 16 > end => break,
            1 => {
                let mut large = [0; 8];
                file.read_exact(&mut large)?;
                (16, u64::from_be_bytes(large))
            }
            small => (8, u64::from(small)),
        };
        if size < header {
            break;
        }
        boxes.push(Box4 { name, payload: place + header, end: place.saturating_add(size) });
        place = place.saturating_add(size);
    }
    Ok(boxes)
}

/// The first box down a path of names.
pub(crate) fn find(file: &mut (impl Read + Seek), within: &Box4, path: &[&[u8; 4]]) -> io::Result<Option<Box4>> {
    let mut at = *within;
    for name in path {
        match children(file, at.payload, at.end)?.into_iter().find(|it| &it.name == *name) {
            Some(found) => at = found,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Ticks per second of the track with that number; `None` when there is none or it makes no sense.
pub(crate) fn timescale_of(file: &mut (impl Read + Seek), track_id: u32) -> io::Result<Option<u32>> {
    let Some(top) = top_level(file)? else { return Ok(None) };
    let Some(moov) = top.boxes.iter().find(|it| &it.name == b"moov") else { return Ok(None) };
    for track in children(file, moov.payload, moov.end.min(top.bytes))? {
        if &track.name != b"trak" {
            continue;
        }
        let (Some(head), Some(media)) = (find(file, &track, &[b"tkhd"])?, find(file, &track, &[b"mdia", b"mdhd"])?)
        else {
            continue;
        };
        // Both begin with version and flags, then two times of 4 or 8 bytes.
        if after_times(file, &head)? == track_id {
            return Ok(Some(after_times(file, &media)?).filter(|ticks| *ticks > 0));
        }
    }
    Ok(None)
}

fn after_times(file: &mut (impl Read + Seek), head: &Box4) -> io::Result<u32> {
    let mut version = [0];
    file.seek(SeekFrom::Start(head.payload))?;
    file.read_exact(&mut version)?;
    file.seek(SeekFrom::Start(head.payload + if version == [1] { 20 } else { 12 }))?;
    let mut number = [0; 4];
    file.read_exact(&mut number)?;
    Ok(u32::from_be_bytes(number))
}
