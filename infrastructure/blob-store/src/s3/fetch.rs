//! Fetching a blob to the local disk.

use super::{
    S3Patience,
    remote::{Opened, Remote, other},
};
use crate::store::{LocalBlobStore, Written};
use application::ports::blob_store::BlobError;
use bytes::{Buf, Bytes};
use domain::value::Sha256;
use futures::StreamExt;
use std::{
    io::{self, Read},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Pieces that may wait to be written: together they are little beside a part of an upload.
const AHEAD: usize = 64;
/// Times that a blob is fetched before it is called damaged: bytes may have been damaged on the way.
const TIMES: u32 = 2;

/// Fetches a blob into a file without a name, and makes sure of its digest; `None` when there is no such blob.
pub(super) async fn fetch(
    remote: &Remote,
    local: &LocalBlobStore,
    blob: &Sha256,
) -> Result<Option<Written>, BlobError> {
    for _ in 0..TIMES {
        let Some(opened) = remote.open(blob, 0).await? else {
            return Ok(None);
        };
        let (sender, receiver) = mpsc::channel(AHEAD);
        let writing =
            local.blocking(move |local| local.write(&mut Incoming { receiver, rest: Bytes::new(), is_over: false }));
        let (sent, written) = tokio::join!(pass_on(remote, blob, opened, sender), writing);
        // Whoever writes only knows that nothing came any more.
        sent?;
        let written = written?;
        if written.sha256 == *blob {
            return Ok(Some(written));
        }
    }
    remote.note_damage(blob);
    Err(BlobError::Damaged(*blob))
}

/// Passes a blob's content on, going on where it was cut as long as there is progress. `None` says that all came.
async fn pass_on(
    remote: &Remote,
    blob: &Sha256,
    mut opened: Opened,
    sender: mpsc::Sender<Option<Bytes>>,
) -> Result<(), BlobError> {
    let (bytes, mut at) = (opened.bytes, 0);
    let mut waits = Waits::new(remote.patience());
    loop {
        let failed = match opened.stream.next().await {
            Some(Ok(piece)) => {
                at += piece.len() as u64;
                waits = Waits::new(remote.patience());
                if sender.send(Some(piece)).await.is_err() {
                    // Writing failed, and says so itself.
                    return Ok(());
                }
                continue;
            }
            None if at >= bytes => {
                let _heard = sender.send(None).await;
                return Ok(());
            }
            None => other(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Some(Err(error)) => other(error),
        };
        waits.wait_after(failed).await?;
        let gone = || other(io::Error::from(io::ErrorKind::NotFound));
        opened = remote.open(blob, at).await?.ok_or_else(gone)?;
    }
}

/// Waits between tries without progress.
struct Waits {
    patience: S3Patience,
    since: Instant,
    next: Duration,
}

impl Waits {
    fn new(patience: S3Patience) -> Self {
        Self { patience, since: Instant::now(), next: patience.back_off }
    }

    async fn wait_after(&mut self, failed: BlobError) -> Result<(), BlobError> {
        if self.since.elapsed() > self.patience.retry {
            return Err(failed);
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.patience.back_off * 100);
        Ok(())
    }
}

/// What comes, to be read by a thread that may wait.
struct Incoming {
    receiver: mpsc::Receiver<Option<Bytes>>,
    rest: Bytes,
    is_over: bool,
}

impl Read for Incoming {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.is_over {
            match self.receiver.blocking_recv() {
                Some(Some(piece)) => self.rest = piece,
                Some(None) => self.is_over = true,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        (&mut self.rest).reader().read(block)
    }
}
