//! Signing in with address and password, and a code where the account asks for one.
//!
//! Whoever tries learns nothing about who has an account: not by the answer, and not by how long it takes.

use super::{Email, Identity, IdentityError, SecurityTrail, Tokens, Whence, digest, stream};
use crate::{
    aggregates::{CommandMeta, Loaded},
    ports::{
        access_tokens::TokenClaims, credentials::NewSession, event_log::Tenant, passwords::Verdict,
        second_factor::TotpSecret,
    },
    throttle::{Admit, Attempt},
};
use domain::{
    account::{Account, AccountCommand},
    security::{By, SecurityEvent, SignInFailure},
    value::{AccountId, Role, SessionId, Timestamp},
};

/// The name of the secret that codes are made of.
pub(super) const TOTP: &str = "totp";
/// What a client is called that gives itself no name.
const CLIENT: &str = "dragoman";

/// Somebody who wants to sign in.
pub struct SignIn {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: String,
    /// The code of the second factor, where one was given.
    pub code: Option<String>,
    /// What the program calls itself.
    pub client: Option<String>,
}

impl Identity {
    /// Signs in.
    pub async fn sign_in(&self, asked: &SignIn, whence: &Whence) -> Result<Tokens, IdentityError> {
        let (credentials, now) = (&self.parts.credentials, self.parts.clock.now());
        let email = self.parts.keys.email(&asked.email);
        let address = self.parts.keys.address(whence);
        let account = credentials.account_of(&email).await?;
        let is_known_address = match account {
            Some(account) => credentials.knows_address(account, &address).await?,
            None => false,
        };
        let attempt = Attempt { account: *email.as_bytes(), address: *address.as_bytes(), is_known_address };
        let admitted = self.throttle().admit(&attempt, now);
        if let Admit::After(after_ms) = admitted {
            self.failed(account, SignInFailure::SlowedDown, whence).await?;
            return Err(IdentityError::SlowDown { after_ms });
        }
        let checked = self.check(account, asked, now).await;
        match &checked {
            Ok(_) => self.throttle().succeeded(&attempt, now),
            // Nobody's fault.
            Err(Failure::Other(_)) => self.throttle().succeeded(&attempt, now),
            Err(Failure::Told(..)) => self.throttle().failed(&attempt, self.parts.clock.now()),
        }
        match checked {
            Ok((account, loaded)) => self.begin(account, &loaded, asked, whence, &address, now).await,
            Err(Failure::Told(why, error)) => {
                self.failed(account, why, whence).await?;
                Err(error)
            }
            Err(Failure::Other(error)) => Err(error),
        }
    }

    /// Looks at everything that was shown. An account that is not there takes as long as one that is.
    async fn check(
        &self,
        account: Option<AccountId>,
        asked: &SignIn,
        now: Timestamp,
    ) -> Result<(AccountId, Loaded<Account>), Failure> {
        let refuse = |why| Failure::Told(why, IdentityError::SignInFailed);
        let hash = match account {
            Some(account) => self.parts.credentials.password(account).await?,
            None => None,
        };
        let verdict = self.parts.passwords.verify(&asked.password, hash.as_ref()).await?;
        let account = account.ok_or(refuse(SignInFailure::UnknownAccount))?;
        let Verdict::Right { needs_rehash } = verdict else {
            let why = if hash.is_some() { SignInFailure::WrongPassword } else { SignInFailure::NoPassword };
            return Err(refuse(why));
        };
        let loaded = self.parts.aggregates.account(account).await.map_err(IdentityError::from)?;
        let standing = loaded.state.standing.as_ref().filter(|standing| standing.is_active);
        let standing = standing.ok_or(refuse(SignInFailure::Deactivated))?;
        if standing.has_second_factor {
            let Some(code) = &asked.code else {
                return Err(Failure::Told(SignInFailure::SecondFactor, IdentityError::SecondFactorNeeded));
            };
            if !self.is_right_code(account, code, now).await? {
                return Err(Failure::Told(SignInFailure::SecondFactor, IdentityError::SecondFactorWrong));
            }
        }
        if needs_rehash {
            let hash = self.parts.passwords.hash(&asked.password).await?;
            self.parts.credentials.set_password(account, &hash).await?;
        }
        Ok((account, loaded))
    }

