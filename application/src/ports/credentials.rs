//! Credentials: all that lets somebody in. They live beside the log and never in it.
//!
//! Promises, proven for every adapter by `application::testing::credential_store_kit`: what was acknowledged is
//! durable; every write is whole or not there, and comes to its end even if its asker goes; of many calls at once the
//! outcome is that of some order of them. What can be compared is kept as a digest (refresh tokens, keys, tickets,
//! addresses); what must be read back is sealed, bound to its owner and name. Deliberately absent: how tokens are
//! made and digested, how passwords are verified, who may do what, and what of this is told as an event.

mod account;
mod key;
mod session;

pub use account::{Claim, InvalidTicketPurpose, Redeemed, Secret, TicketPurpose};
pub use key::{KeyState, NewKey, Used};
pub use session::{NewSession, Rotation, SessionState};

use crate::ports::passwords::PasswordHash;
use async_trait::async_trait;
use domain::value::{AccountId, KeyId, SessionId, Sha256, Timestamp};
use thiserror::Error;
use uuid::Uuid;

/// Addresses remembered per key and per account at most: the one seen longest ago goes first.
pub const ADDRESSES_MAX: usize = 100;

/// A use of a key from a known address is written down only when the last one is this many milliseconds ago: a
/// minute. Else every request with a key would wait for the disk.
pub const USE_STEP_MS: u64 = 60_000;

/// Keeps credentials.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// Claims an e-mail address, by its keyed digest, for an account. An address has one account at most; an account
    /// may have several.
    async fn claim_email(&self, digest: &Sha256, account: AccountId) -> Result<Claim, CredentialError>;

    /// Gives the address of one account to another; `false` when it was not `from`'s, and then nothing changes.
    async fn take_over_email(&self, digest: &Sha256, from: AccountId, to: AccountId) -> Result<bool, CredentialError>;

    /// Whose this address is.
    async fn account_of(&self, digest: &Sha256) -> Result<Option<AccountId>, CredentialError>;

    /// Lets go of all addresses of an account.
    async fn release_emails(&self, account: AccountId) -> Result<(), CredentialError>;

    /// The account's password, if it has one.
    async fn password(&self, account: AccountId) -> Result<Option<PasswordHash>, CredentialError>;

    /// Gives the account this password, in place of any other. Sessions stay: ending them is another call.
    async fn set_password(&self, account: AccountId, hash: &PasswordHash) -> Result<(), CredentialError>;

    /// Leaves the account without a password.
    async fn remove_password(&self, account: AccountId) -> Result<(), CredentialError>;

    /// Keeps a ticket by the digest of its secret, in place of earlier ones of the account for the same purpose.
    async fn put_ticket(
        &self,
        hash: &Sha256,
        account: AccountId,
        purpose: TicketPurpose,
        expires_at: Timestamp,
    ) -> Result<(), CredentialError>;

    /// Whose ticket this is and what for, without using it; `None` when it is unknown, used or expired.
    async fn ticket(
        &self,
        hash: &Sha256,
        now: Timestamp,
    ) -> Result<Option<(AccountId, TicketPurpose)>, CredentialError>;

    /// Uses a ticket, once and for all: sets the password, ends all sessions of the account, and voids its other
    /// tickets, together. `None` when it is unknown, used or expired, and then nothing changes.
    async fn redeem_ticket(
        &self,
        hash: &Sha256,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<Option<Redeemed>, CredentialError>;

    /// Begins a session.
    async fn start_session(&self, session: NewSession) -> Result<(), CredentialError>;

    /// A session as it stands. One that expired long ago may be gone.
    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<SessionState>, CredentialError>;

    /// The live sessions of an account, newest first.
    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<SessionState>, CredentialError>;

    /// Exchanges a refresh token for its successor. `grace_ms` is how long after its exchange a token may be handed
    /// in again by who did not hear the answer. A session has one current token at all times. An exchanged token is
    /// remembered for as long as its session might have gone unused; then it is unknown.
    async fn rotate(
        &self,
        refresh_hash: &Sha256,
        successor_hash: &Sha256,
        now: Timestamp,
        grace_ms: u64,
    ) -> Result<Rotation, CredentialError>;

    /// Ends a session; `true` when it was not ended before.
    async fn end_session(&self, id: SessionId) -> Result<bool, CredentialError>;

    /// Ends the sessions of an account, except this one; those that were not ended before.
    async fn end_sessions(
        &self,
        account: AccountId,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, CredentialError>;

    /// Ends the session that a refresh token belongs to, be it current or exchanged; `None` when nobody knows the
    /// token or its session was ended before.
    async fn end_by_refresh(&self, refresh_hash: &Sha256) -> Result<Option<(SessionId, AccountId)>, CredentialError>;

    /// Keeps a new key; `false` when there is one with this id, which then stays as it is.
    async fn put_key(&self, key: NewKey) -> Result<bool, CredentialError>;

    /// A key as it stands, revoked and expired ones too.
    async fn key(&self, id: KeyId) -> Result<Option<KeyState>, CredentialError>;

    /// All keys of an account, newest first, revoked and expired ones too.
    async fn keys(&self, account: AccountId) -> Result<Vec<KeyState>, CredentialError>;

    /// Revokes a key; `true` when it was not revoked before.
    async fn revoke_key(&self, id: KeyId) -> Result<bool, CredentialError>;

    /// Revokes the keys of an account; those that were not revoked before.
    async fn revoke_keys(&self, account: AccountId) -> Result<Vec<KeyId>, CredentialError>;

    /// Notes that a key was used; `true` when it is not known to have been used from that address before.
    async fn note_use(&self, used: Used) -> Result<bool, CredentialError>;

    /// Notes that an account signed in from an address; `true` when it is not known to have done so before.
    async fn note_sign_in(
        &self,
        account: AccountId,
        address_digest: &Sha256,
        now: Timestamp,
    ) -> Result<bool, CredentialError>;

    /// Whether the account is known to have signed in from this address.
    async fn knows_address(&self, account: AccountId, address_digest: &Sha256) -> Result<bool, CredentialError>;

    /// Keeps a secret of an owner (an account, a webhook, the installation) under a name, in place of an earlier one.
    async fn put_secret(&self, owner: Uuid, name: &str, plain: &[u8]) -> Result<(), CredentialError>;

    /// The secret of this name. One that cannot be opened is an error, not an absence: a second factor that was
    /// tampered with must not read as none.
    async fn secret(&self, owner: Uuid, name: &str) -> Result<Option<Secret>, CredentialError>;

    /// All secrets of an owner, in the order of their names.
    async fn secrets(&self, owner: Uuid) -> Result<Vec<(String, Secret)>, CredentialError>;

    /// Removes a secret; `false` when there was none.
    async fn remove_secret(&self, owner: Uuid, name: &str) -> Result<bool, CredentialError>;

    /// Removes all secrets of an owner.
    async fn remove_secrets(&self, owner: Uuid) -> Result<(), CredentialError>;

    /// Uses up a time step of the second factor, and all before it; `false` when that was done before.
    async fn use_step(&self, account: AccountId, step: u64) -> Result<bool, CredentialError>;

    /// Removes everything about an account: addresses, password, tickets, sessions, keys, secrets that it owns.
    async fn forget(&self, account: AccountId) -> Result<(), CredentialError>;
}

/// Why credentials could not be looked up or kept.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The disk is full.
    #[error("the disk that holds the credentials is full")]
    OutOfRoom,
    /// The store failed, or what it holds was altered.
    #[error("the credential store could not be used")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
