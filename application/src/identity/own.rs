//! What somebody does with their own account: another password, a second factor.

use super::{Email, Identity, IdentityError, sign_in::TOTP};
use crate::{
    aggregates::CommandMeta,
    ports::{event_log::Appended, passwords::Verdict, second_factor::TotpSecret},
    principal::Principal,
    throttle::{Admit, Attempt},
};
use domain::{
    account::{AccountCommand, PasswordChange, SessionEnd},
    value::AccountId,
};

/// The name of the secret that is not confirmed yet.
const PENDING: &str = "totp-pending";

/// A second factor to be: shown once, to be put into an app.
pub struct Enrolment {
    /// `otpauth://…`, as the app reads it from a QR code.
    pub uri: String,
}

impl Identity {
    /// Changes the password. All sessions end but the one in which it is done.
    pub async fn change_password(
        &self,
        account: AccountId,
        by: &Principal,
        present: &str,
        new: &str,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, IdentityError> {
        self.prove(account, present).await?;
        let loaded = self.parts.aggregates.account(account).await?;
        self.judge(new, &loaded)?;
        let hash = self.parts.passwords.hash(new).await?;
        self.parts.credentials.set_password(account, &hash).await?;
        let appended = self.give(account, AccountCommand::NotePassword(PasswordChange::Owner), meta).await?;
        self.end_sessions(account, by.session, SessionEnd::PasswordChanged, &meta.actor).await?;
        Ok(appended)
    }

    /// Begins to enrol a second factor; it is asked for once a code of it was shown.
    pub async fn begin_second_factor(&self, account: AccountId, password: &str) -> Result<Enrolment, IdentityError> {
        self.prove(account, password).await?;
        let loaded = self.parts.aggregates.account(account).await?;
        let email = loaded.state.standing.as_ref().and_then(|standing| standing.email.reveal()?.parse::<Email>().ok());
        let secret = self.parts.second_factor.new_secret();
        self.parts.credentials.put_secret(account.0, PENDING, secret.expose()).await?;
        let label = email.as_ref().map_or("account", Email::as_str);
        Ok(Enrolment { uri: self.parts.second_factor.enrolment_uri(&secret, label) })
    }

    /// Ends the enrolment with a code: from now on one is asked for.
    pub async fn confirm_second_factor(
        &self,
        account: AccountId,
        code: &str,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, IdentityError> {
        self.slow_down(account)?;
        let pending = self.parts.credentials.secret(account.0, PENDING).await?;
        let pending = pending.and_then(|secret| <[u8; 20]>::try_from(secret.expose()).ok());
        let secret = TotpSecret::new(pending.ok_or(IdentityError::NothingToConfirm)?);
        let step = self.parts.second_factor.matches(&secret, code, self.parts.clock.now());
        let step = step.ok_or(IdentityError::SecondFactorWrong)?;
        if !self.parts.credentials.use_step(account, step).await? {
            return Err(IdentityError::SecondFactorWrong);
        }
        self.parts.credentials.put_secret(account.0, TOTP, secret.expose()).await?;
        let appended = self.give(account, AccountCommand::EnableSecondFactor, meta).await?;
        self.parts.credentials.remove_secret(account.0, PENDING).await?;
        self.verified.take_back(account);
        Ok(appended)
    }

    /// Gives the second factor up. The password is asked for once more.
    pub async fn disable_second_factor(
        &self,
        account: AccountId,
        password: &str,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, IdentityError> {
        self.prove(account, password).await?;
        let appended = self.give(account, AccountCommand::DisableSecondFactor, meta).await?;
        self.parts.credentials.remove_secret(account.0, TOTP).await?;
        self.verified.take_back(account);
        Ok(appended)
    }

    /// The password is asked for once more, and no oftener than at signing in.
    async fn prove(&self, account: AccountId, password: &str) -> Result<(), IdentityError> {
        let attempt = self.slow_down(account)?;
        let hash = self.parts.credentials.password(account).await?;
        match self.parts.passwords.verify(password, hash.as_ref()).await? {
            Verdict::Right { .. } => {
                self.throttle().succeeded(&attempt, self.parts.clock.now());
                Ok(())
            }
            Verdict::Wrong => {
                self.throttle().failed(&attempt, self.parts.clock.now());
                Err(IdentityError::WrongPassword)
            }
        }
    }

    /// Counts an attempt of somebody who is signed in.
    fn slow_down(&self, account: AccountId) -> Result<Attempt, IdentityError> {
        let digest = super::digest::kept(&format!("own {account}"));
        let attempt = Attempt { account: *digest.as_bytes(), address: *digest.as_bytes(), is_known_address: true };
        match self.throttle().admit(&attempt, self.parts.clock.now()) {
            Admit::Now => Ok(attempt),
            Admit::After(after_ms) => Err(IdentityError::SlowDown { after_ms }),
        }
    }
}
