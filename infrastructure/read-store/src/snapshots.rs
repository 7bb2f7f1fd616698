//! Snapshots as they are kept: states sealed under their subject's key, and bound to all that stands beside them.
//!
//! Deliberately absent: where they are kept. Wherever that is, losing them harms nothing.

use crate::sealing::{self, SealingError, blocking};
use application::ports::{
    event_log::{StreamId, Tenant},
    key_vault::KeyVault,
    snapshots::{Snapshot, SnapshotError},
};
use std::sync::Arc;
use thiserror::Error;

/// A snapshot as it is kept: a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub stream: String,
    pub version: i64,
    pub revision: i64,
    pub hash: String,
    pub tenant: String,
    pub traceparent: Option<String>,
    pub state: Vec<u8>,
}

/// The columns of a row, in this order.
pub(crate) type Columns = (String, i64, i64, String, String, Option<String>, Vec<u8>);

impl From<Columns> for Kept {
    fn from((stream, version, revision, hash, tenant, traceparent, state): Columns) -> Self {
        Self { stream, version, revision, hash, tenant, traceparent, state }
    }
}

/// A number that no row can hold.
#[derive(Clone, Copy, Debug, Error)]
#[error("revision {0} is beyond what can be kept")]
pub(crate) struct TooFar(u64);

impl From<SealingError> for SnapshotError {
    fn from(error: SealingError) -> Self {
        Self(Box::new(error))
    }
}

impl Kept {
    /// What is kept of a snapshot; `None` when the stream's subject has no key.
    pub async fn of(
        vault: &Arc<dyn KeyVault>,
        stream: &StreamId,
        version: u32,
        snapshot: &Snapshot,
    ) -> Result<Option<Self>, SnapshotError> {
        let far = |_| SnapshotError(Box::new(TooFar(snapshot.revision)));
        let mut kept = Self {
            stream: stream.to_string(),
            version: i64::from(version),
            revision: i64::try_from(snapshot.revision).map_err(far)?,
            hash: snapshot.hash.to_string(),
            tenant: snapshot.tenant.0.clone(),
            traceparent: snapshot.traceparent.clone(),
            state: vec![],
        };
        let (vault, subject, context) = (Arc::clone(vault), stream.subject(), kept.context());
        let state = snapshot.state.clone();
        let sealed = blocking(move || sealing::sealed(&*vault, subject, &context, &state)).await?;
        Ok(sealed.map(|sealed| {
            kept.state = sealed;
            kept
        }))
    }

    /// The snapshot that was kept of this stream; `None` when its key was destroyed, or the row was altered.
    pub async fn opened(self, vault: &Arc<dyn KeyVault>, stream: &StreamId) -> Result<Option<Snapshot>, SnapshotError> {
        let (Ok(revision), Ok(hash)) = (u64::try_from(self.revision), self.hash.parse()) else {
            return Ok(None);
        };
        let (vault, subject, context) = (Arc::clone(vault), stream.subject(), self.context());
        let Self { tenant, traceparent, state, .. } = self;
        let state = blocking(move || sealing::opened(&*vault, subject, &context, &state)).await?;
        Ok(state.map(|state| Snapshot { revision, hash, tenant: Tenant(tenant), traceparent, state }))
    }

    /// What the sealed state is bound to, so that nothing beside it can be altered and no row be moved.
    fn context(&self) -> Vec<u8> {
        let Self { stream, version, revision, hash, tenant, traceparent, state: _ } = self;
        let numbers = [version.to_be_bytes(), revision.to_be_bytes()];
        let trace = traceparent.as_deref();
        let mut context = b"snapshot".to_vec();
        numbers.iter().for_each(|number| context.extend_from_slice(number));
        context.push(u8::from(trace.is_some()));
        for text in [stream.as_str(), hash, tenant, trace.unwrap_or_default()] {
            context.extend_from_slice(&(text.len() as u64).to_be_bytes());
            context.extend_from_slice(text.as_bytes());
        }
        context
    }
}
