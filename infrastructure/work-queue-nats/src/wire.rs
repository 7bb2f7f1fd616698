//! Work as it travels: versioned JSON, with ids and nothing personal in it.

use application::ports::{
    event_log::Tenant,
    work_queue::{Claim, Work},
};
use domain::{
    dubbing::Priority,
    flow::{Fence, WorkId},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The shape that this version writes.
const VERSION: u32 = 1;

/// Why a message is not work.
#[derive(Debug, Error)]
pub enum WireError {
    /// A newer version wrote it, and may read it.
    #[error("it has the shape of version {0}, which is newer than this program")]
    Newer(u32),
    /// Nobody can read it.
    #[error("it is not work")]
    Malformed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    id: WorkId,
    stream: String,
    fence: Fence,
    tenant: String,
    priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

/// The message for a piece of work.
pub(crate) fn encode(work: &Work) -> Result<Vec<u8>, serde_json::Error> {
    let Work { id, stream, fence, claim } = work;
    serde_json::to_vec(&Written {
        version: VERSION,
        id: *id,
        stream: stream.to_string(),
        fence: *fence,
        tenant: claim.tenant.0.clone(),
        priority: claim.priority,
        traceparent: claim.traceparent.clone(),
    })
}

/// The work in a message.
pub(crate) fn decode(bytes: &[u8]) -> Result<Work, WireError> {
    let malformed = |error: serde_json::Error| WireError::Malformed(Box::new(error));
    let Versioned { version } = serde_json::from_slice(bytes).map_err(malformed)?;
    if version > VERSION {
        return Err(WireError::Newer(version));
    }
    let written: Written = serde_json::from_slice(bytes).map_err(malformed)?;
    let stream = written.stream.parse().map_err(|error| WireError::Malformed(Box::new(error)))?;
    let claim = Claim { tenant: Tenant(written.tenant), priority: written.priority, traceparent: written.traceparent };
    Ok(Work { id: written.id, stream, fence: written.fence, claim })
}
