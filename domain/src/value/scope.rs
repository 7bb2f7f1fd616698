//! What a key may be used for.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! scopes {
    ($($(#[$meaning:meta])* $name:ident $text:literal)+) => {
        /// What a key may be used for, within what its owner may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Scope {
            $($(#[$meaning])* #[serde(rename = $text)] $name,)+
        }

        impl Scope {
            /// All of them.
            pub const ALL: &[Scope] = &[$(Scope::$name),+];

            /// Its name: `work:read`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Scope::$name => $text,)+
                }
            }
        }
    };
}

scopes! {
    /// Look at dubbings, assets, projects, glossaries, events, usage.
    WorkRead "work:read"
    /// Hand in, order, control, keep projects and glossaries.
    WorkWrite "work:write"
    /// Correct transcripts and translations, and make them anew.
    WorkReview "work:review"
    /// Download what was made.
    ResultsRead "results:read"
    /// Look at accounts, tenants and keys.
    AccountsRead "accounts:read"
    /// Invite, change, deactivate; make and revoke keys.
    AccountsWrite "accounts:write"
    /// Look at webhooks and their deliveries.
    WebhooksRead "webhooks:read"
    /// Make, change and test webhooks.
    WebhooksWrite "webhooks:write"
    /// Look at security events.
    SecurityRead "security:read"
    /// Look at measures and health.
    OperationsRead "operations:read"
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidScope;

impl fmt::Display for InvalidScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such scope; one of ")?;
        let names: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        f.write_str(&names.join(", "))
    }
}

impl std::error::Error for InvalidScope {}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        Self::ALL.iter().copied().find(|scope| scope.name() == text).ok_or(InvalidScope)
    }
}
