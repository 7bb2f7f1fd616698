//! Who asks. The layer of authentication puts it into the request; see `auth`.

use crate::{problem::Problem, trace::Trace};
use application::{
    aggregates::CommandMeta,
    identity::{Authenticated, Whence},
    ports::{clock::Clock, event_log::Tenant},
    principal::Principal,
};
use axum::{extract::FromRequestParts, http::request::Parts};
use domain::value::{AccountId, Timestamp};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

/// Whose data it is about, who asks and from where. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Caller {
    principal: Arc<Principal>,
    whence: Arc<Whence>,
    until: Option<Timestamp>,
    taken_back: Option<watch::Receiver<bool>>,
}

impl Caller {
    /// Who asks for as long as it likes.
    pub fn new(principal: Principal) -> Self {
        Self { principal: Arc::new(principal), whence: Arc::default(), until: None, taken_back: None }
    }

    /// From there.
    #[must_use]
    pub fn coming_from(self, whence: Whence) -> Self {
        Self { whence: Arc::new(whence), ..self }
    }

    /// Whose data.
    pub fn tenant(&self) -> &Tenant {
        &self.principal.tenant
    }

    /// Who, as events name it.
    pub fn actor(&self) -> &str {
        &self.principal.actor
    }

    /// Who, and what it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// From where.
    pub fn whence(&self) -> &Whence {
        &self.whence
    }

    /// The account that asks: who runs the installation has none, and neither has a link.
    pub(crate) fn account(&self) -> Result<AccountId, Problem> {
        let none = || Problem::new(crate::problem::Code::NoAccount);
        self.principal.account.ok_or_else(none)
    }

    /// A command that the caller gives under this id, as the log knows it.
    pub(crate) fn command(&self, id: Uuid, trace: Trace) -> CommandMeta {
        CommandMeta::given(self.tenant().clone(), self.actor(), id).traced(Some(trace.traceparent()))
    }

    /// Returns once what the caller showed is not valid any more: what goes on for long ends then.
    pub(crate) async fn ended(self, clock: Arc<dyn Clock>) {
        let Self { until, taken_back, .. } = self;
        let expired = async {
            let Some(until) = until else { return std::future::pending().await };
            loop {
                let left_ms = until.since_ms(clock.now());
                if left_ms == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left_ms)).await;
            }
        };
        let revoked = async {
            let Some(mut told) = taken_back else { return std::future::pending().await };
            // Who forgets a token that was not taken back has too many of them: that ends nothing.
            if told.wait_for(|told| *told).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = expired => {}
            () = revoked => {}
        }
    }
}

impl From<Authenticated> for Caller {
    fn from(authenticated: Authenticated) -> Self {
        let Authenticated { principal, until, taken_back } = authenticated;
        Self { principal, whence: Arc::default(), until, taken_back }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::internal("a route that is open to all asks who calls"))
    }
}
