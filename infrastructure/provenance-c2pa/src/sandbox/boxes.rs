//! Reads the headers of ISO base media boxes (ISO/IEC 14496-12 §4.2) as they lie in a file or a box.
//! Deliberately without their contents: a box of any size costs a few bytes of memory.

use crate::error::Failure;
use std::io::{Read, Seek, SeekFrom};

/// The extended type of C2PA's boxes (C2PA §A.5.1).
pub(crate) const C2PA_UUID: [u8; 16] =
    [0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81];

/// More boxes on one level than this are no film but an attack.
const BOXES_MAX: usize = 65_536;

/// One box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BoxAt {
    /// Four-character code.
    pub(crate) kind: [u8; 4],
    /// Offset of its first byte.
    pub(crate) start: u64,
    /// Size with header, in bytes.
    pub(crate) size: u64,
    /// Size of its header: 8, or 16 with a 64-bit size.
    pub(crate) header: u64,
    /// Whether it says of itself that it reaches to the end of the file.
    pub(crate) open_ended: bool,
    /// Whether it is one of C2PA's.
    pub(crate) is_c2pa: bool,
}

impl BoxAt {
    /// Offset of the first byte after it.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.size
    }

    /// Offset of the first byte after its header.
    pub(crate) fn body(&self) -> u64 {
        self.start + self.header
    }
}

/// The boxes between `start` and `end`, in their order. Trailing zeros too short for a box are let be.
pub(crate) fn between(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Vec<BoxAt>, Failure> {
    let mut found = Vec::new();
    let mut at = start;
    while at + 8 <= end {
        if found.len() == BOXES_MAX {
            return Err(Failure::Damaged);
        }
        let next = header(file, at, end)?;
        at = next.end();
        found.push(next);
    }
    Ok(found)
}

/// Whether one of C2PA's boxes lies in a file, as far as its boxes can be followed.
pub(crate) fn any_c2pa(file: &mut (impl Read + Seek), length: u64) -> bool {
    let mut at = 0;
    while at + 8 <= length {
        match header(file, at, length) {
            Ok(found) if found.is_c2pa => return true,
            Ok(found) => at = found.end(),
            Err(_) => return false,
        }
    }
    false
}

fn header(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<BoxAt, Failure> {
    let short = read_array::<8>(file, start)?;
    let [a, b, c, d, kind @ ..] = short;
    let declared = u64::from(u32::from_be_bytes([a, b, c, d]));
    let (size, header) = match declared {
        0 => (end - start, 8),
        1 if end - start >= 16 => (u64::from_be_bytes(read_array::<8>(file, start + 8)?), 16),
        size => (size, 8),
    };
    if size < header || size > end - start {
        return Err(Failure::Damaged);
    }
    let is_c2pa = &kind == b"uuid" && size >= header + 16 && read_array::<16>(file, start + header)? == C2PA_UUID;
    Ok(BoxAt { kind, start, size, header, open_ended: declared == 0, is_c2pa })
}

/// `N` bytes at an offset.
pub(crate) fn read_array<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
