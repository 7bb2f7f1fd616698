//! Mail to persons: invitations, resets, finished jobs.
//!
//! Deliberately absent: a queue and retries (whoever sends knows what a mail is worth), attachments, and HTML.

use async_trait::async_trait;
use domain::value::Personal;
use thiserror::Error;

/// Sends mail.
///
/// A mail that was accepted may still never arrive. Nothing in a mail can change who else receives it or what it
/// claims to be: line breaks and control characters in its subject are made blanks.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a mail over, within the adapter's time limits. The same mail sent twice may arrive twice.
    async fn send(&self, mail: Mail) -> Result<(), MailError>;
}

/// A mail in plain text to one person. Its `Debug` form shows none of it: texts hold links that let somebody in.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Address of who receives it, without a name: `ann@example.org`.
    pub to: Personal<String>,
    /// What it is about, in one line.
    pub subject: String,
    /// The text, with `\n` at the end of lines.
    pub text: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mail(…)")
    }
}

/// Why a mail was not handed over. No variant says to whom or what.
#[derive(Debug, Error)]
pub enum MailError {
    /// The address of who sends or receives is none, or was erased.
    #[error("a mail address is not valid")]
    InvalidAddress,
    /// The mail server does not want it.
    #[error("the mail server refused the mail")]
    Refused {
        /// Whether the same mail may be accepted later.
        transient: bool,
    },
    /// There was no mail server to speak to, not securely, or it did not answer in time. May succeed when tried again.
    #[error("the mail server could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl MailError {
    /// Whether the same mail may go out later without anybody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { transient } => *transient,
            Self::InvalidAddress => false,
        }
    }
}
