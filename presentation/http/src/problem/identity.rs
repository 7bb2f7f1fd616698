//! Which problem it is that somebody is not let in.

use super::{Code, Problem, from::Refusal};
use application::{
    identity::IdentityError,
    ports::{credentials::CredentialError, passwords::PasswordError},
};
use domain::{
    account::AccountRejection, security::SecurityRejection, tenant::TenantRejection, webhook::WebhookRejection,
};

/// When to come again after too many wanted to sign in at once, in seconds.
const BUSY_SECONDS: u32 = 5;

impl Refusal for AccountRejection {
    fn code(&self) -> Code {
        match self {
            AccountRejection::Unknown | AccountRejection::UnknownKey => Code::NotFound,
            AccountRejection::AlreadyCreated
            | AccountRejection::Deactivated
            | AccountRejection::AlreadyAccepted
            | AccountRejection::SignsInElsewhere
            | AccountRejection::KeyExists
            | AccountRejection::TooManyKeys => Code::NotPossible,
        }
    }
}

impl Refusal for TenantRejection {
    fn code(&self) -> Code {
        match self {
            TenantRejection::Unknown => Code::NotFound,
            TenantRejection::AlreadyCreated => Code::NotPossible,
        }
    }
}

impl Refusal for WebhookRejection {
    fn code(&self) -> Code {
        match self {
            WebhookRejection::Unknown => Code::NotFound,
            WebhookRejection::AlreadyCreated => Code::NotPossible,
            WebhookRejection::Disabled => Code::WebhookDisabled,
        }
    }
}

impl Refusal for SecurityRejection {
    fn code(&self) -> Code {
        match *self {}
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::SignInFailed => Problem::new(Code::SignInFailed),
            IdentityError::SecondFactorNeeded => Problem::new(Code::SecondFactorNeeded),
            IdentityError::SecondFactorWrong => Problem::new(Code::SecondFactorWrong),
            IdentityError::SlowDown { after_ms } => {
                let seconds = u32::try_from(after_ms.div_ceil(1_000)).unwrap_or(u32::MAX);
                Problem::new(Code::SlowDown).retry_after(seconds.max(1))
            }
            IdentityError::RefreshRefused => Problem::new(Code::RefreshRefused),
            IdentityError::TicketInvalid => Problem::new(Code::TicketInvalid),
            IdentityError::Weak(why) => Problem::new(Code::WeakPassword).detail(why),
            IdentityError::WrongPassword => Problem::new(Code::WrongPassword),
            IdentityError::EmailTaken => Problem::new(Code::EmailTaken),
            IdentityError::LastAdmin => Problem::new(Code::LastAdmin),
            IdentityError::NothingToConfirm => Problem::new(Code::NothingToConfirm),
            IdentityError::NotFound => Problem::new(Code::NotFound),
            IdentityError::TooMuchScope => Problem::new(Code::ScopeTooWide),
            IdentityError::Command(error) => error.into(),
            IdentityError::Password(PasswordError::Busy) => Problem::new(Code::Overloaded).retry_after(BUSY_SECONDS),
            IdentityError::Password(error @ PasswordError::Failed(_)) => Problem::internal(error),
            IdentityError::Token(error) => Problem::internal(error),
            IdentityError::Credentials(error) => error.into(),
            IdentityError::Read(error) => error.into(),
            IdentityError::Index(error) => error.into(),
        }
    }
}

impl From<CredentialError> for Problem {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::OutOfRoom => Problem::new(Code::OutOfRoom),
            error @ CredentialError::Unavailable(_) => {
                Problem::new(Code::Unavailable).retry_after(BUSY_SECONDS).caused_by(error)
            }
        }
    }
}
