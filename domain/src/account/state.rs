//! What is known of an account, and the fold over its events.

use super::{AccountEvent, NewKey, Origin, PasswordChange};
use crate::value::{KeyId, Personal, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of an account. Sessions are not: they come and go, and live where their tokens do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who it is; `None` before it was made.
    pub standing: Option<Standing>,
    /// Its keys, revoked ones too.
    pub keys: BTreeMap<KeyId, Key>,
}

/// Who an account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How it came about.
    pub origin: Origin,
    /// Its address.
    pub email: Personal<String>,
    /// What it is called.
    pub name: Personal<String>,
    /// What it is in its tenant.
    pub role: Role,
    /// It may be used.
    pub is_active: bool,
    /// It has, or had, a password.
    pub has_password: bool,
    /// A second factor is asked for.
    pub has_second_factor: bool,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// What was said of it when it was made.
    pub made: NewKey,
    /// It is not valid any more.
    pub is_revoked: bool,
}

impl Account {
    /// Its role, if it may be used.
    pub fn active_role(&self) -> Option<Role> {
        self.standing.as_ref().filter(|standing| standing.is_active).map(|standing| standing.role)
    }

    /// The only writer of an account's state.
    pub fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::AccountCreated { origin, email, name, role } => {
                self.standing = Some(Standing {
                    origin: *origin,
                    email: email.clone(),
                    name: name.clone(),
                    role: *role,
                    is_active: true,
                    has_password: false,
                    has_second_factor: false,
                });
            }
            AccountEvent::PasswordChanged { by } => self.stand(|standing| {
                standing.has_password = true;
                // Who runs the installation helps those who lost their second factor, too.
                standing.has_second_factor &= *by != PasswordChange::Operator;
            }),
            AccountEvent::RoleGranted { role } => self.stand(|standing| standing.role = *role),
            AccountEvent::AccountDeactivated => self.stand(|standing| standing.is_active = false),
            AccountEvent::AccountReactivated => self.stand(|standing| standing.is_active = true),
            AccountEvent::SecondFactorEnabled => self.stand(|standing| standing.has_second_factor = true),
            AccountEvent::SecondFactorDisabled => self.stand(|standing| standing.has_second_factor = false),
            AccountEvent::ApiKeyCreated(made) => {
                self.keys.insert(made.key, Key { made: made.clone(), is_revoked: false });
            }
            AccountEvent::ApiKeyRevoked { key } => {
                if let Some(key) = self.keys.get_mut(key) {
                    key.is_revoked = true;
                }
            }
            AccountEvent::AccountInvited
            | AccountEvent::PasswordResetRequested
            | AccountEvent::SessionStarted { .. }
            | AccountEvent::SessionEnded { .. }
            | AccountEvent::RefreshTokenReused { .. }
            | AccountEvent::ApiKeyUsedFromNewAddress { .. } => {}
        }
    }

    fn stand(&mut self, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = &mut self.standing {
            change(standing);
        }
    }
}
