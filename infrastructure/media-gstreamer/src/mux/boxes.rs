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
    /// Whether no box lies past the end of the file, and there are both index and media.
    pub fn is_complete(&self) -> bool {
        let has = |name: &[u8; 4]| self.boxes.iter().any(|it| &it.name == name);
        self.boxes.last().is_none_or(|last| last.end <= self.bytes) && has(b"moov") && has(b"mdat")
    }
}

/// The outermost boxes; `None` when the file is no ISO base media file: those begin with `ftyp`, old
/// MOV files with `moov`, `mdat`, `wide`, `free` or `skip`.
pub(crate) fn top_level(file: &mut (impl Read + Seek)) -> io::Result<Option<TopLevel>> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let boxes = children(file, 0, bytes)?;
    let is_iso = boxes
        .first()
        .is_some_and(|first| [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"].contains(&&first.name));
    Ok(is_iso.then_some(TopLevel { boxes, bytes }))
}

/// The boxes between two places; the last may end past `end` when the file was cut off. Trailing bytes
/// that hold no box header are passed over.
pub(crate) fn children(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Vec<Box4>> {
    let mut boxes = Vec::new();
    let mut place = start;
    while place.saturating_add(8) <= end && boxes.len() < BOXES_MAX {
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

/// The number behind version, flags and the two times: the time scale, or in `tkhd` the track's number.
pub(crate) fn after_times(file: &mut (impl Read + Seek), head: &Box4) -> io::Result<u32> {
    let mut version = [0];
    file.seek(SeekFrom::Start(head.payload))?;
    file.read_exact(&mut version)?;
    file.seek(SeekFrom::Start(head.payload + if version == [1] { 20 } else { 12 }))?;
    let mut number = [0; 4];
    file.read_exact(&mut number)?;
    Ok(u32::from_be_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::{Box4, children, timescale_of, top_level};
    use std::io::Cursor;

    fn wrap(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32 + 8).to_be_bytes(), &name[..], payload].concat()
    }

    #[test]
    fn boxes_are_found_and_a_cut_is_seen() {
        let whole = [wrap(b"ftyp", b"isom"), wrap(b"moov", &[]), wrap(b"mdat", &[0; 100])].concat();
        let check = |bytes: &[u8], expected: Option<bool>| {
            let top = top_level(&mut Cursor::new(bytes)).unwrap();
            assert_eq!(top.map(|top| top.is_complete()), expected, "{} bytes", bytes.len());
        };
        check(&whole, Some(true));
        check(&whole[..whole.len() - 1], Some(false));
        check(&whole[..20], Some(false));
        check(&[wrap(b"ftyp", b"isom"), wrap(b"mdat", &[0; 9])].concat(), Some(false));
        check(b"RIFF....WAVE", None);
        check(b"", None);
    }

    #[test]
    fn hostile_sizes_end_the_walk() {
        let walk = |bytes: &[u8]| children(&mut Cursor::new(bytes), 0, bytes.len() as u64).unwrap();
        // A size below the header's, a large size without its field, a box to the end of the file.
        assert_eq!(walk(&[0, 0, 0, 4, b'f', b'r', b'e', b'e']), []);
        assert_eq!(walk(&[0, 0, 0, 1, b'm', b'd', b'a', b't', 0, 0]), []);
        assert_eq!(walk(&[0, 0, 0, 0, b'm', b'd', b'a', b't', 0, 0]), [Box4 { name: *b"mdat", payload: 8, end: 10 }]);
        let huge = [&[0, 0, 0, 1][..], b"mdat", &[0xff; 8]].concat();
        assert_eq!(walk(&huge), [Box4 { name: *b"mdat", payload: 16, end: u64::MAX }]);
    }

    #[test]
    fn a_tracks_time_scale_is_found_by_its_number() {
        let head = |number: u32| [&[0; 12][..], &number.to_be_bytes(), &[0; 8]].concat();
        let track = |id: u32, ticks: u32| {
            wrap(b"trak", &[wrap(b"tkhd", &head(id)), wrap(b"mdia", &wrap(b"mdhd", &head(ticks)))].concat())
        };
        let file = [wrap(b"ftyp", b"isom"), wrap(b"moov", &[track(1, 30_000), track(7, 12_800)].concat())].concat();
        let check = |id: u32, ticks| assert_eq!(timescale_of(&mut Cursor::new(&file), id).unwrap(), ticks);
        check(1, Some(30_000));
        check(7, Some(12_800));
        check(2, None);
    }
}
