//! Accounts of the tenant: who may sign in, and as what.

mod change;
mod invite;
mod list;

pub(crate) use change::*;
pub(crate) use invite::*;
pub(crate) use list::*;

use super::kept::{self, Listed, Name};
use crate::{
    api::Api,
    columns,
    extract::wait_for,
    problem::{Code, Fault, Problem},
};
use application::ports::read_store::{Row, Table};
use domain::value::{AccountId, Role};
use projections::accounts::TABLE;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccountRequest {
    /// Their e-mail address, with which they sign in.
    #[schema(format = Email)]
    email: String,
    /// What they are called.
    name: Name,
    /// What they are to be.
    #[schema(value_type = RoleName)]
    role: Role,
}

/// What somebody is in a tenant.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the schema of `Role`, which knows nothing of schemas")]
pub(crate) enum RoleName {
    /// Looks at everything, changes nothing.
    Viewer,
    /// Corrects what is said.
    Reviewer,
    /// Hands in and orders.
    Creator,
    /// Everything in the tenant.
    Admin,
}

/// Somebody who may sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountDocument {
    /// Its id.
    id: Uuid,
    /// Its address; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// What it is called; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// What it is in its tenant.
    #[schema(value_type = RoleName)]
    role: String,
    /// `invited`, `active` or `deactivated`.
    #[schema(example = "active")]
    state: String,
    /// How it came about: `operator`, `invitation` or `issuer`.
    #[schema(example = "invitation")]
    origin: String,
    /// A second factor is asked for.
    second_factor: bool,
    /// Keys that were not revoked.
    keys: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When somebody last signed in with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    signed_in_at: Option<String>,
}

impl AccountDocument {
    /// An account that is there, as it is now: whoever has just been let in, or was just given another role, is shown as
    /// what they are.
    pub async fn load(api: &Api, account: AccountId) -> Result<Self, Problem> {
        let known = api.aggregates.account(account).await?.revision;
        let is_new_enough = |row: &Row| columns::number(row, "revision").is_some_and(|revision| revision >= known);
        let row = match row(api, account).await?.filter(is_new_enough) {
            Some(row) => row,
            None => {
                wait_for(api.applied.clone(), api.log.head().await?, api.limits.position_wait).await?;
                row(api, account).await?.ok_or_else(|| Problem::new(Code::NotFound))?
            }
        };
        Self::of(api, &row).await
    }
}

async fn row(api: &Api, account: AccountId) -> Result<Option<Row>, Problem> {
    let found = api.read_store.load(&TABLE, &[vec![json!(account.to_string())]]).await?;
    Ok(found.into_iter().flatten().next())
}

impl Listed for AccountDocument {
    const TABLE: &'static Table = &TABLE;

    async fn of(api: &Api, row: &Row) -> Result<Self, Problem> {
        let id = kept::id(row, "account_id")?;
        let account = api.aggregates.account(AccountId(id)).await?;
        let standing = account.state.standing.as_ref();
        let is_given = |text: &String| !text.is_empty();
        Ok(Self {
            id,
            email: kept::revealed(standing.map(|standing| &standing.email)).filter(is_given),
            name: kept::revealed(standing.map(|standing| &standing.name)).filter(is_given),
            role: columns::owned(row, "role"),
            state: columns::owned(row, "state"),
            origin: columns::owned(row, "origin"),
            second_factor: columns::flag(row, "second_factor"),
            keys: columns::number(row, "keys").unwrap_or_default(),
            created_at: columns::owned(row, "created_at"),
            signed_in_at: columns::text(row, "signed_in_at").map(str::to_owned),
        })
    }
}

/// The link to be handed over, where it could not be sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitedDocument {
    /// The account.
    pub id: Uuid,
    /// It was sent by e-mail.
    pub sent: bool,
    /// The link, where it was not sent: hand it over by other means. It is shown once and works once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub link: Option<String>,
}

fn path(id: Uuid) -> String {
    format!("/v1/accounts/{id}")
}

pub(crate) fn wrong_email() -> Problem {
    let fault = Fault::at("/email", "invalid-value", "an e-mail address is written like ana@example.org");
    Problem::new(Code::InvalidRequest).fault(fault)
}
