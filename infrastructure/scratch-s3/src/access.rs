//! Who may do what.

use crate::{READER, WRITER};
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    s3_error,
};
use std::path::PathBuf;

/// Who there is.
#[derive(Debug)]
pub(crate) struct Users;

#[async_trait::async_trait]
impl S3Auth for Users {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let found = [WRITER, READER].into_iter().find(|(name, _)| *name == access_key);
        found.map(|(_, secret)| SecretKey::from(secret)).ok_or_else(|| s3_error!(InvalidAccessKeyId))
    }
}

/// Refuses strangers, writes of who may only read, and requests to buckets that are not there: the server itself would
/// make them.
#[derive(Debug)]
pub(crate) struct Access {
    /// Where the buckets are.
    pub folder: PathBuf,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(user) = request.credentials() else {
            return Err(s3_error!(AccessDenied));
        };
        let operation = request.s3_op().name();
        let is_reading = ["Get", "Head", "List"].iter().any(|reading| operation.starts_with(reading));
        if user.access_key == READER.0 && !is_reading {
            return Err(s3_error!(AccessDenied));
        }
        let bucket = request.s3_path().get_bucket_name();
        let is_missing = bucket.is_some_and(|bucket| !self.folder.join(bucket).is_dir());
        if is_missing && operation != "CreateBucket" {
            return Err(s3_error!(NoSuchBucket));
        }
        Ok(())
    }
}
