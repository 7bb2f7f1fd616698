//! Where the mail server is and how it is spoken to.

use std::fmt;

/// Where the mail server is and how it is spoken to. Its `Debug` form hides the password.
#[derive(Clone)]
pub struct SmtpConfig {
    /// Name or address of the server. With TLS, its certificate must be for this name.
    pub host: String,
    /// Its port: commonly 587 with [`Security::StartTls`], 465 with [`Security::Tls`].
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// Who signs in there; `None` when nobody needs to.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<String>,
    /// Whom the mails come from: `dubbing@example.org` or `Dragoman <dubbing@example.org>`.
    pub from: String,
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all: for a server on this machine. Mails and the password can be read on the way.
    None,
    /// By STARTTLS. A server that does not offer it is sent nothing.
    StartTls,
    /// By TLS from the first byte on.
    Tls,
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "…");
        f.debug_struct("SmtpConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("user", &hidden(&self.user))
            .field("password", &hidden(&self.password))
            .field("from", &self.from)
            .finish()
    }
}
