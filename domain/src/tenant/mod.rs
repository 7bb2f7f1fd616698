//! The tenant: whose everything is, and how much of it there may be. Stream `tenant-<id>`.

use crate::{decider::Decider, value::Personal};
use serde::{Deserialize, Serialize};
use std::fmt;

#[cfg(test)]
mod tests;

/// What is known of a tenant; its state before the first event is one of its own: nothing is limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantState {
    /// What it is called; `None` before it was made.
    pub name: Option<Personal<String>>,
    /// How much it may use.
    pub quotas: Quotas,
}

/// How much a tenant may use; `None` is without limit. Months are those of the calendar, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    /// Dubbings that are not at their end.
    pub running_jobs: Option<u64>,
    /// Minutes of sources taken in within a month.
    pub minutes_a_month: Option<u64>,
    /// Bytes handed in within a month.
    pub bytes_a_month: Option<u64>,
    /// Millionths of the currency's unit within a month.
    pub spend_a_month: Option<u64>,
}

/// One of the quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quota {
    /// Dubbings that are not at their end.
    RunningJobs,
    /// Minutes of sources within a month.
    Minutes,
    /// Bytes within a month.
    Bytes,
    /// Money within a month.
    Spend,
}

/// What can be asked of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantCommand {
    /// Make it.
    Create {
        /// What it is called.
        name: Personal<String>,
    },
    /// Call it something else.
    Rename {
        /// What it is called.
        name: Personal<String>,
    },
    /// Let it use so much.
    SetQuotas(Quotas),
}

/// What has happened to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TenantEvent {
    /// It was made.
    TenantCreated {
        /// What it is called.
        name: Personal<String>,
    },
    /// It is called something else.
    TenantRenamed {
        /// What it is called.
        name: Personal<String>,
    },
    /// It may use so much.
    QuotasSet(Quotas),
}

/// Which rule a command to a tenant broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantRejection {
    /// There is none.
    Unknown,
    /// It was made already, under another name.
    AlreadyCreated,
}

impl fmt::Display for TenantRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TenantRejection::Unknown => "there is no such tenant",
            TenantRejection::AlreadyCreated => "the tenant was made already, under another name",
        })
    }
}

impl std::error::Error for TenantRejection {}

impl Decider for TenantState {
    type State = TenantState;
    type Command = TenantCommand;
    type Event = TenantEvent;
    type Rejection = TenantRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(tenant: &TenantState, command: TenantCommand) -> Result<Vec<TenantEvent>, TenantRejection> {
        match (&tenant.name, command) {
            (None, TenantCommand::Create { name }) => Ok(vec![TenantEvent::TenantCreated { name }]),
            (None, TenantCommand::Rename { .. } | TenantCommand::SetQuotas(_)) => Err(TenantRejection::Unknown),
            (Some(known), TenantCommand::Create { name } | TenantCommand::Rename { name }) if *known == name => {
                Ok(vec![])
            }
            (Some(_), TenantCommand::Create { .. }) => Err(TenantRejection::AlreadyCreated),
            (Some(_), TenantCommand::Rename { name }) => Ok(vec![TenantEvent::TenantRenamed { name }]),
            (Some(_), TenantCommand::SetQuotas(quotas)) if quotas == tenant.quotas => Ok(vec![]),
            (Some(_), TenantCommand::SetQuotas(quotas)) => Ok(vec![TenantEvent::QuotasSet(quotas)]),
        }
    }

    fn evolve(tenant: &mut TenantState, event: &TenantEvent) {
        match event {
            TenantEvent::TenantCreated { name } | TenantEvent::TenantRenamed { name } => {
                tenant.name = Some(name.clone());
            }
            TenantEvent::QuotasSet(quotas) => tenant.quotas = *quotas,
        }
    }
}
