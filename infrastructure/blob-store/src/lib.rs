//! Blobs on the local disk, by the SHA-256 of their bytes, and the uploads that become blobs.
//!
//! `blobs/ab/cdef…` holds what is complete; `tmp/` what is being written; `scratch/` what stages work
//! with; `uploads/` what clients are sending. All on one file system, so that taking a file over is a
//! rename. Deliberately absent: deciding what may be deleted.

mod hash;
mod shelf;
mod store;
#[cfg(test)]
mod tests;
mod uploads;

pub use hash::digest_file;
pub use shelf::LocalShelf;
pub use store::LocalBlobStore;
pub use uploads::LocalUploadStore;
