//! Who asks. The layer of authentication puts it into the request; see `auth`.

use crate::{problem::Problem, trace::Trace};
use application::{aggregates::CommandMeta, ports::event_log::Tenant};
use axum::{extract::FromRequestParts, http::request::Parts};
use std::sync::Arc;
use uuid::Uuid;

/// Whose data it is about, and who asks. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(Arc<(Tenant, String)>);

impl Caller {
    /// A caller. `actor` stands in events and logs: never a person's name.
    pub fn new(tenant: Tenant, actor: impl Into<String>) -> Self {
        Self(Arc::new((tenant, actor.into())))
    }

    /// Whose data.
    pub fn tenant(&self) -> &Tenant {
        &self.0.0
    }

    /// Who, as events name it.
    pub fn actor(&self) -> &str {
        &self.0.1
    }

    /// A command that the caller gives under this id, as the log knows it.
    pub(crate) fn command(&self, id: Uuid, trace: Trace) -> CommandMeta {
        CommandMeta::given(self.tenant().clone(), self.actor(), id).traced(Some(trace.traceparent()))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::internal("a route that is open to all asks who calls"))
    }
}
