//! Where admission begins: at start, and whenever it takes dubbings over from another node.

use async_trait::async_trait;
use domain::value::DubbingId;
use thiserror::Error;

/// Where admission begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// Dubbings that may owe something, as of `after`. More than that does no harm, fewer does.
    pub unfinished: Vec<DubbingId>,
    /// The position of the log up to which that list is complete.
    pub after: u64,
}

/// Knows what is unfinished.
#[async_trait]
pub trait Backlog: Send + Sync {
    /// What is unfinished as of a moment since it was asked for, or not long before.
    async fn unfinished(&self) -> Result<Beginning, BacklogError>;
}

/// It is not known what is unfinished.
#[derive(Debug, Error)]
#[error("what is unfinished cannot be read")]
pub struct BacklogError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What was unfinished once, for those who never take anything over.
#[async_trait]
impl Backlog for Beginning {
    async fn unfinished(&self) -> Result<Beginning, BacklogError> {
        Ok(self.clone())
    }
}
