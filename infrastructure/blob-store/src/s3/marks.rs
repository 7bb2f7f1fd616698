//! Which blobs a bucket has and since when, and the end of those that nothing refers to.
//!
//! What is there already is not sent again, so that its own time says nothing of who relies on it since: an empty object
//! beside it, its mark, is written then. Between looking at both times and deleting nobody writes a mark: who does, and who
//! deletes, take turns, also between processes. Times are the server's. Deliberately absent: knowing what refers to a blob.

use super::remote::{Remote, other};
use application::ports::blob_store::{BlobError, StoredBlob};
use bytes::Bytes;
use domain::value::{Sha256, Timestamp};
use futures::{StreamExt, future::ready};
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, path::Path as Name};

impl Remote {
    /// The name of a blob's mark.
    pub(super) fn mark(&self, blob: &Sha256) -> Name {
        self.prefix.clone().join("marks").join(blob.to_string())
    }

    /// Whether there is such a blob, of this length if that is known, which counts as put now.
    pub async fn hold(&self, blob: &Sha256, bytes: Option<u64>) -> Result<bool, BlobError> {
        let is_there = async || {
            let found = self.bytes(blob).await?;
            Ok::<_, BlobError>(found.is_some_and(|found| bytes.is_none_or(|bytes| found == bytes)))
        };
        // Nobody waits for a turn at what is not there, which is most of what is put.
        if !is_there().await? {
            return Ok(false);
        }
        let _turn = self.turns.begin().await.map_err(other)?;
        if !is_there().await? {
            return Ok(false);
        }
        self.bucket.put(&self.mark(blob), Bytes::new().into()).await.map_err(other)?;
        Ok(true)
    }

    /// Removes a blob unless it was put or held then or later; whether it did.
    pub async fn collect(&self, blob: &Sha256, put_before: Timestamp) -> Result<bool, BlobError> {
        let _turn = self.turns.end().await.map_err(other)?;
        let Some(put_at) = self.time_of(&self.name(blob)).await? else { return Ok(false) };
        let held_at = self.time_of(&self.mark(blob)).await?;
        if held_at.unwrap_or(put_at).max(put_at) >= put_before {
            return Ok(false);
        }
        self.delete(blob).await?;
        Ok(true)
    }

    /// Blobs after one, in the order of digests, at most so many.
    pub async fn list(&self, after: Option<&Sha256>, limit: usize) -> Result<Vec<StoredBlob>, BlobError> {
        let objects = match after {
            Some(blob) => self.bucket.list_with_offset(Some(&self.prefix), &self.name(blob)),
            None => self.bucket.list(Some(&self.prefix)),
        };
        // Names are in the order of digests; what else is there comes after them, or is no digest.
        let blobs = objects.filter_map(|object| {
            ready(match object {
                Ok(object) => self.blob_of(&object).map(Ok),
                Err(error) => Some(Err(other(error))),
            })
        });
        let found: Vec<Result<StoredBlob, BlobError>> = blobs.take(limit).collect().await;
        found.into_iter().collect()
    }

    fn blob_of(&self, object: &ObjectMeta) -> Option<StoredBlob> {
        let sha256 = object.location.filename()?.parse::<Sha256>().ok()?;
        let put_at = time_of(object);
        (object.location == self.name(&sha256)).then_some(StoredBlob { sha256, bytes: object.size, put_at })
    }

    /// The latest moment at which an object can have been written: HTTP tells whole seconds.
    async fn time_of(&self, object: &Name) -> Result<Option<Timestamp>, BlobError> {
        match self.bucket.head(object).await {
            Ok(found) => Ok(Some(time_of(&found).plus_ms(999))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(other(error)),
        }
    }
}

fn time_of(object: &ObjectMeta) -> Timestamp {
    Timestamp::from_unix_ms(u64::try_from(object.last_modified.timestamp_millis()).unwrap_or_default())
}
