//! `/v1/tenants`: for those who run the installation. Who has a part of it, and how much of it they may use.

use super::{
    accounts::{InvitedDocument, told, wrong_email},
    fields::present,
    kept::{self, Name},
};
use crate::{
    answer::Done,
    api::Api,
    columns,
    extract::{Caller, CommandIds, Json, MinPosition, Nothing, Path, Query},
    problem::{Code, Fault, Problem},
    trace::Trace,
};
use application::{
    aggregates::{CommandMeta, Loaded},
    identity::NewAccount,
    ports::{
        event_log::{StreamId, TenancyStream, Tenant},
        read_store::{Order, PageQuery, Row},
    },
};
use axum::extract::State;
use domain::{
    tenant::{Quotas, TenantCommand, TenantState},
    value::{AccountId, Personal, Role, TenantId},
};
use projections::tenants::TABLE;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Largest amount of a quota.
const AMOUNT_MAX: u64 = (1 << 53) - 1;
/// Tenants that are told of.
const TENANTS_MAX: usize = 1_000;

/// A tenant to be, and its first admin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenantRequest {
    /// What it is called.
    name: Name,
    /// The e-mail address of its first admin, who is invited.
    #[schema(format = Email)]
    admin_email: String,
    /// What they are called.
    admin_name: Name,
}

/// A tenant that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewTenantDocument {
    /// Its id.
    id: Uuid,
    /// Its first admin.
    admin: InvitedDocument,
}

/// What a tenant is to be. What is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantChange {
    /// What it is called.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<Name>,
    /// How much it may use.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    quotas: Option<QuotasDocument>,
}

