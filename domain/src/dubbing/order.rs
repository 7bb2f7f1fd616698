//! How a dubbing came in: what was said besides what to make.

use super::Priority;
use crate::{
    flow::Stage,
    value::{AssetId, DubbingId, ProjectId},
};
use serde::{Deserialize, Serialize};

/// How a dubbing came in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The asset that is its source, when it was handed in as one: then the asset keeps the source.
    pub asset: Option<AssetId>,
    /// The project it belongs to.
    pub project: Option<ProjectId>,
    /// The client's own name for it: plain, searchable, and never about a person.
    pub client_reference: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// The dubbing it was forked from.
    pub forked_from: Option<Fork>,
}

/// Where a dubbing was forked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The dubbing it came from.
    pub dubbing: DubbingId,
    /// The first stage that runs anew; what comes before is taken over.
    pub stage: Stage,
}
