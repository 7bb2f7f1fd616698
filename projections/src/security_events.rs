//! Security events: one row per event about accounts, tenants, webhooks and the trail. What happened and to which account;
//! what is personal in it stays in the log, where the row says.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId, TenancyEvent, TenancyStream},
    read_store::{Row, RowKey, Table},
};
use domain::{
    account::AccountEvent,
    security::{By, SecurityEvent},
    value::{AccountId, KeyId},
};
use serde_json::json;

/// One row per event.
///
/// `account` is the one that it is about or that did it, `actor` who gave the command. `stream` and `revision` say where the
/// log holds the rest.
pub static TABLE: Table = Table {
    name: "security_events",
    key: &["position"],
    columns: &["position", "tenant", "type", "account", "key", "actor", "stream", "revision", "recorded_at"],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecurityEvents;

impl Projection for SecurityEvents {
    fn name(&self) -> &'static str {
        "security_events"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        match &event.stream {
            StreamId::Tenancy(_) => Touched::one(vec![number(event.position)]),
            _ => Touched::none(),
        }
    }

    /// Each event has a row of its own: one that cannot be read has none.
    fn rows_of(&self, _stream: &StreamId) -> Option<RowKey> {
        None
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        let (account, used) = about(event);
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "type", type_name(&event.event_type));
        set(&mut row, "account", account.map(|account| json!(account.to_string())));
        set(&mut row, "key", used.map(|key| json!(key.to_string())));
        set(&mut row, "actor", event.actor.as_str());
        set(&mut row, "stream", event.stream.to_string());
        set(&mut row, "revision", number(event.revision));
        set(&mut row, "recorded_at", event.recorded_at.to_string());
        Some(row)
    }
}

/// The name of a type as those outside know it: `SignInFailed` is `sign-in-failed`.
pub fn type_name(event_type: &str) -> String {
    let mut name = String::with_capacity(event_type.len() + 4);
    for letter in event_type.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The account and the key that an event is about.
fn about(event: &Recorded) -> (Option<AccountId>, Option<KeyId>) {
    match (&event.stream, &event.event) {
        (StreamId::Tenancy(TenancyStream::Account(id)), DomainEvent::Tenancy(TenancyEvent::Account(happened))) => {
            (Some(*id), key_of(happened))
        }
        (_, DomainEvent::Tenancy(TenancyEvent::Security(happened))) => {
            by(happened).map_or((None, None), |by| (by.account, by.key))
        }
        _ => (None, None),
    }
}

fn key_of(event: &AccountEvent) -> Option<KeyId> {
    match event {
        AccountEvent::ApiKeyCreated(new) => Some(new.key),
        AccountEvent::ApiKeyRevoked { key } | AccountEvent::ApiKeyUsedFromNewAddress { key, .. } => Some(*key),
        AccountEvent::AccountCreated { .. }
        | AccountEvent::AccountInvited
        | AccountEvent::PasswordChanged { .. }
        | AccountEvent::PasswordResetRequested
        | AccountEvent::RoleGranted { .. }
        | AccountEvent::AccountDeactivated
        | AccountEvent::AccountReactivated
        | AccountEvent::SecondFactorEnabled
        | AccountEvent::SecondFactorDisabled
        | AccountEvent::SessionStarted { .. }
        | AccountEvent::SessionEnded { .. }
        | AccountEvent::RefreshTokenReused { .. } => None,
    }
}

fn by(event: &SecurityEvent) -> Option<&By> {
    match event {
        SecurityEvent::SignInFailed { by, .. }
        | SecurityEvent::AccessRefused { by, .. }
        | SecurityEvent::CredentialRefused { by, .. }
        | SecurityEvent::RateLimitReached { by, .. }
        | SecurityEvent::QuotaReached { by, .. }
        | SecurityEvent::ResultDownloaded { by, .. }
        | SecurityEvent::RecordsExported { by, .. } => Some(by),
        SecurityEvent::ConfigurationChanged { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_words() {
        let check = |event_type: &str, expected: &str| assert_eq!(type_name(event_type), expected);
        check("SignInFailed", "sign-in-failed");
        check("ApiKeyUsedFromNewAddress", "api-key-used-from-new-address");
    }
}
