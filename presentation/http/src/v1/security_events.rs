//! `GET /v1/security-events`: who signed in, was refused, changed what others may do, took what away.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::kept;
use crate::{
    answer::Done,
    api::Api,
    columns,
    extract::{Caller, MinPosition, Query},
    pages::{Cursor, Limit, Page},
    problem::{Code, Fault, Problem},
};
use application::ports::{
    event_log::{DomainEvent, StreamId, TenancyEvent},
    read_store::{Condition, Order, PageQuery, Row},
};
use axum::extract::State;
use domain::value::Timestamp;
use projections::security_events::TABLE;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SecurityEventsQuery {
    /// How many items at most.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: Limit,
    /// Leads to the next items: `next_cursor` of the page before.
    #[param(inline)]
    cursor: Option<Cursor>,
    /// Only of this type: `sign-in-failed`.
    #[param(example = "sign-in-failed")]
    r#type: Option<String>,
    /// Only about this account, or by it.
    account: Option<Uuid>,
    /// Only those since this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only those before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// The answer holds for this position at least.
    #[serde(rename = "min_position")]
    #[param(rename = "min_position")]
    _min_position: Option<u64>,
}

/// Something that matters to who looks after the tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecurityEventDocument {
    /// Its place in the log.
    position: u64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What: `session-started`, `sign-in-failed`, `access-refused`, `role-granted`, `result-downloaded` …
    #[serde(rename = "type")]
    #[schema(example = "sign-in-failed")]
    kind: String,
    /// The account that it is about, or that did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    account: Option<Uuid>,
    /// The key that it is about, or that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<Uuid>,
    /// Who gave the command: `account:…`, `api`, `trail`.
    actor: String,
    /// What else there is to tell; addresses are null once they were erased.
    data: Map<String, Value>,
}

/// Security events
///
/// Newest first. Asking for them is one.
#[utoipa::path(get, path = "/v1/security-events", tag = "security", operation_id = "list_security_events",
    params(SecurityEventsQuery),
    responses((status = 200, description = "A page", body = Page<SecurityEventDocument>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Query(query): Query<SecurityEventsQuery>,
) -> Result<Done<Page<SecurityEventDocument>>, Problem> {
    let by = caller.whence().by(caller.principal());
    let what = "security-events".to_owned();
    let exported = domain::security::SecurityEvent::RecordsExported { by, what };
    api.trail.record(caller.tenant(), exported).await?;
    let limit = query.limit;
    let rows = api.read_store.page(&TABLE, &page(&caller, query)?).await?;
    let page = Page::of(rows, limit, |row| columns::number(row, "position").unwrap_or_default());
    let mut items = Vec::with_capacity(page.items.len());
    for row in &page.items {
        items.push(document(&api, row).await?);
    }
    Ok(Done::ok(Page { items, next_cursor: page.next_cursor }))
}

fn page(caller: &Caller, query: SecurityEventsQuery) -> Result<PageQuery, Problem> {
    let mut conditions = vec![Condition::Equals("tenant", json!(caller.tenant().0))];
    if let Some(kind) = query.r#type {
        let is_name = kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if !is_name {
            let fault = Fault::of("type", "invalid-value", "a type is written like sign-in-failed");
            return Err(Problem::new(Code::InvalidQuery).fault(fault));
        }
        conditions.push(Condition::Equals("type", json!(kind)));
    }
    if let Some(account) = query.account {
        conditions.push(Condition::Equals("account", json!(account.to_string())));
    }
    if let Some(since) = query.since {
        conditions.push(Condition::AtLeast("recorded_at", json!(since.to_string())));
    }
    if let Some(until) = query.until {
        conditions.push(Condition::Below("recorded_at", json!(until.to_string())));
    }
    let after = query.cursor.map(|cursor| cursor.open::<u64>()).transpose()?;
    let after = after.map(|position| vec![json!(position), json!(position)]);
    let order = Order { column: "position", descending: true };
    Ok(PageQuery { conditions, order, after, limit: query.limit.get() + 1 })
}

async fn document(api: &Api, row: &Row) -> Result<SecurityEventDocument, Problem> {
    Ok(SecurityEventDocument {
        position: columns::number(row, "position").unwrap_or_default(),
        at: columns::owned(row, "recorded_at"),
        kind: columns::owned(row, "type"),
        account: columns::id(row, "account"),
        key: columns::id(row, "key"),
        actor: columns::owned(row, "actor"),
        data: data(api, row).await?,
    })
}

/// What the log says beside the row, with what is personal revealed as far as there are keys.
async fn data(api: &Api, row: &Row) -> Result<Map<String, Value>, Problem> {
    let Ok(stream) = columns::owned(row, "stream").parse::<StreamId>() else { return Ok(Map::new()) };
    let revision = columns::number(row, "revision").unwrap_or_default();
    let found = api.log.read_stream(&stream, revision, 1).await?;
    let value = match found.first().map(|recorded| &recorded.event) {
        Some(DomainEvent::Tenancy(TenancyEvent::Tenant(event))) => json!(event),
        Some(DomainEvent::Tenancy(TenancyEvent::Account(event))) => json!(event),
        // The address of a webhook may hold a secret.
        Some(DomainEvent::Tenancy(TenancyEvent::Webhook(_))) | None => Value::Null,
        Some(DomainEvent::Tenancy(TenancyEvent::Security(event))) => json!(event),
        Some(DomainEvent::Tenancy(TenancyEvent::Queues(event))) => json!(event),
        Some(_) => Value::Null,
    };
    // `{"SignInFailed": {…}}`, or a name alone.
    let inner = match value {
        Value::Object(outer) => outer.into_iter().next().map(|(_, inner)| inner),
        _ => None,
    };
    let Some(Value::Object(mut data)) = inner else { return Ok(Map::new()) };
    if let Some(Value::Object(by)) = data.remove("by") {
        data.extend(by.into_iter().filter(|(name, _)| name == "address"));
    }
    data.values_mut().for_each(kept::reveal);
    Ok(data)
}
