//! Accounts: invited, let in, helped with a new password, given a role, deactivated.

use super::{Email, Identity, IdentityError, Whence, digest, stream};
use crate::{
    aggregates::{CommandMeta, Loaded},
    ports::{
        credentials::{Claim, TicketPurpose},
        event_log::{Appended, Tenant},
    },
};
use domain::{
    account::{Account, AccountCommand, Origin, PasswordChange, SessionEnd},
    value::{AccountId, Personal, Role},
};

/// An account to be.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// Its address.
    pub email: Email,
    /// What it is called.
    pub name: String,
    /// What it is in its tenant.
    pub role: Role,
}

/// What came of an invitation, or of help with a password.
pub struct Invited {
    /// The link, where it could not be sent: to be handed over by other means.
    pub link: Option<String>,
    /// Where the log holds it; `None` when it was so already.
    pub appended: Option<Appended>,
}

impl Identity {
    /// Makes an account and invites its owner to choose a password.
    pub async fn invite(&self, new: NewAccount, meta: &CommandMeta) -> Result<Invited, IdentityError> {
        let (id, email) = (new.id, new.email.clone());
        let appended = self.create(new, Origin::Invitation, meta).await?;
        let link = self.ticket(id, TicketPurpose::Invitation).await?;
        let sent = self.send_invitation(&email, &link).await;
        Ok(Invited { link: (!sent).then_some(link), appended })
    }

