//! Expire uploads: what was begun and never finished goes when its time is up; what is complete becomes an asset
//! before.

use super::import_asset::{ImportAsset, ImportError};
use crate::{
    ports::{
        clock::Clock,
        upload_store::{Expired, UploadStore},
    },
    stop::{StopSignal, Stopping},
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct ExpireUploads {
    /// What complete uploads become.
    pub import: ImportAsset,
    /// What was uploaded.
    pub uploads: Arc<dyn UploadStore>,
    /// Whose time is up.
    pub clock: Arc<dyn Clock>,
    /// Between two rounds.
    pub every: Duration,
}

impl ExpireUploads {
    /// One round. What is being written at this moment, and what is complete and could not be imported, stays for the
    /// next one.
    pub async fn run(&self) -> Result<Expired, ImportError> {
        let now = self.clock.now();
        let mut complete = self.uploads.unfinished().await?;
        complete.retain(|upload| upload.length == Some(upload.offset));
        complete.extend(self.uploads.finished().await?);
        let mut spared = Vec::new();
        for upload in complete.iter().filter(|upload| upload.expires_at <= now) {
            // Its last answer failed here, perhaps after it had become a blob; nobody may have come back for it.
            if !self.import.import_late(upload).await {
                spared.push(upload.id);
            }
        }
        Ok(self.uploads.expire(now, &spared).await?)
    }

    /// Round after round, until it is to stop.
    pub async fn keep_on(&self, stop: &StopSignal) {
        loop {
            match self.run().await {
                Ok(expired) if expired == Expired::default() => {}
                Ok(expired) => tracing::info!(uploads = expired.uploads, bytes = expired.bytes, "uploads expired"),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "uploads could not be expired");
                }
            }
            tokio::select! {
                () = stop.reached(Stopping::AtSafePoint) => return,
                () = sleep(self.every) => {}
            }
        }
    }
}
