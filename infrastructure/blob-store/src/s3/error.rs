//! Why a bucket cannot be used. No message holds a secret.

use application::ports::blob_store::BlobError;
use thiserror::Error;

/// Why a bucket cannot be used: one sentence each, with what to do about it.
#[derive(Debug, Error)]
pub enum S3ConnectError {
    /// It is no address.
    #[error("{endpoint} is no address of an S3 server, which looks like https://s3.example.org")]
    NoAddress {
        /// What was given.
        endpoint: String,
    },
    /// Requests would go in the clear, which was not allowed.
    #[error("{endpoint} is not encrypted: use https, or allow plain http for it")]
    NotEncrypted {
        /// Where.
        endpoint: String,
    },
    /// Nobody answers there.
    #[error("no S3 server answers at {endpoint}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What went wrong.
        #[source]
        source: Box<object_store::Error>,
    },
    /// There is no such bucket.
    #[error("the S3 server at {endpoint} has no bucket {bucket}: make it, or check its name and region")]
    NoBucket {
        /// Where.
        endpoint: String,
        /// The bucket.
        bucket: String,
        /// What the server said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The keys are wrong, or are no more valid.
    #[error("the S3 server at {endpoint} refuses access key {access_key}: check it, its secret and its session token")]
    Refused {
        /// Where.
        endpoint: String,
        /// The name of the key.
        access_key: String,
        /// What the server said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The clocks are too far apart for signatures.
    #[error("the S3 server at {endpoint} has another time than this machine: set the clock")]
    OtherTime {
        /// Where.
        endpoint: String,
        /// What the server said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The keys may not do what is needed.
    #[error("access key {access_key} may not {what} objects in bucket {bucket} at {endpoint}: grant {right}")]
    NoRight {
        /// Where.
        endpoint: String,
        /// The bucket.
        bucket: String,
        /// The name of the key.
        access_key: String,
        /// What it may not do: write, read or delete.
        what: &'static str,
        /// What the right is called.
        right: &'static str,
        /// What the server said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// It does not give back what it was given.
    #[error("bucket {bucket} at {endpoint} gave back something else than was written to it")]
    NotKept {
        /// Where.
        endpoint: String,
        /// The bucket.
        bucket: String,
    },
    /// Another installation has its blobs there.
    #[error(
        "bucket {bucket} at {endpoint} has the blobs of another installation under the prefix \"{prefix}\": give this one a \
         prefix of its own, as in s3://{bucket}/name"
    )]
    Taken {
        /// Where.
        endpoint: String,
        /// The bucket.
        bucket: String,
        /// What names begin with.
        prefix: String,
    },
    /// Something else.
    #[error("bucket {bucket} at {endpoint} could not be used")]
    Other {
        /// Where.
        endpoint: String,
        /// The bucket.
        bucket: String,
        /// What went wrong.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The folder for copies cannot be used.
    #[error("the folder for copies of blobs could not be used")]
    Folder(#[source] BlobError),
}
