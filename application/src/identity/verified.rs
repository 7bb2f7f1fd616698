//! What was verified lately: a token is not verified again while it holds and nobody took it back.

use super::Authenticated;
use crate::principal::Principal;
use domain::value::{AccountId, Sha256, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Tokens that are remembered. All are forgotten when there are more: verifying again costs little.
const KNOWN_MAX: usize = 16_384;

/// Tokens that were verified.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    tokens: HashMap<Sha256, Token>,
    /// Counts what was taken back: what was verified before must not be remembered after.
    epoch: u64,
}

#[derive(Debug)]
struct Token {
    principal: Arc<Principal>,
    until: Timestamp,
    taken_back: watch::Sender<bool>,
}

/// The moment at which verifying began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun(u64);

impl Verified {
    /// Who a token belongs to, if that is known and it holds.
    pub fn get(&self, digest: &Sha256, now: Timestamp) -> Option<Authenticated> {
        let known = self.known();
        let token = known.tokens.get(digest).filter(|token| now < token.until)?;
        Some(token.authenticated())
    }

    /// To be called before anything is looked up.
    pub fn begin(&self) -> Begun {
        Begun(self.known().epoch)
    }

    /// Remembers who a token belongs to, unless something was taken back meanwhile: then it is verified anew the next
    /// time.
    pub fn put(&self, begun: Begun, digest: Sha256, principal: Principal, until: Timestamp) -> Authenticated {
        let token = Token { principal: Arc::new(principal), until, taken_back: watch::Sender::new(false) };
        let authenticated = token.authenticated();
        let mut known = self.known();
        if known.epoch != begun.0 {
            token.taken_back.send_replace(true);
            return authenticated;
        }
        if known.tokens.len() >= KNOWN_MAX {
            known.tokens.clear();
        }
        known.tokens.insert(digest, token);
        authenticated
    }

    /// Takes back everything of an account: its tokens are verified anew, and who listens is told to come again.
    pub fn take_back(&self, account: AccountId) {
        self.take_back_where(|token| token.principal.account == Some(account));
    }

    /// The same of everybody.
    pub fn forget(&self) {
        self.take_back_where(|_| true);
    }

    fn take_back_where(&self, is_meant: impl Fn(&Token) -> bool) {
        let mut known = self.known();
        known.epoch += 1;
        known.tokens.retain(|_, token| {
            let is_kept = !is_meant(token);
            if !is_kept {
                token.taken_back.send_replace(true);
            }
            is_kept
        });
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    fn authenticated(&self) -> Authenticated {
        let principal = Arc::clone(&self.principal);
        Authenticated { principal, until: Some(self.until), taken_back: Some(self.taken_back.subscribe()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{aggregates::sha256, ports::event_log::Tenant};
    use domain::value::Role;
    use uuid::Uuid;

    const LATER: Timestamp = Timestamp::from_unix_ms(100);
    const NOW: Timestamp = Timestamp::from_unix_ms(1);

    fn account(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    fn principal(number: u128) -> Principal {
        Principal::account(Tenant::default(), account(number), Role::Viewer)
    }

    #[test]
    fn a_token_is_known_until_its_end() {
        let verified = Verified::default();
        verified.put(verified.begin(), sha256(b"one"), principal(1), LATER);
        assert!(verified.get(&sha256(b"one"), NOW).is_some());
        assert!(verified.get(&sha256(b"one"), LATER).is_none());
        assert!(verified.get(&sha256(b"other"), NOW).is_none());
    }

    #[test]
    fn what_is_taken_back_is_forgotten_and_told_and_nobody_elses_is() {
        let verified = Verified::default();
        let one = verified.put(verified.begin(), sha256(b"one"), principal(1), LATER);
        let other = verified.put(verified.begin(), sha256(b"other"), principal(2), LATER);
        verified.take_back(account(1));
        assert!(verified.get(&sha256(b"one"), NOW).is_none() && verified.get(&sha256(b"other"), NOW).is_some());
        let told = |authenticated: &Authenticated| authenticated.taken_back.as_ref().is_some_and(|told| *told.borrow());
        assert!(told(&one) && !told(&other));
        verified.forget();
        assert!(verified.get(&sha256(b"other"), NOW).is_none() && told(&other));
    }

    #[test]
    fn what_was_looked_up_before_something_was_taken_back_is_not_remembered() {
        let verified = Verified::default();
        let begun = verified.begin();
        verified.take_back(account(1));
        verified.put(begun, sha256(b"one"), principal(1), LATER);
        assert!(verified.get(&sha256(b"one"), NOW).is_none());
    }
}
