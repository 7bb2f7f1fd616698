//! Writes a piece of an upload.
//!
//! Bytes gather in a small block and go to the disk by a thread that may wait. The open file moves there
//! and back: dropped in between, it is closed by that thread, after its write.

use super::{Hashed, Lease, from_io};
use application::ports::upload_store::{UploadError, UploadWriter};
use async_trait::async_trait;
use domain::value::Timestamp;
use sha2::Digest;
use std::{
    fs::File,
    io::{self, Write},
};

/// Bytes that gather before they are written: enough for few calls, little beside a thousand clients.
const BLOCK: usize = 256 << 10;

/// The writer that the port gives.
pub(super) struct LocalUploadWriter {
    /// `None` while a thread has it, and after a failure.
    open: Option<Open>,
    offset: u64,
    length: Option<u64>,
    limit: u64,
}

/// An upload that is open for writing. Dropped, it writes what has gathered.
pub(super) struct Open {
    /// Given back last.
    lease: Lease,
    file: File,
    /// Where the piece begins, and the digest up to there.
    begin: Hashing,
    /// Where the file ends, and the digest up to there.
    end: Hashing,
    length: Option<u64>,
    block: Vec<u8>,
}

/// A place in an upload, and the digest up to it, if that is known: not after a restart, when the bytes
/// before were hashed by nobody here.
#[derive(Clone)]
struct Hashing {
    bytes: u64,
    hasher: Option<sha2::Sha256>,
}

impl Open {
    /// Goes on at the end of this file, which has `offset` bytes.
    pub fn new(lease: Lease, file: File, offset: u64, length: Option<u64>) -> Self {
        let known = lease.store.state().hashed.remove(&lease.id).filter(|known| known.bytes == offset);
        let hasher = known.map(|known| known.hasher).or_else(|| (offset == 0).then(sha2::Sha256::new));
        let end = Hashing { bytes: offset, hasher };
        Self { lease, file, begin: end.clone(), end, length, block: Vec::new() }
    }

    /// Writes what has gathered. After a failure nobody knows how much of it is there: the file does.
    fn store(&mut self) -> io::Result<()> {
        let block = std::mem::take(&mut self.block);
        let written = self.file.write_all(&block);
        if written.is_err() {
            self.end.hasher = None;
            return written;
        }
        self.end.bytes += block.len() as u64;
        if let Some(hasher) = &mut self.end.hasher {
            hasher.update(&block);
        }
        Ok(())
    }

    fn renew(&self, expires_at: Timestamp) -> Result<Timestamp, UploadError> {
        self.lease.store.renew(self.lease.id, expires_at)
    }

    fn keep(mut self) -> io::Result<u64> {
        self.store()?;
        self.file.sync_all()?;
        Ok(self.end.bytes)
    }

    fn discard(mut self) -> io::Result<u64> {
        self.block.clear();
        self.end = Hashing { hasher: None, ..self.begin };
        self.file.set_len(self.begin.bytes)?;
        self.file.sync_all()?;
        self.end.hasher = self.begin.hasher.take();
        Ok(self.begin.bytes)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.block.is_empty() {
            // Best effort: the client has gone, and asks for the offset when it comes back.
            let _kept = self.store();
        }
        if let Hashing { bytes, hasher: Some(hasher) } = self.end.clone() {
            self.lease.store.state().hashed.insert(self.lease.id, Hashed { bytes, hasher });
        }
    }
}

impl LocalUploadWriter {
    /// For an upload that nobody else writes to.
    pub fn new(open: Open) -> Self {
        let (offset, length, limit) = (open.end.bytes, open.length, open.lease.store.bytes_max);
        Self { open: Some(open), offset, length, limit }
    }

    fn taken(&mut self) -> Result<Open, UploadError> {
        self.open.take().ok_or_else(|| UploadError::Io(io::Error::other("an earlier write failed")))
    }

    async fn store(&mut self) -> Result<(), UploadError> {
        let mut open = self.taken()?;
        self.open = Some(blocking(move || open.store().map(|()| open).map_err(from_io)).await?);
        Ok(())
    }
}

#[async_trait]
impl UploadWriter for LocalUploadWriter {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        let end = self.offset.saturating_add(bytes.len() as u64);
        if let Some(length) = self.length.filter(|length| end > *length) {
            return Err(UploadError::BeyondLength { length });
        }
        if end > self.limit {
            return Err(UploadError::TooLarge { limit: self.limit });
        }
        while !bytes.is_empty() {
            let mut open = self.taken()?;
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - open.block.len().min(BLOCK)));
            open.block.extend_from_slice(now);
            let is_full = open.block.len() >= BLOCK;
            self.open = Some(open);
            self.offset += now.len() as u64;
            bytes = later;
            if is_full {
                self.store().await?;
            }
        }
        Ok(())
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    async fn renew(&mut self, expires_at: Timestamp) -> Result<Timestamp, UploadError> {
        let open = self.taken()?;
        let (open, expires_at) = blocking(move || open.renew(expires_at).map(|at| (open, at))).await?;
        self.open = Some(open);
        Ok(expires_at)
    }

    async fn keep(mut self: Box<Self>) -> Result<u64, UploadError> {
        let open = self.taken()?;
        blocking(move || open.keep().map_err(from_io)).await
    }

    async fn discard(mut self: Box<Self>) -> Result<u64, UploadError> {
        let open = self.taken()?;
        blocking(move || open.discard().map_err(from_io)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, UploadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(UploadError::Io(io::Error::other(error))))
}
