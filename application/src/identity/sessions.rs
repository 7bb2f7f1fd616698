//! Sessions: a sign-in and the refresh tokens that follow on one another.
//!
//! Each refresh token is good for one exchange. Its successor follows from it, so that who did not hear the answer, or asked
//! several times at once, gets the same one for a moment. Whoever comes later with a token that was exchanged shows that
//! two have it: the session ends for both.

use super::{Identity, IdentityError, Whence, digest, sign_in::note_failure, stream};
use crate::{
    aggregates::CommandMeta,
    ports::{
        credentials::{Rotation, SessionState},
        event_log::Tenant,
    },
};
use domain::{
    account::{Account, AccountCommand, SessionEnd},
    security::SignInFailure,
    value::{AccountId, Role, SessionId},
};

/// What somebody who signed in gets.
pub struct Tokens {
    /// Shown with every request. Short-lived.
    pub access_token: String,
    /// Exchanged for the next pair.
    pub refresh_token: String,
    /// How long the access token holds, in seconds.
    pub expires_in_s: u64,
    /// The session.
    pub session: SessionId,
    /// What the account is in its tenant.
    pub role: Role,
}

impl Identity {
    /// Exchanges a refresh token for the next pair.
    pub async fn refresh(&self, token: &str, client: Option<String>, whence: &Whence) -> Result<Tokens, IdentityError> {
        let (now, successor) = (self.parts.clock.now(), self.parts.keys.successor(token));
        let (kept, next) = (digest::kept(token), digest::kept(&successor));
        let rotation = self.parts.credentials.rotate(&kept, &next, now, self.parts.settings.grace_ms).await?;
        let (session, account) = match rotation {
            Rotation::Rotated { session, account } | Rotation::Repeated { session, account } => (session, account),
            Rotation::Reused { session, account, first } => {
                if first {
                    self.reused(account, session, whence).await?;
                }
                return Err(IdentityError::RefreshRefused);
            }
            Rotation::Ended | Rotation::Expired | Rotation::Unknown => {
                note_failure(&self.parts.trail, &Tenant::default(), None, SignInFailure::RefreshToken, whence);
                return Err(IdentityError::RefreshRefused);
            }
        };
        let loaded = self.parts.aggregates.account(account).await?;
        let principal = self.principal(&loaded, account).ok_or(IdentityError::RefreshRefused)?;
        let client = client.unwrap_or_else(|| "dragoman".to_owned());
        self.issue(account, &principal.tenant, principal.role, session, client, successor)
    }

    async fn reused(&self, account: AccountId, session: SessionId, whence: &Whence) -> Result<(), IdentityError> {
        self.verified.take_back(account);
        let command = AccountCommand::ReportReuse { session, address: whence.personal() };
        let meta = CommandMeta::derived("identity", &format!("reuse {session}"));
        self.parts.aggregates.execute::<Account>(&stream(account), command, &meta).await?;
        Ok(())
    }

    /// Ends the session that a token belongs to, an access token or a refresh token. Nobody learns whether there was one.
    pub async fn sign_out(&self, token: &str) -> Result<(), IdentityError> {
        let now = self.parts.clock.now();
        let found = match self.parts.credentials.end_by_refresh(&digest::kept(token)).await? {
            Some(found) => Some(found),
            None => match self.parts.tokens.verify(token, now) {
                Ok(claims) if self.parts.credentials.end_session(claims.session).await? => {
                    Some((claims.session, claims.account))
                }
                Ok(_) | Err(_) => None,
            },
        };
        match found {
            Some((session, account)) => self.tell_end(account, session, SessionEnd::SignedOut, "identity").await,
            None => Ok(()),
        }
    }

    /// The live sessions of an account, newest first.
    pub async fn sessions(&self, account: AccountId) -> Result<Vec<SessionState>, IdentityError> {
        Ok(self.parts.credentials.sessions(account, self.parts.clock.now()).await?)
    }

    /// Ends one session of an account.
    pub async fn end_session(&self, account: AccountId, session: SessionId, actor: &str) -> Result<(), IdentityError> {
        let known = self.parts.credentials.session(session, self.parts.clock.now()).await?;
        known.filter(|known| known.account == account).ok_or(IdentityError::NotFound)?;
        self.parts.credentials.end_session(session).await?;
        self.tell_end(account, session, SessionEnd::Revoked, actor).await
    }

    /// Ends all sessions of an account but this one.
    pub async fn end_sessions(
        &self,
        account: AccountId,
        except: Option<SessionId>,
        why: SessionEnd,
        actor: &str,
    ) -> Result<(), IdentityError> {
        for session in self.parts.credentials.end_sessions(account, except).await? {
            self.tell_end(account, session, why, actor).await?;
        }
        self.verified.take_back(account);
        Ok(())
    }

    /// Tells of a session that has ended, once.
    pub(super) async fn tell_end(
        &self,
        account: AccountId,
        session: SessionId,
        why: SessionEnd,
        actor: &str,
    ) -> Result<(), IdentityError> {
        self.verified.take_back(account);
        let meta = CommandMeta::derived(actor, &format!("end {session}"));
        let command = AccountCommand::EndSession { session, why };
        self.parts.aggregates.execute::<Account>(&stream(account), command, &meta).await?;
        Ok(())
    }
}
