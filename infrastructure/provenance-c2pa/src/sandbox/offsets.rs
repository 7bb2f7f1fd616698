//! Corrects the chunk offsets (`stco`, `co64`; ISO/IEC 14496-12 §8.7.5) of a `moov` that has been copied.
//! Deliberately refuses other absolute offsets (`saio`, `iloc`): films for this house have none.

use super::{
    boxes::{self, BoxAt, read_array},
    layout::Layout,
};
use crate::error::Failure;
use std::io::{Read, Seek, SeekFrom, Write};

/// Boxes in boxes; deeper is an attack.
const DEPTH_MAX: usize = 10;
/// Bytes of a table that are in memory at a time; divisible by both sizes of entry.
const BLOCK_BYTES: u64 = 64 * 1024;

/// Rewrites every chunk offset below `parent`, a box of the output.
pub(crate) fn correct(file: &mut (impl Read + Write + Seek), parent: BoxAt, layout: &Layout) -> Result<(), Failure> {
    descend(file, parent, layout, 0)
}

fn descend(file: &mut (impl Read + Write + Seek), parent: BoxAt, layout: &Layout, depth: usize) -> Result<(), Failure> {
    if depth == DEPTH_MAX {
        return Err(Failure::Damaged);
    }
    let first = children_at(file, parent)?;
    for child in boxes::between(file, first, parent.end())? {
        match &child.kind {
            b"trak" | b"mdia" | b"minf" | b"stbl" | b"udta" => descend(file, child, layout, depth + 1)?,
            b"meta" if child.size >= child.header + 8 => descend(file, child, layout, depth + 1)?,
            b"stco" => table::<4>(file, child, layout)?,
            b"co64" => table::<8>(file, child, layout)?,
            b"saio" | b"iloc" => return Err(Failure::Unsupported),
            _ => {}
        }
    }
    Ok(())
}

/// ISO's `meta` has a version before its children, QuickTime's has not; QuickTime's `udta` may end with
/// four zero bytes, which are too short for a box.
fn children_at(file: &mut (impl Read + Seek), parent: BoxAt) -> Result<u64, Failure> {
    match &parent.kind {
        b"meta" if &read_array::<4>(file, parent.body() + 4)? != b"hdlr" => Ok(parent.body() + 4),
        _ => Ok(parent.body()),
    }
}

fn table<const N: usize>(file: &mut (impl Read + Write + Seek), at: BoxAt, layout: &Layout) -> Result<(), Failure> {
    const PREAMBLE: u64 = 8;
    if at.size < at.header + PREAMBLE {
        return Err(Failure::Damaged);
    }
    let count = u64::from(u32::from_be_bytes(read_array::<4>(file, at.body() + 4)?));
    let (mut from, mut left) = (at.body() + PREAMBLE, count * N as u64);
    if left > at.end() - from {
        return Err(Failure::Damaged);
    }
    let mut block = vec![0; left.min(BLOCK_BYTES) as usize];
    while left > 0 {
        block.truncate(left.min(BLOCK_BYTES) as usize);
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut block)?;
        for entry in block.chunks_exact_mut(N) {
            rewrite(entry, layout)?;
        }
        file.seek(SeekFrom::Start(from))?;
        file.write_all(&block)?;
        from += block.len() as u64;
        left -= block.len() as u64;
    }
    Ok(())
}

/// One big-endian entry of four or eight bytes.
fn rewrite(entry: &mut [u8], layout: &Layout) -> Result<(), Failure> {
    let old = entry.iter().fold(0_u64, |offset, byte| (offset << 8) | u64::from(*byte));
    let new = layout.moved(old).to_be_bytes();
    let (unused, used) = new.split_at(new.len() - entry.len());
    if unused.iter().any(|byte| *byte != 0) {
        // A 32-bit table cannot say where the samples would lie: the file is 4 GiB long.
        return Err(Failure::Unsupported);
    }
    entry.copy_from_slice(used);
    Ok(())
}
