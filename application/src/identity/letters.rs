//! What is written to people. Plain texts: a link, and what it is for.

use super::{Email, Identity};
use crate::{causes::with_causes, ports::mailer::Mail};
use domain::value::Personal;

impl Identity {
    /// The address of the page on which a ticket is used. The ticket stands behind a `#`, where no server and no log sees it.
    pub(super) fn link(&self, ticket: &str) -> String {
        format!("{}/welcome#{ticket}", self.parts.settings.public_url)
    }

    /// Sends an invitation; `false` when nobody sends mail here, or it could not be sent.
    pub(super) async fn send_invitation(&self, email: &Email, link: &str) -> bool {
        let text = format!(
            "You are invited to Dragoman.\n\nChoose a password here, within the next {} days:\n\n{link}\n\n\
             The link works once. If you did not expect this, ignore it.\n",
            self.parts.settings.invitation_ms / 86_400_000,
        );
        self.send(email, "Your invitation to Dragoman", text).await
    }

    /// Sends a link for a new password; `false` as above.
    pub(super) async fn send_reset(&self, email: &Email, link: &str) -> bool {
        let text = format!(
            "Somebody, you perhaps, asked for a new password for Dragoman.\n\nChoose it here, within the next {} minutes:\n\n\
             {link}\n\nThe link works once. If it was not you, ignore this: your password stays as it is.\n",
            self.parts.settings.reset_ms / 60_000,
        );
        self.send(email, "A new password for Dragoman", text).await
    }

    async fn send(&self, email: &Email, subject: &str, text: String) -> bool {
        let Some(mailer) = &self.parts.mailer else { return false };
        let mail = Mail { to: Personal::new(email.as_str().to_owned()), subject: subject.to_owned(), text };
        let sent = mailer.send(mail).await;
        if let Err(error) = &sent {
            tracing::warn!(cause = with_causes(error), "a mail could not be sent");
        }
        sent.is_ok()
    }
}
