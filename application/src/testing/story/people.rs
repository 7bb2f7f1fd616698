//! What happens to those who use all this: accounts, tenants, webhooks, and what is noted about them.

use super::{Random, SECRET, history::History};
use domain::{
    account::{AccountCommand, NewKey, Origin, PasswordChange, SessionEnd},
    security::{By, SecurityEvent, SignInFailure},
    tenant::{Quotas, TenantCommand},
    value::{AccountId, KeyId, Personal, Role, Scope, SecurityDayId, SessionId, TenantId, Timestamp, WebhookId},
    webhook::{WebhookCommand, WebhookContent, WhyDisabled},
};
use uuid::Uuid;

/// How many there are of each kind.
const MANY: u64 = 3;

/// Something happens to one of them, or nothing.
pub(super) fn step(history: &mut History, random: &mut Random) {
    let id = Uuid::from_u128(u128::from(random.below(MANY) + 90));
    match random.below(4) {
        0 => history.account(AccountId(id), account(random)),
        1 => history.tenant(TenantId(id), tenant(random)),
        2 => history.webhook(WebhookId(id), webhook(random)),
        _ => history.security(SecurityDayId(id), security(id, random)),
    }
}

fn personal(random: &mut Random) -> Personal<String> {
    Personal::new(format!("{SECRET} {}", random.below(3)))
}

fn account(random: &mut Random) -> AccountCommand {
    let session = SessionId(Uuid::from_u128(7));
    let key = KeyId(Uuid::from_u128(u128::from(random.below(3))));
    match random.below(12) {
        0 => AccountCommand::Deactivate,
        1 => AccountCommand::Reactivate,
        2 => AccountCommand::Grant(random.pick(&Role::ALL).copied().unwrap_or(Role::Viewer)),
        3 => AccountCommand::NotePassword(PasswordChange::Invitation),
        4 => AccountCommand::EnableSecondFactor,
        5 => AccountCommand::CreateKey(NewKey {
            key,
            name: personal(random),
            scopes: vec![Scope::WorkRead],
            expires_at: None,
        }),
        6 => AccountCommand::RevokeKey(key),
        7 => AccountCommand::StartSession {
            session,
            expires_at: Timestamp::from_unix_ms(2_000_000_000_000),
            address: personal(random),
            is_new_address: random.one_in(2),
        },
        8 => AccountCommand::EndSession { session, why: SessionEnd::SignedOut },
        _ => AccountCommand::Create {
            origin: Origin::Invitation,
            email: personal(random),
            name: personal(random),
            role: Role::Creator,
        },
    }
}

fn tenant(random: &mut Random) -> TenantCommand {
    match random.below(3) {
        0 => TenantCommand::SetQuotas(Quotas { running_jobs: Some(random.below(9)), ..Quotas::default() }),
        1 => TenantCommand::Rename { name: personal(random) },
        _ => TenantCommand::Create { name: personal(random) },
    }
}

fn webhook(random: &mut Random) -> WebhookCommand {
    let content =
        WebhookContent { url: personal(random), description: personal(random), events: vec!["dubbing.*".to_owned()] };
    match random.below(12) {
        0 => WebhookCommand::Disable(WhyDisabled::Gone),
        1 => WebhookCommand::Enable,
        2 => WebhookCommand::NoteRotation,
        3 => WebhookCommand::Replay { from: 1 },
        4 => WebhookCommand::Change(content),
        _ => WebhookCommand::Create(content),
    }
}

fn security(id: Uuid, random: &mut Random) -> SecurityEvent {
    let by = By { account: random.one_in(2).then_some(AccountId(id)), key: None, address: Some(personal(random)) };
    match random.below(2) {
        0 => SecurityEvent::SignInFailed { by, why: SignInFailure::WrongPassword, times: 1 },
        _ => SecurityEvent::AccessRefused { by, action: "work.order".to_owned(), times: 2 },
    }
}
