//! Work: one attempt at one stage, and the fence that keeps late workers out.

use super::Stage;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of one attempt at one stage of one stream: the work queue deduplicates by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkId(pub Uuid);

/// Which attempt a worker is at. Results are accepted only for the attempt that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fence {
    /// The stage.
    pub stage: Stage,
    /// How often it was asked for anew.
    pub run: u32,
    /// The try within that run.
    pub attempt: u32,
}

/// Namespace of work ids; drawn once at random, fixed for ever.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_3a5e_8d0b_4c55_9a61_2b7d_1f5e_6c01);

/// UUIDv5 over stream, stage, run and attempt: asking twice names the same work.
pub fn work_id(stream: &str, fence: Fence) -> WorkId {
    let name = format!("{stream}/{}/{}/{}", fence.stage, fence.run, fence.attempt);
    WorkId(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
}