/// How much a tenant may use. What is absent is without limit; months are those of the calendar, in UTC.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotasDocument {
    /// Dubbings that are not at their end.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u64, maximum = 4294967295_u64)]
    pub running_jobs: Option<u32>,
    /// Minutes of sources taken in within a month.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u64, maximum = 4294967295_u64)]
    pub minutes_a_month: Option<u32>,
    /// Bytes handed in within a month.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, maximum = 9007199254740991_u64)]
    pub bytes_a_month: Option<u64>,
    /// Millionths of the currency's unit within a month, at the configured prices.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, maximum = 9007199254740991_u64)]
    pub spend_micros_a_month: Option<u64>,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantDocument {
    /// Its id.
    id: Uuid,
    /// What it is called; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// How much it may use.
    quotas: QuotasDocument,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Tenants.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tenants {
    /// Oldest first; at most 1,000.
    items: Vec<TenantDocument>,
}

impl QuotasDocument {
    /// Clients count in numbers that are whole up to 2^53 (RFC 8259, section 6): no more is taken than they can show.
    fn check(&self) -> Result<(), Problem> {
        let amounts = [("bytes_a_month", self.bytes_a_month), ("spend_micros_a_month", self.spend_micros_a_month)];
        for (name, amount) in amounts {
            if amount.is_some_and(|amount| amount > AMOUNT_MAX) {
                let what = "a whole number from 0 to 9007199254740991";
                let fault = Fault::at(format!("/quotas/{name}"), "invalid-value", what);
                return Err(Problem::new(Code::InvalidRequest).fault(fault));
            }
        }
        Ok(())
    }
}

impl From<Quotas> for QuotasDocument {
    fn from(quotas: Quotas) -> Self {
        let small = |quota: Option<u64>| quota.map(|quota| u32::try_from(quota).unwrap_or(u32::MAX));
        Self {
            running_jobs: small(quotas.running_jobs),
            minutes_a_month: small(quotas.minutes_a_month),
            bytes_a_month: quotas.bytes_a_month,
            spend_micros_a_month: quotas.spend_a_month,
        }
    }
}

impl From<QuotasDocument> for Quotas {
    fn from(quotas: QuotasDocument) -> Self {
        Self {
            running_jobs: quotas.running_jobs.map(u64::from),
            minutes_a_month: quotas.minutes_a_month.map(u64::from),
            bytes_a_month: quotas.bytes_a_month,
            spend_a_month: quotas.spend_micros_a_month,
        }
    }
}

/// Make a tenant and invite its first admin
#[utoipa::path(post, path = "/v1/tenants", tag = "tenants", operation_id = "create_tenant", request_body = NewTenantRequest,
    responses(
        (status = 201, description = "It is made", body = NewTenantDocument, headers(
            ("Location" = String, description = "Its path"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
        (status = 409, description = "There is an account with this address already", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(new): Json<NewTenantRequest>,
) -> Result<Done<NewTenantDocument>, Problem> {
    let (id, meta) = (ids.0.resource, caller.command(ids.0.command, trace));
    let email = new.admin_email.parse().map_err(|_| wrong_email())?;
    // What is made is the new tenant's own from its first event on.
    let meta = CommandMeta { tenant: Some(Tenant(id.to_string())), ..meta };
    let admin = Uuid::new_v5(&id, b"first admin");
    let account = NewAccount { id: AccountId(admin), email, name: new.admin_name.0, role: Role::Admin };
    // The address may be taken: that is found out before the tenant is there.
    let invited = api.identity.invite(account, &meta.and_then("admin")).await?;
    let command = TenantCommand::Create { name: Personal::new(new.name.0) };
    api.aggregates.execute::<TenantState>(&stream(id), command, &meta).await?;
    let (admin, position) = told(&api, admin, invited).await?;
    Ok(Done::created(&format!("/v1/tenants/{id}"), NewTenantDocument { id, admin }).position(position))
}

/// All tenants
#[utoipa::path(get, path = "/v1/tenants", tag = "tenants", operation_id = "list_tenants",
    params(("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses((status = 200, description = "Tenants", body = Tenants)))]
pub(crate) async fn list(
    State(api): State<Api>,
    _: MinPosition,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<Tenants>, Problem> {
    let order = Order { column: "created_at", descending: false };
    let query = PageQuery { conditions: vec![], order, after: None, limit: TENANTS_MAX };
    let mut items = Vec::new();
    for row in api.read_store.page(&TABLE, &query).await? {
        items.push(document(&api, &row).await?);
    }
    Ok(Done::ok(Tenants { items }))
}

/// One tenant
#[utoipa::path(get, path = "/v1/tenants/{id}", tag = "tenants", operation_id = "get_tenant",
    params(("id" = Uuid, Path, description = "The tenant"),
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses((status = 200, description = "The tenant", body = TenantDocument)))]
pub(crate) async fn get(
    State(api): State<Api>,
    _: MinPosition,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<TenantDocument>, Problem> {
    let found = api.read_store.load(&TABLE, &[vec![json!(id.to_string())]]).await?;
    let row = found.into_iter().flatten().next().ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Done::ok(document(&api, &row).await?))
}

/// Rename a tenant, or say how much it may use
#[utoipa::path(patch, path = "/v1/tenants/{id}", tag = "tenants", operation_id = "change_tenant",
    params(("id" = Uuid, Path, description = "The tenant")), request_body = TenantChange,
    responses((status = 204, description = "It is so", headers(("Dragoman-Position" = u64, description = "For `min_position`")))))]
pub(crate) async fn change(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    Json(change): Json<TenantChange>,
) -> Result<Done<()>, Problem> {
    let loaded: Loaded<TenantState> = api.aggregates.load(&stream(id)).await?;
    let tenant = loaded.tenant.ok_or_else(|| Problem::new(Code::NotFound))?;
    let meta = CommandMeta { tenant: Some(tenant), ..caller.command(ids.0.command, trace) };
    change.quotas.as_ref().map_or(Ok(()), QuotasDocument::check)?;
    let renamed = change.name.map(|name| TenantCommand::Rename { name: Personal::new(name.0) });
    let limited = change.quotas.map(|quotas| TenantCommand::SetQuotas(quotas.into()));
    let mut written = None;
    for (step, command) in [("rename", renamed), ("quotas", limited)] {
        if let Some(command) = command {
            let appended = api.aggregates.execute::<TenantState>(&stream(id), command, &meta.and_then(step)).await?;
            written = appended.or(written);
        }
    }
    Ok(Done::nothing().position(kept::outcome(&api, written, loaded.revision).await?.0))
}

async fn document(api: &Api, row: &Row) -> Result<TenantDocument, Problem> {
    let id = kept::id(row, "tenant_id")?;
    let tenant: Loaded<TenantState> = api.aggregates.load(&stream(id)).await?;
    Ok(TenantDocument {
        id,
        name: kept::revealed(tenant.state.name.as_ref()),
        quotas: tenant.state.quotas.into(),
        created_at: columns::owned(row, "created_at"),
    })
}

fn stream(id: Uuid) -> StreamId {
    StreamId::Tenancy(TenancyStream::Tenant(TenantId(id)))
}
