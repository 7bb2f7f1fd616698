//! Slows down who guesses passwords, and never locks an owner out for good. Pure: time is an argument.
//!
//! | who | from | then |
//! |---|---|---|
//! | an account from an address | the 5th failure in a row on | a wait after each, 1 s at first, twice as long each time, at most 15 min |
//! | an account from addresses that it never signed in from | 20 failures in 15 min | one attempt in 30 s, by all of them together |
//! | an address, for accounts that never signed in from it | 30 failures in 15 min | one attempt in 30 s, for all accounts together |
//! | an address, for an account that did | the same | one attempt in 30 s for this account |
//!
//! So whoever attacks an account from elsewhere never delays its owner at an address that is known. An attempt counts as
//! soon as it is admitted, so that many at once are no more than many in a row; [`SignInThrottle::succeeded`] takes it
//! back. For each 15 min without a failure half of those in a row are forgotten: who comes back after that is admitted
//! at once, and who comes back only to guess on gains little by the pause.
//!
//! Accounts and addresses come as digests; neither can be read from what is kept. Deliberately absent: who an account
//! is, and whether there is one: names that nobody has are slowed alike.

mod memory;

use domain::value::Timestamp;
use memory::{Memory, Recent, Run};

/// Failures in a row of an account from an address that cost no wait.
pub const FREE_FAILURES: u32 = 4;
/// The first wait, in milliseconds.
pub const WAIT_MS_MIN: u64 = 1_000;
/// The longest wait, in milliseconds.
pub const WAIT_MS_MAX: u64 = 15 * 60_000;
/// Failures of an account, from unknown addresses, within [`DECAY_MS`]: it is under attack.
pub const ACCOUNT_FAILURES: usize = 20;
/// Failures of an address, for whatever account, within [`DECAY_MS`]: it attacks.
pub const ADDRESS_FAILURES: usize = 30;
/// Time between attempts while somebody attacks, in milliseconds.
pub const SLOWED_MS: u64 = 30_000;
/// After so long without failures they begin to be forgotten, in milliseconds.
pub const DECAY_MS: u64 = 15 * 60_000;

/// A keyed digest of an account's name, or of an address.
pub type Digest = [u8; 32];

/// Who tries to sign in, from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The account, whether or not there is one.
    pub account: Digest,
    /// The address.
    pub address: Digest,
    /// Whether the account signed in from this address before.
    pub is_known_address: bool,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Now. It is counted as a failure until it succeeds.
    Now,
    /// After so many milliseconds, at most [`WAIT_MS_MAX`]; nothing was counted.
    After(u64),
}

/// Remembers failures. What is kept is bounded; what is used least is forgotten first.
#[derive(Clone, Debug, Default)]
pub struct SignInThrottle {
    pairs: Memory<(Digest, Digest), Run>,
    accounts: Memory<Digest, Recent<ACCOUNT_FAILURES>>,
    addresses: Memory<Digest, Recent<ADDRESS_FAILURES>>,
}

impl SignInThrottle {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the attempt may be made. One that may is counted.
    pub fn admit(&mut self, who: &Attempt, now: Timestamp) -> Admit {
        let wait_ms = self.wait_ms(who, now);
        if wait_ms > 0 {
            return Admit::After(wait_ms);
        }
        self.pairs.entry(who.pair(), now).count(now);
        self.addresses.entry(who.address, now).count(now);
        // What happens at a known address says nothing about the others.
        if !who.is_known_address {
            self.accounts.entry(who.account, now).count(now);
        }
        Admit::Now
    }

    /// The attempt that was admitted failed: waits begin now.
    pub fn failed(&mut self, who: &Attempt, now: Timestamp) {
        if let Some(run) = self.pairs.get(&who.pair()) {
            run.ended(now);
        }
        if let Some(recent) = self.addresses.get(&who.address) {
            recent.ended(now);
        }
        if let Some(recent) = self.accounts.get(&who.account).filter(|_| !who.is_known_address) {
            recent.ended(now);
        }
    }

    /// The attempt that was admitted succeeded: it was no failure, and none is left of those in a row. Those of others
    /// stay: an attacker may have an account, too.
    pub fn succeeded(&mut self, who: &Attempt, _now: Timestamp) {
        self.pairs.forget(&who.pair());
        if let Some(recent) = self.addresses.get(&who.address) {
            recent.take_back();
        }
        if let Some(recent) = self.accounts.get(&who.account).filter(|_| !who.is_known_address) {
            recent.take_back();
        }
    }

    fn wait_ms(&mut self, who: &Attempt, now: Timestamp) -> u64 {
        let run = self.pairs.get(&who.pair()).copied().unwrap_or_default();
        let address = self.addresses.get(&who.address).filter(|recent| recent.is_attack(now));
        let by_address = address.map_or(0, |recent| {
            if who.is_known_address { run.rest_ms(SLOWED_MS, now) } else { recent.rest_ms(SLOWED_MS, now) }
        });
        let account = self.accounts.get(&who.account).filter(|_| !who.is_known_address);
        let by_account = account.filter(|recent| recent.is_attack(now));
        let by_account = by_account.map_or(0, |recent| recent.rest_ms(SLOWED_MS, now));
        run.wait_ms(now).max(by_address).max(by_account)
    }
}

impl Attempt {
    fn pair(&self) -> (Digest, Digest) {
        (self.account, self.address)
    }
}

#[cfg(test)]
mod tests;
