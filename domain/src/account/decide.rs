//! What a command to an account brings about.

use super::{Account, AccountCommand, AccountEvent, AccountRejection, NewKey, Origin, SessionEnd, Standing};
use crate::{
    decider::Decider,
    value::{Personal, Role},
};

/// Keys that are valid at a time.
const KEYS_MAX: usize = 100;

impl Decider for Account {
    type State = Account;
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Rejection = AccountRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(account: &Account, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountRejection> {
        match (&account.standing, command) {
            (None, AccountCommand::Create { origin, email, name, role }) => Ok(created(origin, email, name, role)),
            (None, _) => Err(AccountRejection::Unknown),
            (Some(known), AccountCommand::Create { origin, email, name, role }) => {
                let same = known.origin == origin && known.email == email && known.name == name && known.role == role;
                if same { Ok(vec![]) } else { Err(AccountRejection::AlreadyCreated) }
            }
            (Some(known), AccountCommand::Deactivate) if !known.is_active => Ok(vec![]),
            (Some(_), AccountCommand::Deactivate) => Ok(vec![AccountEvent::AccountDeactivated]),
            (Some(known), AccountCommand::Reactivate) if known.is_active => Ok(vec![]),
            (Some(_), AccountCommand::Reactivate) => Ok(vec![AccountEvent::AccountReactivated]),
            (Some(known), AccountCommand::Grant(role)) if known.role == role => Ok(vec![]),
            (Some(_), AccountCommand::Grant(role)) => Ok(vec![AccountEvent::RoleGranted { role }]),
            // What takes something away is possible whatever the account's state.
            (Some(_), AccountCommand::RevokeKey(key)) => match account.keys.get(&key) {
                None => Err(AccountRejection::UnknownKey),
                Some(known) if known.is_revoked => Ok(vec![]),
                Some(_) => Ok(vec![AccountEvent::ApiKeyRevoked { key }]),
            },
            (Some(_), AccountCommand::EndSession { session, why }) => {
                Ok(vec![AccountEvent::SessionEnded { session, why }])
            }
            (Some(_), AccountCommand::ReportReuse { session, address }) => Ok(vec![
                AccountEvent::RefreshTokenReused { session, address },
                AccountEvent::SessionEnded { session, why: SessionEnd::RefreshTokenReused },
            ]),
            (Some(known), AccountCommand::DisableSecondFactor) if !known.has_second_factor => Ok(vec![]),
            (Some(_), AccountCommand::DisableSecondFactor) => Ok(vec![AccountEvent::SecondFactorDisabled]),
            (Some(known), _) if !known.is_active => Err(AccountRejection::Deactivated),
            (Some(known), command) => active(account, known, command),
        }
    }

    fn evolve(account: &mut Account, event: &AccountEvent) {
        account.evolve(event);
    }
}

fn created(origin: Origin, email: Personal<String>, name: Personal<String>, role: Role) -> Vec<AccountEvent> {
    let invited = (origin == Origin::Invitation).then_some(AccountEvent::AccountInvited);
    [AccountEvent::AccountCreated { origin, email, name, role }].into_iter().chain(invited).collect()
}

/// What may be asked of an account that may be used.
fn active(account: &Account, known: &Standing, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountRejection> {
    let is_local = known.origin != Origin::Issuer;
    match command {
        AccountCommand::Invite
        | AccountCommand::NotePassword(_)
        | AccountCommand::NoteResetRequest
        | AccountCommand::EnableSecondFactor
            if !is_local =>
        {
            Err(AccountRejection::SignsInElsewhere)
        }
        AccountCommand::Invite if known.has_password => Err(AccountRejection::AlreadyAccepted),
        AccountCommand::Invite => Ok(vec![AccountEvent::AccountInvited]),
        AccountCommand::NotePassword(by) => Ok(vec![AccountEvent::PasswordChanged { by }]),
        AccountCommand::NoteResetRequest => Ok(vec![AccountEvent::PasswordResetRequested]),
        AccountCommand::EnableSecondFactor if known.has_second_factor => Ok(vec![]),
        AccountCommand::EnableSecondFactor => Ok(vec![AccountEvent::SecondFactorEnabled]),
        AccountCommand::StartSession { session, expires_at, address, is_new_address } => {
            Ok(vec![AccountEvent::SessionStarted { session, expires_at, address, is_new_address }])
        }
        AccountCommand::CreateKey(new) => create_key(account, new),
        AccountCommand::NoteKeyAddress { key, address } => match account.keys.get(&key) {
            Some(known) if !known.is_revoked => Ok(vec![AccountEvent::ApiKeyUsedFromNewAddress { key, address }]),
            Some(_) | None => Err(AccountRejection::UnknownKey),
        },
        // All of them are decided before.
        AccountCommand::Create { .. }
        | AccountCommand::Grant(_)
        | AccountCommand::Deactivate
        | AccountCommand::Reactivate
        | AccountCommand::DisableSecondFactor
        | AccountCommand::EndSession { .. }
        | AccountCommand::ReportReuse { .. }
        | AccountCommand::RevokeKey(_) => Ok(vec![]),
    }
}

fn create_key(account: &Account, mut new: NewKey) -> Result<Vec<AccountEvent>, AccountRejection> {
    new.scopes.sort_unstable();
    new.scopes.dedup();
    match account.keys.get(&new.key) {
        Some(known) if known.made == new => Ok(vec![]),
        Some(_) => Err(AccountRejection::KeyExists),
        None if account.keys.values().filter(|key| !key.is_revoked).count() >= KEYS_MAX => {
            Err(AccountRejection::TooManyKeys)
        }
        None => Ok(vec![AccountEvent::ApiKeyCreated(new)]),
    }
}
