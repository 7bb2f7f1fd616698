//! Where everything goes when a manifest moves in: directly after `ftyp` (C2PA §A.5), so that what was
//! before the samples stays before them. Old manifests move out; the order of the rest does not change.
//!
//! Deliberately refuses what the library cannot verify reliably afterwards: with more than one `mdat` it
//! pairs Merkle trees with boxes in random order, and fragments would need a tree each.

use super::boxes::BoxAt;
use crate::error::Failure;

/// A piece of the input and its place in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The box as it lies in the input.
    pub(crate) from: BoxAt,
    /// Offset of its first byte in the output.
    pub(crate) to: u64,
}

/// The plan of an output.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Offset of the room for the manifest.
    pub(crate) room_at: u64,
    /// Pieces in their order; the first is `ftyp`, the room follows it.
    pub(crate) pieces: Vec<Piece>,
}

/// Plans an output with `room` bytes for the manifest.
pub(crate) fn plan(boxes: &[BoxAt], room: u64) -> Result<Layout, Failure> {
    let (Some(first), Some(_)) = (boxes.first(), media_data(boxes)) else { return Err(Failure::Unsupported) };
    if &first.kind != b"ftyp" {
        return Err(Failure::Unsupported);
    }
    let room_at = first.size;
    let mut pieces = Vec::with_capacity(boxes.len());
    let mut to = 0;
    for from in boxes.iter().filter(|found| !found.is_c2pa) {
        pieces.push(Piece { from: *from, to });
        to += from.size;
        if pieces.len() == 1 {
            to += room;
        }
    }
    Ok(Layout { room_at, pieces })
}

/// The one `mdat` of a file that can be signed; `None` for any other layout.
pub(crate) fn media_data(boxes: &[BoxAt]) -> Option<BoxAt> {
    let count = |kind: &[u8; 4]| boxes.iter().filter(|found| &found.kind == kind).count();
    let plain = count(b"moov") == 1 && count(b"mdat") == 1 && count(b"moof") == 0 && count(b"meta") == 0;
    let data = boxes.iter().find(|found| &found.kind == b"mdat").copied()?;
    // The library leaves the first 16 bytes to the flat hash and wants something left for the tree, and
    // it cannot read a box without a size of its own unless the size can be written into its header.
    let hashable = data.size > 16 && (!data.open_ended || data.size <= u64::from(u32::MAX));
    (plain && hashable).then_some(data)
}

impl Layout {
    /// Where the byte at `offset` of the input lies in the output. Offsets into nothing stay.
    pub(crate) fn moved(&self, offset: u64) -> u64 {
        let piece = self.pieces.iter().find(|piece| (piece.from.start..=piece.from.end()).contains(&offset));
        piece.map_or(offset, |piece| piece.to + (offset - piece.from.start))
    }
}
