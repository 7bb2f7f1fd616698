//! What one node of an installation does.

use std::fmt;

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeRole {
    /// Answers requests, takes uploads, looks at what was handed in.
    Api,
    /// Drives dubbings: decides what is to be done next.
    Flow,
    /// Folds read models, and tells others of what happened.
    Project,
}

impl NodeRole {
    /// Every role, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Api, Self::Flow, Self::Project];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Flow => "flow",
            Self::Project => "project",
        }
    }

    /// The roles of these names; `None` when there is none, or one is no role.
    pub fn of_names(names: &[String]) -> Option<Vec<Self>> {
        let role = |name: &String| Self::ALL.into_iter().find(|role| role.name() == name.trim());
        let mut roles: Vec<Self> = names.iter().map(role).collect::<Option<_>>()?;
        roles.sort_unstable();
        roles.dedup();
        (!roles.is_empty()).then_some(roles)
    }
}

impl fmt::Display for NodeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
