//! Values about a person.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A value about a person: text of speech, a name, a file name, an address.
///
/// Its `Debug` form hides it, so that it cannot slip into a log line. Serde writes
/// `{"$personal": value}`; the event codec finds that marker and seals what it holds under the
/// dubbing's key. Once that key is destroyed the value reads back as [`Personal::erased`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Personal<T> {
    #[serde(rename = "$personal")]
    value: Option<T>,
}

impl<T> Personal<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self { value: Some(value) }
    }

    /// A value whose key was destroyed.
    pub const fn erased() -> Self {
        Self { value: None }
    }

    /// The value, for the purpose it was given for; `None` after erasure.
    pub const fn reveal(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.value.is_some() { "Personal(…)" } else { "Personal(erased)" })
    }
}
