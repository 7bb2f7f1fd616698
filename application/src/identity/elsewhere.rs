//! What other processes of the installation put to an end: what is remembered of it here is taken back.
//!
//! Follows the log from when it begins, and forgets then what was remembered before. Deliberately absent: a place that is
//! kept, because who starts anew remembers nothing.

use super::Identity;
use crate::ports::event_log::{DomainEvent, ReadError, Recorded, StreamId, TenancyEvent, TenancyStream};
use domain::{account::AccountEvent, value::AccountId};
use std::{convert::Infallible, time::Duration};
use tokio::time::timeout;

/// Events read in one go.
const PAGE: usize = 256;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_secs(1);

impl Identity {
    /// Takes back what the log says has ended, whichever process ended it, until it is dropped. Returns only what made that
    /// impossible.
    pub async fn heed_the_log(&self) -> ReadError {
        match self.follow().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn follow(&self) -> Result<Infallible, ReadError> {
        let log = self.parts.aggregates.log();
        let mut wakeups = log.wakeups();
        let mut at = log.head().await?;
        self.verified.forget();
        loop {
            wakeups.mark_unchanged();
            let page = log.read_log(at, PAGE).await?;
            page.events.iter().filter_map(curtailed).for_each(|account| self.verified.take_back(account));
            if page.scanned_to > at {
                at = page.scanned_to;
                continue;
            }
            let hint = async {
                // The channel is closed when nobody of this process appends any more: others may.
                if wakeups.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            // Whatever it was, or time that passed: look again.
            let _hint = timeout(POLL, hint).await;
        }
    }
}

/// The account of which something that was shown before may not be valid any more, or not for all that it was.
fn curtailed(recorded: &Recorded) -> Option<AccountId> {
    let StreamId::Tenancy(TenancyStream::Account(account)) = recorded.stream else { return None };
    let DomainEvent::Tenancy(TenancyEvent::Account(happened)) = &recorded.event else { return None };
    is_less(happened).then_some(account)
}

fn is_less(happened: &AccountEvent) -> bool {
    match happened {
        AccountEvent::PasswordChanged { .. }
        | AccountEvent::RoleGranted { .. }
        | AccountEvent::AccountDeactivated
        | AccountEvent::SecondFactorEnabled
        | AccountEvent::SecondFactorDisabled
        | AccountEvent::SessionEnded { .. }
        | AccountEvent::RefreshTokenReused { .. }
        | AccountEvent::ApiKeyRevoked { .. } => true,
        AccountEvent::AccountCreated { .. }
        | AccountEvent::AccountInvited
        | AccountEvent::PasswordResetRequested
        | AccountEvent::AccountReactivated
        | AccountEvent::SessionStarted { .. }
        | AccountEvent::ApiKeyCreated(_)
        | AccountEvent::ApiKeyUsedFromNewAddress { .. } => false,
    }
}
