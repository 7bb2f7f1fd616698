//! Who may do what: one table, asked in one place by everything that gives commands and asks questions for somebody.
//!
//! A tenant's things are never another's, whatever the role: that is asked where things are looked up, and answered as if
//! they were not there. This table is about what is one's own tenant's.

use crate::{ports::event_log::Tenant, principal::Principal};
use domain::value::{Role, Scope};

/// How far somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Not at all.
    Never,
    /// With what they made themselves.
    Own,
    /// With everything of their tenant's.
    Any,
}

use Grant::{Any, Never, Own};

macro_rules! actions {
    ($($(#[$meaning:meta])* $name:ident $text:literal $scope:ident
       $viewer:ident $reviewer:ident $creator:ident $admin:ident)+) => {
        /// What can be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$meaning])* $name,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Action] = &[$(Action::$name),+];

            /// Its name: `work.order`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Action::$name => $text,)+
                }
            }

            /// The scope that a key needs for it.
            pub const fn scope(self) -> Scope {
                match self {
                    $(Action::$name => Scope::$scope,)+
                }
            }

            /// How far each role may do it.
            pub const fn grant(self, role: Role) -> Grant {
                match (self, role) {
                    $(
                        (Action::$name, Role::Viewer) => $viewer,
                        (Action::$name, Role::Reviewer) => $reviewer,
                        (Action::$name, Role::Creator) => $creator,
                        (Action::$name, Role::Admin) => $admin,
                    )+
                }
            }
        }
    };
}

actions! {
    //                                                                   Viewer Reviewer Creator Admin
    /// Look at dubbings, transcripts, assets, projects, glossaries, events, voices, estimates.
    ReadWork        "work.read"         WorkRead                         Any    Any      Any     Any
    /// Download what was made, or make links to it.
    Download        "results.download"  ResultsRead                      Any    Any      Any     Any
    /// Look at what was used.
    ReadUsage       "usage.read"        WorkRead                         Any    Any      Any     Any
    /// Hand in files; look after uploads that are one's own.
    HandIn          "work.hand-in"      WorkWrite                        Never  Never    Any     Any
    /// Order dubbings.
    Order           "work.order"        WorkWrite                        Never  Never    Any     Any
    /// Make projects and glossaries.
    KeepLibrary     "library.make"      WorkWrite                        Never  Never    Any     Any
    /// Rename, replace or remove them.
    ChangeLibrary   "library.change"    WorkWrite                        Never  Never    Own     Any
    /// Pause, resume, retry, skip, cancel, extend, fork, withdraw, erase.
    Control         "work.control"      WorkWrite                        Never  Never    Own     Any
    /// Correct transcripts and lines, and have them made anew.
    Correct         "work.correct"      WorkReview                       Never  Any      Own     Any
    /// Look at one's own account, sessions and keys.
    ReadSelf        "self.read"         AccountsRead                     Any    Any      Any     Any
    /// Change one's password and second factor, end one's sessions.
    ManageSelf      "self.manage"       AccountsWrite                    Any    Any      Any     Any
    /// Make and revoke one's own keys.
    ManageKeys      "keys.manage"       AccountsWrite                    Any    Any      Any     Any
    /// Look at the accounts of the tenant.
    ReadAccounts    "accounts.read"     AccountsRead                     Never  Never    Never   Any
    /// Invite, grant roles, deactivate, end sessions, revoke keys.
    ManageAccounts  "accounts.manage"   AccountsWrite                    Never  Never    Never   Any
    /// Look at webhooks and their deliveries.
    ReadWebhooks    "webhooks.read"     WebhooksRead                     Never  Never    Never   Any
    /// Make, change, test, replay and remove webhooks.
    ManageWebhooks  "webhooks.manage"   WebhooksWrite                    Never  Never    Never   Any
    /// Look at security events.
    ReadSecurity    "security.read"     SecurityRead                     Never  Never    Never   Any
    /// Look at measures and the parts' health: those of the whole installation.
    Operate         "operations.read"   OperationsRead                   Never  Never    Never   Any
    /// Say which nodes are to do nothing new.
    ManageNodes     "nodes.manage"      AccountsWrite                    Never  Never    Never   Any
    /// Pause and resume the queues of stages.
    ManageQueues    "queues.manage"     AccountsWrite                    Never  Never    Never   Any
    /// Look at all tenants.
    ReadTenants     "tenants.read"      AccountsRead                     Never  Never    Never   Any
    /// Make tenants and say how much they may use.
    ManageTenants   "tenants.manage"    AccountsWrite                    Never  Never    Never   Any
}

impl Action {
    /// Whether it is about the whole installation: for those of its own tenant, the first one, only.
    pub const fn is_of_installation(self) -> bool {
        matches!(
            self,
            Action::Operate | Action::ManageNodes | Action::ManageQueues | Action::ReadTenants | Action::ManageTenants
        )
    }

    /// Whether it is still possible for somebody who must enrol a second factor first.
    pub const fn is_of_self(self) -> bool {
        matches!(self, Action::ReadSelf | Action::ManageSelf)
    }
}

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object<'a> {
    /// Nothing that is anybody's: a list, or something to be made.
    None,
    /// Something of the tenant's that this actor made.
    MadeBy(&'a str),
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody of the role may.
    Role,
    /// The key, or the link, was not made for it.
    Scope,
    /// Only who made it may.
    NotYours,
    /// Only those who run the installation may.
    Installation,
    /// A second factor must be enrolled first.
    SecondFactorDue,
}

/// Whether somebody may do something.
pub fn allows(principal: &Principal, action: Action, object: Object<'_>) -> Result<(), Refusal> {
    if principal.must_enrol && !action.is_of_self() {
        return Err(Refusal::SecondFactorDue);
    }
    if action.is_of_installation() && principal.tenant != Tenant::default() {
        return Err(Refusal::Installation);
    }
    let is_own = match (action.grant(principal.role), object) {
        (Never, _) => return Err(Refusal::Role),
        (Any, _) | (Own, Object::None) => true,
        (Own, Object::MadeBy(actor)) => principal.made(actor),
    };
    if principal.scopes.as_ref().is_some_and(|scopes| !scopes.contains(&action.scope())) {
        return Err(Refusal::Scope);
    }
    if is_own { Ok(()) } else { Err(Refusal::NotYours) }
}

#[cfg(test)]
mod tests;
