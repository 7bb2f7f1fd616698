//! How urgent a dubbing is.

use serde::{Deserialize, Serialize};

/// How urgent a dubbing is: of those that wait, more urgent ones come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// When nothing else waits.
    Low,
    /// As most are.
    #[default]
    Normal,
    /// Somebody waits for it.
    High,
}

impl Priority {
    /// Its name in events and in the interface.
    pub const fn name(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
        }
    }
}
