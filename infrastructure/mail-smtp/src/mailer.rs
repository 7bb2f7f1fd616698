//! The mailer: one connection, one mail.

use crate::{
    config::{Security, SmtpConfig},
    message::{message, sender},
};
use application::ports::{
    clock::{Clock, Ids},
    mailer::{Mail, MailError, Mailer},
};
use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use std::{io, sync::Arc, time::Duration};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long all of it may take, connecting included. RFC 5321 §4.5.3.2 would allow minutes for each step; whoever
/// invites somebody waits for this.
const WHOLE: Duration = Duration::from_secs(30);

/// Sends mail through an SMTP server.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    limit: Duration,
}

impl SmtpMailer {
    /// A mailer for this server. It is not spoken to yet. Fails when the sender is no address, or when TLS is asked for
    /// and the host is no name that a certificate can be for.
    pub fn try_new(config: &SmtpConfig, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self, MailError> {
        let from = sender(&config.from)?;
        let parameters = || TlsParameters::new(config.host.clone()).map_err(sorted);
        let tls = match config.security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(parameters()?),
            Security::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(CONNECT));
        // Else it would greet as 127.0.0.1, which some servers do not believe.
        if from.email.domain().is_ascii() {
            builder = builder.hello_name(ClientId::Domain(from.email.domain().to_owned()));
        }
        if let Some(user) = &config.user {
            let password = config.password.clone().unwrap_or_default();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self { transport: builder.build(), from, clock, ids, limit: WHOLE })
    }

    /// With another limit for all of it than 30 s.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let message: Message = message(&self.from, &mail, self.clock.now(), self.ids.next())?;
        let is_ascii = message.envelope().to().iter().all(|to| AsRef::<str>::as_ref(to).is_ascii());
        match tokio::time::timeout(self.limit, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            // A server without SMTPUTF8 cannot be told such an address, today or tomorrow.
            Ok(Err(error)) if error.is_client() && !is_ascii => Err(MailError::Refused { transient: false }),
            Ok(Err(error)) => Err(sorted(error)),
            Err(_) => Err(MailError::Unreachable(Box::new(io::Error::from(io::ErrorKind::TimedOut)))),
        }
    }
}

/// What the library said, without what the server said: servers repeat addresses in their answers.
fn sorted(error: SmtpError) -> MailError {
    if error.is_transient() || error.is_permanent() {
        return MailError::Refused { transient: error.is_transient() };
    }
    if error.is_response() {
        let told = io::Error::new(io::ErrorKind::InvalidData, "the server does not answer as SMTP servers do");
        return MailError::Unreachable(Box::new(told));
    }
    MailError::Unreachable(Box::new(error))
}
