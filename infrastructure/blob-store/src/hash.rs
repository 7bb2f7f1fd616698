//! Hashing files as streams.

use domain::value::Sha256;
use sha2::Digest;
use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

/// Digest and length of a file's content, read as a stream.
pub fn digest_file(path: &Path) -> io::Result<(Sha256, u64)> {
    copy_hashed(&mut File::open(path)?, &mut io::sink()).map_err(CopyError::into_inner)
}

/// Which side of a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// Reading.
    Source(io::Error),
    /// Writing.
    Target(io::Error),
}

impl CopyError {
    fn into_inner(self) -> io::Error {
        match self {
            CopyError::Source(error) | CopyError::Target(error) => error,
        }
    }
}

/// Copies everything, hashing on the way; returns digest and length.
pub(crate) fn copy_hashed(from: &mut impl Read, to: &mut impl Write) -> Result<(Sha256, u64), CopyError> {
    let mut hasher = sha2::Sha256::new();
    let mut block = vec![0; BLOCK];
    let mut bytes = 0;
    loop {
        let read = match from.read(&mut block) {
            Ok(0) => return Ok((Sha256::new(hasher.finalize().into()), bytes)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Source(error)),
        };
        let part = block.get(..read).unwrap_or_default();
        hasher.update(part);
        to.write_all(part).map_err(CopyError::Target)?;
        bytes += read as u64;
    }
}