    /// Whether a code is right and was not used before.
    pub(super) async fn is_right_code(
        &self,
        account: AccountId,
        code: &str,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let secret = self.parts.credentials.secret(account.0, TOTP).await?;
        let Some(secret) = secret.and_then(|secret| <[u8; 20]>::try_from(secret.expose()).ok()) else {
            return Ok(false);
        };
        match self.parts.second_factor.matches(&TotpSecret::new(secret), code, now) {
            Some(step) => Ok(self.parts.credentials.use_step(account, step).await?),
            None => Ok(false),
        }
    }

    async fn begin(
        &self,
        account: AccountId,
        loaded: &Loaded<Account>,
        asked: &SignIn,
        whence: &Whence,
        address: &domain::value::Sha256,
        now: Timestamp,
    ) -> Result<Tokens, IdentityError> {
        let (session, settings) = (SessionId(self.parts.ids.next()), &self.parts.settings);
        let refresh_token = digest::refresh_token(self.parts.ids.secret());
        let expires_at = now.plus_ms(settings.session_max_ms);
        let refresh_hash = digest::kept(&refresh_token);
        let new = NewSession { id: session, account, refresh_hash, now, expires_at, idle_ms: settings.session_idle_ms };
        self.parts.credentials.start_session(new).await?;
        let is_new_address = self.parts.credentials.note_sign_in(account, address, now).await?;
        let command = AccountCommand::StartSession { session, expires_at, address: whence.personal(), is_new_address };
        let principal = self.principal(loaded, account).ok_or(IdentityError::SignInFailed)?;
        let meta = CommandMeta::fresh(&principal.actor, self.parts.ids.next());
        self.parts.aggregates.execute::<Account>(&stream(account), command, &meta).await?;
        let client = asked.client.clone().unwrap_or_else(|| CLIENT.to_owned());
        self.issue(account, &principal.tenant, principal.role, session, client, refresh_token)
    }

    /// An access token beside a refresh token.
    pub(super) fn issue(
        &self,
        account: AccountId,
        tenant: &Tenant,
        role: Role,
        session: SessionId,
        client_id: String,
        refresh_token: String,
    ) -> Result<Tokens, IdentityError> {
        let issued_at = self.parts.clock.now();
        let lifetime_ms = self.parts.settings.keys.token_ms;
        let claims = TokenClaims {
            account,
            tenant: tenant.clone(),
            role,
            session,
            client_id,
            token_id: self.parts.ids.next(),
            issued_at,
            expires_at: issued_at.plus_ms(lifetime_ms),
        };
        let access_token = self.parts.tokens.issue(&claims)?;
        Ok(Tokens { access_token, refresh_token, expires_in_s: lifetime_ms / 1_000, session, role })
    }

    /// Notes that somebody was not let in, where the tenant sees it whose account it is.
    async fn failed(
        &self,
        account: Option<AccountId>,
        why: SignInFailure,
        whence: &Whence,
    ) -> Result<(), IdentityError> {
        let tenant = match account {
            Some(account) => self.parts.aggregates.account(account).await?.tenant,
            None => None,
        };
        note_failure(&self.parts.trail, &tenant.unwrap_or_default(), account, why, whence);
        Ok(())
    }
}

pub(super) fn note_failure(
    trail: &SecurityTrail,
    tenant: &Tenant,
    account: Option<AccountId>,
    why: SignInFailure,
    whence: &Whence,
) {
    let by = By { account, ..whence.by_nobody() };
    trail.note(tenant, SecurityEvent::SignInFailed { by, why, times: 1 });
}

/// Why somebody is not let in.
enum Failure {
    /// Something that was shown is not right.
    Told(SignInFailure, IdentityError),
    /// It could not be looked at.
    Other(IdentityError),
}

impl<E: Into<IdentityError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Other(error.into())
    }
}
