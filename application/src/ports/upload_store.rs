//! Uploads: files that arrive in pieces, from clients that come and go.
//!
//! Promises: what an upload holds is a prefix of what its client sent, whatever crashes, and its offset
//! never tells of more than is there; one writer at a time; a finished upload is a blob, and finishing
//! again gives the same blob; nobody reaches another tenant's upload. Pieces go straight to the disk, on
//! which the blobs are. Deliberately absent: who may upload how much at once, whether time is up (the
//! caller compares [`Upload::expires_at`]), checksums of single pieces (the caller computes them, and
//! keeps or discards the piece).

use crate::ports::event_log::Tenant;
use async_trait::async_trait;
use domain::value::{Artefact, Personal, Sha256, Timestamp};
use thiserror::Error;
use uuid::Uuid;

/// Keeps uploads until they are blobs.
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Begins an upload. Repeated with the same request, it finds the upload that is there, with the time
    /// of the first; with another one, it is [`UploadError::AlreadyExists`]. There is a bound to how many are begun and
    /// not finished: [`UploadError::TooMany`].
    async fn create(&self, upload: NewUpload) -> Result<Upload, UploadError>;

    /// An upload of this tenant; `None` when there is none, and when it is another tenant's.
    async fn get(&self, tenant: &Tenant, id: Uuid) -> Result<Option<Upload>, UploadError>;

    /// Goes on at `offset`, which must be where the upload ends: [`UploadError::OffsetMismatch`]. Nobody
    /// else writes, finishes or removes it until the writer is gone: [`UploadError::Locked`].
    async fn open(&self, tenant: &Tenant, id: Uuid, offset: u64) -> Result<Box<dyn UploadWriter>, UploadError>;

    /// Checks length and digest, and makes the upload a blob. The upload stays as a note of that until it
    /// is terminated or expires, so that client and caller learn of it after a crash; finishing it again
    /// gives the same blob. One of an unknown length ends where it is.
    ///
    /// May take as long as reading the file once: after a restart its digest is computed anew.
    async fn finish(&self, tenant: &Tenant, id: Uuid) -> Result<Artefact, UploadError>;

    /// Removes an upload, or the note of a finished one; its blob stays.
    async fn terminate(&self, tenant: &Tenant, id: Uuid) -> Result<(), UploadError>;

    /// Removes what is past its time, whoever's it is, apart from these. What is being written at this moment
    /// stays for the next time, too.
    async fn expire(&self, now: Timestamp, apart_from: &[Uuid]) -> Result<Expired, UploadError>;

    /// Every upload that is no blob yet, of all tenants. One that is complete among them lacks nothing but
    /// [`UploadStore::finish`].
    async fn unfinished(&self) -> Result<Vec<Upload>, UploadError>;

    /// The note of every finished upload, of all tenants: its blob may have been made just before a crash.
    async fn finished(&self) -> Result<Vec<Upload>, UploadError>;
}

/// Writes a piece. Dropped without an end, because the client vanished, it keeps what was received.
#[async_trait]
pub trait UploadWriter: Send {
    /// Adds bytes. Nothing of them is taken when they lead beyond the upload's length
    /// ([`UploadError::BeyondLength`]) or the store's limit ([`UploadError::TooLarge`]). Holds back at most
    /// a fraction of a MiB. After [`UploadError::OutOfRoom`] and [`UploadError::Io`] the writer is of no
    /// more use; what reached the disk stays.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError>;

    /// Where the upload ends with what was written.
    fn offset(&self) -> u64;

    /// Keeps the upload until then at least, durably; until when it is kept now. What was promised before is
    /// never taken back. A failure leaves the writer of no more use, as in [`UploadWriter::write`].
    async fn renew(&mut self, expires_at: Timestamp) -> Result<Timestamp, UploadError>;

    /// Keeps the piece: returns the upload's new end once it is durable.
    async fn keep(self: Box<Self>) -> Result<u64, UploadError>;

    /// Takes the piece back: returns the end that the upload had before, and has again.
    async fn discard(self: Box<Self>) -> Result<u64, UploadError>;
}

/// An upload to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: Tenant,
    /// How many bytes it will have; `None` when only its end tells.
    pub length: Option<u64>,
    /// The client's name for the file: data, never a path.
    pub name: Personal<String>,
    /// Its MIME type, as the client says.
    pub media_type: String,
    /// The digest that it must have, when the client said one.
    pub sha256: Option<Sha256>,
    /// When it may be removed.
    pub expires_at: Timestamp,
}

/// An upload as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: Tenant,
    /// How many bytes it will have, if that is known.
    pub length: Option<u64>,
    /// How many bytes are there.
    pub offset: u64,
    /// The client's name for the file: data, never a path.
    pub name: Personal<String>,
    /// Its MIME type, as the client says.
    pub media_type: String,
    /// The digest that it must have, when the client said one.
    pub sha256: Option<Sha256>,
    /// When it may be removed.
    pub expires_at: Timestamp,
    /// The blob that it became.
    pub finished: Option<Artefact>,
}

/// What was removed because its time was up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many uploads, and notes of finished ones.
    pub uploads: u64,
    /// How many bytes they held.
    pub bytes: u64,
}

/// Why an upload could not be begun, continued or ended.
#[derive(Debug, Error)]
pub enum UploadError {
    /// There is no such upload of this tenant, or its blob was deleted since.
    #[error("there is no such upload")]
    NotFound,
    /// There is another upload of this id.
    #[error("there is another upload with this id")]
    AlreadyExists,
    /// Somebody writes, finishes or removes it at this moment.
    #[error("the upload is in use")]
    Locked,
    /// It ends elsewhere.
    #[error("the upload has {actual} bytes: go on from there")]
    OffsetMismatch {
        /// Where it ends, in bytes.
        actual: u64,
    },
    /// So many uploads that are no blob yet are there already: no further one is begun until one of them is finished,
    /// removed or past its time.
    #[error("there are {limit} unfinished uploads already; try again later")]
    TooMany {
        /// How many there may be.
        limit: usize,
    },
    /// More bytes came than the upload was to have.
    #[error("the upload was to have {length} bytes, and more came")]
    BeyondLength {
        /// Its length in bytes.
        length: u64,
    },
    /// The upload is, or was to be, larger than uploads may be.
    #[error("an upload has at most {limit} bytes")]
    TooLarge {
        /// How many bytes it may have.
        limit: u64,
    },
    /// It is a blob already: nothing can be added.
    #[error("the upload is finished")]
    Finished,
    /// It cannot be finished: bytes are missing.
    #[error("{offset} of {length} bytes have come: send the rest")]
    Incomplete {
        /// How many bytes are there.
        offset: u64,
        /// How many it is to have.
        length: u64,
    },
    /// It does not have the digest that it must have, and never will: it can only be terminated.
    #[error("the upload's content does not have the digest that was announced")]
    DigestMismatch,
    /// The disk is full. What came before stays.
    #[error("the disk that holds the uploads is full")]
    OutOfRoom,
    /// The store's own files could not be read or written.
    #[error("the upload store could not be used")]
    Io(#[source] std::io::Error),
}
