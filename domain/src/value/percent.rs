//! Whole percentages.

use serde::{Deserialize, Serialize};

/// A whole percentage; speaking rates use it with 100 as "as the engine speaks by itself".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(u16);

impl Percent {
    /// 100 %.
    pub const HUNDRED: Percent = Percent(100);

    /// A percentage.
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The number before the percent sign.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// As a factor: 120 % is 1.2.
    pub fn factor(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}
