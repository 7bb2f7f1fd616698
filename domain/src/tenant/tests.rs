//! Each command to a tenant: accepted, refused, silent.

use super::{Quotas, TenantCommand as Command, TenantEvent as Event, TenantRejection as Rejection, TenantState};
use crate::{spec::given, value::Personal};

fn named(name: &str) -> Personal<String> {
    Personal::new(name.to_owned())
}

fn created() -> Event {
    Event::TenantCreated { name: named("Studio") }
}

#[test]
fn a_tenant_is_made_once() {
    let create = |name| Command::Create { name: named(name) };
    given::<TenantState>([]).when(create("Studio")).then([created()]);
    given::<TenantState>([created()]).when(create("Studio")).then_silent();
    given::<TenantState>([created()]).when(create("Lab")).then_refused(&Rejection::AlreadyCreated);
}

#[test]
fn a_tenant_is_renamed() {
    let rename = |name| Command::Rename { name: named(name) };
    given::<TenantState>([created()]).when(rename("Lab")).then([Event::TenantRenamed { name: named("Lab") }]);
    given::<TenantState>([created()]).when(rename("Studio")).then_silent();
    given::<TenantState>([]).when(rename("Lab")).then_refused(&Rejection::Unknown);
}

#[test]
fn quotas_are_set() {
    let quotas = Quotas { running_jobs: Some(2), ..Quotas::default() };
    given::<TenantState>([created()]).when(Command::SetQuotas(quotas)).then([Event::QuotasSet(quotas)]);
    given::<TenantState>([created()]).when(Command::SetQuotas(Quotas::default())).then_silent();
    given::<TenantState>([]).when(Command::SetQuotas(quotas)).then_refused(&Rejection::Unknown);
}
