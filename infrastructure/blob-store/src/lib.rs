//! Blobs by the SHA-256 of their bytes, on the local disk or in a bucket of S3, and the uploads that become blobs.
//!
//! On the local disk, `blobs/ab/cdef…` holds what is complete; `tmp/` what is being written; `scratch/` what stages
//! work with; `uploads/` what clients are sending. All on one file system, so that taking a file over is a rename. With
//! a bucket, `cache/` stands for `blobs/` and holds copies. Deliberately absent: deciding what may be deleted.

mod hash;
mod s3;
mod shelf;
mod store;
#[cfg(test)]
mod tests;
mod uploads;

pub use hash::digest_file;
pub use s3::{CredentialsError, S3BlobStore, S3CacheLimits, S3Config, S3ConnectError, S3Credentials, S3Patience};
pub use shelf::LocalShelf;
pub use store::LocalBlobStore;
pub use uploads::{LocalUploadStore, UploadTarget};
