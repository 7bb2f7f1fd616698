//! Where servers are, and how to get in.

use std::fmt;

/// The servers, and how to get in. Shows no secret when it is printed.
#[derive(Clone, Default)]
pub struct Servers {
    /// Their addresses, of the form `nats://host:port` or `tls://host:port`; others of a cluster are found by these.
    pub urls: Vec<String>,
    /// Who logs in.
    pub login: Login,
    /// How the connection is made secret.
    pub tls: Tls,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stands before an @ may be a password.
        let hosts = self.urls.iter().map(|url| url.rsplit_once('@').map_or(url.as_str(), |(_, host)| host));
        let hosts: Vec<&str> = hosts.collect();
        f.debug_struct("Servers").field("urls", &hosts).field("login", &self.login).field("tls", &self.tls).finish()
    }
}

/// Who logs in. Shows no secret when it is printed.
#[derive(Clone, Default)]
pub enum Login {
    /// Whoever stands in the first address that names somebody; nobody in particular where none does.
    #[default]
    Anonymous,
    /// A user by password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// Whoever has this token.
    Token(String),
    /// A user of an account, by the text of a `.creds` file.
    Credentials(String),
    /// A user by the seed of an nkey.
    Nkey(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Login::Anonymous => f.write_str("Anonymous"),
            Login::Password { user, .. } => write!(f, "Password {{ user: {user:?}, .. }}"),
            Login::Token(_) => f.write_str("Token(..)"),
            Login::Credentials(_) => f.write_str("Credentials(..)"),
            Login::Nkey(_) => f.write_str("Nkey(..)"),
        }
    }
}

/// How a connection is made secret. Shows no secret when it is printed.
#[derive(Clone, Default)]
pub struct Tls {
    /// Whether servers that do not insist on it are refused. Where an address says `tls://`, they are anyway.
    pub is_required: bool,
    /// Certificates, in the PEM format, of the authorities that are trusted; those of the system without them.
    pub authorities: Option<String>,
    /// The client's certificates and its key, both in the PEM format, for servers that ask for them.
    pub identity: Option<(String, String)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tls { is_required, authorities, identity } = self;
        let (has_authorities, has_identity) = (authorities.is_some(), identity.is_some());
        write!(f, "Tls {{ is_required: {is_required}, authorities: {has_authorities}, identity: {has_identity} }}")
    }
}

/// Where the server keeps a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In files: it survives a restart.
    #[default]
    File,
    /// In memory: what the log says is published again.
    Memory,
}

impl Storage {
    /// Its name in the settings of streams.
    pub const fn name(self) -> &'static str {
        match self {
            Storage::File => "file",
            Storage::Memory => "memory",
        }
    }
}
