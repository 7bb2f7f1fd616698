//! What somebody is in a tenant.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What somebody is in a tenant. What each may do stands in the application's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything, changes nothing.
    Viewer,
    /// Looks at everything, corrects what is said.
    Reviewer,
    /// Hands in, orders, and corrects what is theirs.
    Creator,
    /// Everything in the tenant, accounts included.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Reviewer, Role::Creator, Role::Admin];

    /// Its name: `viewer`.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Reviewer => "reviewer",
            Role::Creator => "creator",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRole;

impl fmt::Display for InvalidRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a role is one of admin, creator, reviewer, viewer")
    }
}

impl std::error::Error for InvalidRole {}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(InvalidRole)
    }
}
