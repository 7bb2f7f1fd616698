//! Tenants: one row each. How much it may use; never what it is called.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId, TenancyEvent, TenancyStream},
    read_store::{Row, RowKey, Table},
};
use domain::tenant::TenantEvent;
use serde_json::json;

/// One row per tenant. Quotas are null where nothing is limited; `revision` is the stream's.
pub static TABLE: Table = Table {
    name: "tenants",
    key: &["tenant_id"],
    columns: &[
        "tenant_id",
        "tenant",
        "revision",
        "running_jobs_max",
        "minutes_a_month_max",
        "bytes_a_month_max",
        "spend_a_month_max",
        "created_at",
        "updated_at",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tenants;

impl Projection for Tenants {
    fn name(&self) -> &'static str {
        "tenants"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        match &event.stream {
            StreamId::Tenancy(TenancyStream::Tenant(id)) => Touched::one(vec![json!(id.to_string())]),
            _ => Touched::none(),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        let is_its = matches!(stream, StreamId::Tenancy(TenancyStream::Tenant(_)));
        is_its.then(|| vec![json!(stream.subject().to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        let now = event.recorded_at.to_string();
        match &event.event {
            DomainEvent::Tenancy(TenancyEvent::Tenant(TenantEvent::TenantCreated { .. })) => {
                set(&mut row, "created_at", now.as_str());
            }
            DomainEvent::Tenancy(TenancyEvent::Tenant(TenantEvent::QuotasSet(quotas))) => {
                set(&mut row, "running_jobs_max", quotas.running_jobs.map(number));
                set(&mut row, "minutes_a_month_max", quotas.minutes_a_month.map(number));
                set(&mut row, "bytes_a_month_max", quotas.bytes_a_month.map(number));
                set(&mut row, "spend_a_month_max", quotas.spend_a_month.map(number));
            }
            _ => {}
        }
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "revision", number(event.revision));
        set(&mut row, "updated_at", now);
        Some(row)
    }
}
