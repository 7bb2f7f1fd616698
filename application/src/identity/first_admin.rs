//! The first start: a tenant, and somebody who may do everything in it.

use super::{Email, Identity, IdentityError, NewAccount};
use crate::{
    aggregates::{CommandError, CommandMeta},
    ports::{
        credentials::TicketPurpose,
        event_log::{StreamId, TenancyStream, Tenant},
    },
};
use domain::{
    account::{AccountCommand, Origin, PasswordChange},
    tenant::{TenantCommand, TenantState},
    value::{AccountId, Personal, Role},
};
use uuid::Uuid;

/// The first admin's id: there is one, whatever it is called, however often the first start is interrupted.
const FIRST: AccountId = AccountId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001));
/// Its address, where nobody chose one.
const ADDRESS: &str = "admin@localhost";
/// What the first tenant is called.
const TENANT: &str = "Main";

/// What is known of the first admin.
#[derive(Clone, Debug, Default)]
pub struct FirstAdmin {
    /// Its address.
    pub email: Option<Email>,
    /// Its password; it chooses one with a link otherwise.
    pub password: Option<String>,
}

impl Identity {
    /// Makes the first tenant and its admin where there is none. The link with which the admin chooses a password, as long
    /// as it has not: those of earlier starts are void.
    pub async fn first_start(&self, admin: &FirstAdmin) -> Result<Option<(Email, String)>, IdentityError> {
        let meta = |name: &str| CommandMeta {
            tenant: Some(Tenant::default()),
            is_repeatable: true,
            ..CommandMeta::derived("operator", name)
        };
        let stream = StreamId::Tenancy(TenancyStream::Tenant(Tenant::default().id()));
        if self.parts.aggregates.tenant(&Tenant::default()).await?.state.name.is_none() {
            let command = TenantCommand::Create { name: Personal::new(TENANT.to_owned()) };
            let made = self.parts.aggregates.execute::<TenantState>(&stream, command, &meta("first tenant")).await;
            if let Err(CommandError::Read(error)) = made {
                return Err(error.into());
            }
        }
        if self.parts.aggregates.account(FIRST).await?.state.standing.is_none() {
            let email = admin.email.clone().or_else(|| ADDRESS.parse().ok()).ok_or(IdentityError::NotFound)?;
            let new = NewAccount { id: FIRST, email, name: "Admin".to_owned(), role: Role::Admin };
            self.create(new, Origin::Operator, &meta("first admin")).await?;
        }
        let loaded = self.parts.aggregates.account(FIRST).await?;
        let Some(standing) = loaded.state.standing.as_ref().filter(|standing| standing.is_active) else {
            return Ok(None);
        };
        if standing.has_password {
            return Ok(None);
        }
        if let Some(password) = &admin.password {
            self.judge(password, &loaded)?;
            let hash = self.parts.passwords.hash(password).await?;
            self.parts.credentials.set_password(FIRST, &hash).await?;
            let by = AccountCommand::NotePassword(PasswordChange::Operator);
            self.give(FIRST, by, &meta("first password")).await?;
            return Ok(None);
        }
        let email = standing.email.reveal().and_then(|email| email.parse().ok());
        let link = self.ticket(FIRST, TicketPurpose::Invitation).await?;
        Ok(email.map(|email| (email, link)))
    }
}
