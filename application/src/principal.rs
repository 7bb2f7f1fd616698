//! Who asks: an account, a key of one, a link, or who runs the installation.

use crate::ports::event_log::Tenant;
use domain::value::{AccountId, KeyId, Role, Scope, SessionId};

/// Who asks, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Whose data.
    pub tenant: Tenant,
    /// Who, as events name it: never a person's name.
    pub actor: String,
    /// The account, where there is one.
    pub account: Option<AccountId>,
    /// The key that was used, if one was.
    pub key: Option<KeyId>,
    /// The session, for who signed in here.
    pub session: Option<SessionId>,
    /// What it is in its tenant.
    pub role: Role,
    /// What it was made for; everything that its role may when `None`.
    pub scopes: Option<Vec<Scope>>,
    /// It must enrol a second factor before anything else.
    pub must_enrol: bool,
    /// It runs the installation and asks from the same machine: no rates hold for it.
    pub is_operator: bool,
}

/// What names of accounts begin with, among actors.
const ACCOUNT: &str = "account:";
/// The name of whoever has a link, among actors.
const LINK: &str = "signed-link";

impl Principal {
    /// Who runs the installation, with the token of its data folder.
    pub fn operator() -> Self {
        Self {
            tenant: Tenant::default(),
            actor: "api".to_owned(),
            account: None,
            key: None,
            session: None,
            role: Role::Admin,
            scopes: None,
            must_enrol: false,
            is_operator: true,
        }
    }

    /// Somebody who signed in.
    pub fn account(tenant: Tenant, account: AccountId, role: Role) -> Self {
        Self {
            tenant,
            actor: format!("{ACCOUNT}{account}"),
            account: Some(account),
            role,
            is_operator: false,
            ..Self::operator()
        }
    }

    /// A program with a key of somebody's.
    #[must_use]
    pub fn with_key(self, key: KeyId, scopes: Vec<Scope>) -> Self {
        Self { actor: format!("{}/key:{key}", self.actor), key: Some(key), scopes: Some(scopes), ..self }
    }

    /// In this session.
    #[must_use]
    pub fn in_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Whoever has a link to one of a tenant's results.
    pub fn link(tenant: Tenant) -> Self {
        Self {
            tenant,
            actor: LINK.to_owned(),
            role: Role::Viewer,
            scopes: Some(vec![Scope::ResultsRead]),
            is_operator: false,
            ..Self::operator()
        }
    }

    /// Whether it is whoever has a link.
    pub fn is_link(&self) -> bool {
        self.actor == LINK
    }

    /// Whether it is who did something, by itself or with any of its keys.
    pub fn made(&self, actor: &str) -> bool {
        match self.account {
            Some(known) => Self::account_of(actor) == Some(known),
            None => self.actor == actor,
        }
    }

    /// The account that did something, by itself or with any of its keys; `None` when that was somebody else.
    pub fn account_of(actor: &str) -> Option<AccountId> {
        actor.strip_prefix(ACCOUNT)?.split('/').next()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_an_account_made_with_any_of_its_keys_is_its_own() {
        let account = |number| Principal::account(Tenant::default(), AccountId(Uuid::from_u128(number)), Role::Creator);
        let key = |number| account(1).with_key(KeyId(Uuid::from_u128(number)), vec![]);
        for one in [account(1), key(2), key(3)] {
            assert!(account(1).made(&one.actor) && key(2).made(&one.actor), "{}", one.actor);
            assert!(!account(4).made(&one.actor) && !Principal::operator().made(&one.actor), "{}", one.actor);
        }
        for other in ["api", "cli", "account:", "account:nobody", ""] {
            assert!(!account(1).made(other), "{other}");
        }
    }
}