    /// Makes an account. Its address is taken first: of two that want it at once, one gets it.
    pub(super) async fn create(
        &self,
        new: NewAccount,
        origin: Origin,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, IdentityError> {
        let digest = self.parts.keys.email(&new.email);
        if let Claim::TakenBy(other) = self.parts.credentials.claim_email(&digest, new.id).await? {
            // One of which the log does not tell was never made: a crash came between.
            let is_there = self.parts.aggregates.account(other).await?.state.standing.is_some();
            if is_there || !self.parts.credentials.take_over_email(&digest, other, new.id).await? {
                return Err(IdentityError::EmailTaken);
            }
        }
        let email = Personal::new(new.email.as_str().to_owned());
        let command = AccountCommand::Create { origin, email, name: Personal::new(new.name), role: new.role };
        Ok(self.parts.aggregates.begin::<Account>(&stream(new.id), command, meta).await?)
    }

    /// Invites once more; the links before are void.
    pub async fn invite_again(&self, account: AccountId, meta: &CommandMeta) -> Result<Invited, IdentityError> {
        let email = self.email_of(account).await?;
        let appended = self.give(account, AccountCommand::Invite, meta).await?;
        let link = self.ticket(account, TicketPurpose::Invitation).await?;
        let sent = self.send_invitation(&email, &link).await;
        Ok(Invited { link: (!sent).then_some(link), appended })
    }

    /// Lets the owner of an account choose a new password, at an admin's wish. The old one holds until then.
    pub async fn help(&self, account: AccountId, meta: &CommandMeta) -> Result<Invited, IdentityError> {
        let email = self.email_of(account).await?;
        let appended = self.give(account, AccountCommand::NoteResetRequest, meta).await?;
        let link = self.ticket(account, TicketPurpose::PasswordReset).await?;
        let sent = self.send_reset(&email, &link).await;
        Ok(Invited { link: (!sent).then_some(link), appended })
    }

    /// Sends a link for a new password to whoever has this address. Nobody learns whether somebody has.
    pub async fn ask_for_reset(&self, email: &Email, whence: &Whence) -> Result<(), IdentityError> {
        let now = self.parts.clock.now();
        let digest = self.parts.keys.email(email);
        let attempt = crate::throttle::Attempt {
            account: *digest.as_bytes(),
            address: *self.parts.keys.address(whence).as_bytes(),
            is_known_address: false,
        };
        // As often as passwords may be tried: mailboxes shall not be flooded either.
        if let crate::throttle::Admit::After(after_ms) = self.throttle().admit(&attempt, now) {
            return Err(IdentityError::SlowDown { after_ms });
        }
        let (Some(account), Some(_)) = (self.parts.credentials.account_of(&digest).await?, &self.parts.mailer) else {
            return Ok(());
        };
        let meta = CommandMeta::fresh("identity", self.parts.ids.next());
        match self.give(account, AccountCommand::NoteResetRequest, &meta).await {
            // It may not have one: nobody learns that.
            Err(IdentityError::Command(crate::aggregates::CommandError::Rejected(_))) => return Ok(()),
            given => given?,
        };
        let link = self.ticket(account, TicketPurpose::PasswordReset).await?;
        self.send_reset(email, &link).await;
        Ok(())
    }

    /// Uses a ticket: the account has this password from now on, and all its sessions end.
    pub async fn redeem(&self, ticket: &str, password: &str) -> Result<AccountId, IdentityError> {
        let (hash, now) = (digest::kept(ticket), self.parts.clock.now());
        let found = self.parts.credentials.ticket(&hash, now).await?;
        let (account, _) = found.ok_or(IdentityError::TicketInvalid)?;
        let loaded = self.parts.aggregates.account(account).await?;
        loaded.state.active_role().ok_or(IdentityError::TicketInvalid)?;
        self.judge(password, &loaded)?;
        let password = self.parts.passwords.hash(password).await?;
        let redeemed = self.parts.credentials.redeem_ticket(&hash, &password, now).await?;
        let redeemed = redeemed.ok_or(IdentityError::TicketInvalid)?;
        let by = match redeemed.purpose {
            TicketPurpose::Invitation => PasswordChange::Invitation,
            TicketPurpose::PasswordReset => PasswordChange::Reset,
        };
        let meta = CommandMeta::derived("identity", &format!("ticket {hash}"));
        self.give(account, AccountCommand::NotePassword(by), &meta).await?;
        for session in redeemed.ended {
            self.tell_end(account, session, SessionEnd::PasswordChanged, "identity").await?;
        }
        self.verified.take_back(account);
        Ok(account)
    }

    /// Gives an account another role.
    pub async fn grant(
        &self,
        account: AccountId,
        role: Role,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, IdentityError> {
        let _turn = self.admins.lock().await;
        if role != Role::Admin {
            self.keep_an_admin(account).await?;
        }
        let granted = self.give(account, AccountCommand::Grant(role), meta).await?;
        self.verified.take_back(account);
        Ok(granted)
    }

    /// Deactivates an account: its sessions and its keys end at once. Its keys are good again when it is reactivated.
    pub async fn deactivate(&self, account: AccountId, meta: &CommandMeta) -> Result<Option<Appended>, IdentityError> {
        let _turn = self.admins.lock().await;
        self.keep_an_admin(account).await?;
        let done = self.give(account, AccountCommand::Deactivate, meta).await?;
        self.end_sessions(account, None, SessionEnd::Deactivated, &meta.actor).await?;
        Ok(done)
    }

    /// Lets an account be used again.
    pub async fn reactivate(&self, account: AccountId, meta: &CommandMeta) -> Result<Option<Appended>, IdentityError> {
        self.give(account, AccountCommand::Reactivate, meta).await
    }

    /// Refuses to take away the last admin of a tenant.
    async fn keep_an_admin(&self, account: AccountId) -> Result<(), IdentityError> {
        let loaded = self.parts.aggregates.account(account).await?;
        let (Some(Role::Admin), Some(tenant)) = (loaded.state.active_role(), &loaded.tenant) else { return Ok(()) };
        for other in self.parts.index.admins(tenant).await? {
            if other != account && self.parts.aggregates.account(other).await?.state.active_role() == Some(Role::Admin)
            {
                return Ok(());
            }
        }
        Err(IdentityError::LastAdmin)
    }

    /// A fresh ticket of an account, as a link; those before it are void.
    pub(super) async fn ticket(&self, account: AccountId, purpose: TicketPurpose) -> Result<String, IdentityError> {
        let ticket = digest::ticket(self.parts.ids.secret());
        let holds_ms = match purpose {
            TicketPurpose::Invitation => self.parts.settings.invitation_ms,
            TicketPurpose::PasswordReset => self.parts.settings.reset_ms,
        };
        let expires_at = self.parts.clock.now().plus_ms(holds_ms);
        self.parts.credentials.put_ticket(&digest::kept(&ticket), account, purpose, expires_at).await?;
        Ok(self.link(&ticket))
    }

    /// Refuses passwords that are easy to guess, for this account above all.
    pub(super) fn judge(&self, password: &str, loaded: &Loaded<Account>) -> Result<(), IdentityError> {
        let standing = loaded.state.standing.as_ref();
        let known = standing.into_iter().flat_map(|standing| [standing.email.reveal(), standing.name.reveal()]);
        let about: Vec<&str> = known.flatten().map(String::as_str).collect();
        self.parts.passwords.weakness(password, &about).map_or(Ok(()), |why| Err(IdentityError::Weak(why)))
    }

    pub(super) async fn give(
        &self,
        account: AccountId,
        command: AccountCommand,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, IdentityError> {
        Ok(self.parts.aggregates.execute::<Account>(&stream(account), command, meta).await?)
    }

    async fn email_of(&self, account: AccountId) -> Result<Email, IdentityError> {
        let loaded = self.parts.aggregates.account(account).await?;
        let email = loaded.state.standing.as_ref().and_then(|standing| standing.email.reveal()?.parse().ok());
        email.ok_or(IdentityError::NotFound)
    }

    /// The accounts' tenant, where a tenant is to be told of them.
    pub async fn tenant_of(&self, account: AccountId) -> Result<Option<Tenant>, IdentityError> {
        Ok(self.parts.aggregates.account(account).await?.tenant)
    }
}
