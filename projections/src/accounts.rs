//! Accounts: one row each. What it is and whether it may be used; never whose it is.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{add, is_set, name_of, number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId, TenancyEvent, TenancyStream},
    read_store::{Row, RowKey, Table},
};
use domain::account::{AccountEvent, Origin};
use serde_json::json;

/// One row per account.
///
/// `state` is one of `invited`, `active`, `deactivated`; `was` what it was before it was deactivated. `keys` counts those
/// that were not revoked, expired ones too. `revision` is the stream's.
pub static TABLE: Table = Table {
    name: "accounts",
    key: &["account_id"],
    columns: &[
        "account_id",
        "tenant",
        "revision",
        "state",
        "was",
        "origin",
        "role",
        "second_factor",
        "keys",
        "created_at",
        "signed_in_at",
        "updated_at",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accounts;

impl Projection for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        match &event.stream {
            StreamId::Tenancy(TenancyStream::Account(id)) => Touched::one(vec![json!(id.to_string())]),
            _ => Touched::none(),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        let is_its = matches!(stream, StreamId::Tenancy(TenancyStream::Account(_)));
        is_its.then(|| vec![json!(stream.subject().to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        let now = event.recorded_at.to_string();
        if let DomainEvent::Tenancy(TenancyEvent::Account(happened)) = &event.event {
            account(&mut row, happened, &now);
        }
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "revision", number(event.revision));
        set(&mut row, "updated_at", now);
        Some(row)
    }
}

fn account(row: &mut Row, happened: &AccountEvent, now: &str) {
    match happened {
        AccountEvent::AccountCreated { origin, role, .. } => {
            // With an own provider it is there as soon as it is known.
            set(row, "state", if *origin == Origin::Issuer { "active" } else { "invited" });
            set(row, "origin", name_of(origin));
            set(row, "role", role.name());
            set(row, "second_factor", false);
            set(row, "keys", 0);
            set(row, "created_at", now);
        }
        AccountEvent::PasswordChanged { .. } => set(row, "state", "active"),
        AccountEvent::RoleGranted { role } => set(row, "role", role.name()),
        AccountEvent::AccountDeactivated => {
            let was = row.get("state").cloned().unwrap_or_default();
            set(row, "was", was);
            set(row, "state", "deactivated");
        }
        AccountEvent::AccountReactivated => {
            let was = if is_set(row, "was") { row.get("was").cloned().unwrap_or_default() } else { json!("active") };
            set(row, "state", was);
            set(row, "was", serde_json::Value::Null);
        }
        AccountEvent::SecondFactorEnabled => set(row, "second_factor", true),
        AccountEvent::SecondFactorDisabled => set(row, "second_factor", false),
        AccountEvent::SessionStarted { .. } => set(row, "signed_in_at", now),
        AccountEvent::ApiKeyCreated(_) => add(row, "keys", 1),
        AccountEvent::ApiKeyRevoked { .. } => {
            let left = row.get("keys").and_then(serde_json::Value::as_u64).unwrap_or(0);
            set(row, "keys", number(left.saturating_sub(1)));
        }
        AccountEvent::AccountInvited
        | AccountEvent::PasswordResetRequested
        | AccountEvent::SessionEnded { .. }
        | AccountEvent::RefreshTokenReused { .. }
        | AccountEvent::ApiKeyUsedFromNewAddress { .. } => {}
    }
}
