//! Why a server cannot be used, at start or later.

use thiserror::Error;

/// Why a server, or what it is asked to keep, cannot be used.
#[derive(Debug, Error)]
pub enum NatsError {
    /// An address has not the form of one.
    #[error("an address of the NATS servers is not of the form nats://host:port or tls://host:port")]
    Address(#[source] std::io::Error),
    /// The credentials have not the form that they should have.
    #[error("the credentials for NATS have not the form of what `nsc` writes to a .creds file")]
    Credentials(#[source] std::io::Error),
    /// A certificate or key has not the form that it should have.
    #[error("{what} for NATS cannot be used: it must be in the PEM format")]
    Certificate {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The prefix cannot be part of a subject.
    #[error("`{0}` cannot be the prefix for NATS: words of letters, digits, `-` and `_`, with dots between")]
    Prefix(String),
    /// There is no server, or none that speaks NATS.
    #[error("no NATS server answers at {at}")]
    Unreachable {
        /// Where.
        at: String,
        /// Why.
        #[source]
        source: async_nats::ConnectError,
    },
    /// The server does not let this client in.
    #[error("the NATS server at {at} refuses the login")]
    LoginRefused {
        /// Where.
        at: String,
        /// Why.
        #[source]
        source: async_nats::ConnectError,
    },
    /// The user may not do what is needed.
    #[error("the NATS server forbids the user of {purpose} what it needs: {said}")]
    Forbidden {
        /// What the connection is for.
        purpose: &'static str,
        /// What the server said.
        said: String,
    },
    /// The connection cannot be made secret.
    #[error("there is no TLS connection to the NATS server at {at}: check its certificate and the given authorities")]
    Tls {
        /// Where.
        at: String,
        /// Why.
        #[source]
        source: async_nats::ConnectError,
    },
    /// The server is too old.
    #[error("the NATS server is version {0}, but must be 2.9 or newer")]
    Old(String),
    /// The server, or the account, has no JetStream.
    #[error("JetStream is not enabled on the NATS server for this account: {said}")]
    NoJetStream {
        /// What the server said.
        said: String,
    },
    /// The server cannot keep as much as is asked for.
    #[error("the NATS server has not the {bytes_max} bytes that {purpose} may take: {said}")]
    NoRoom {
        /// What for.
        purpose: &'static str,
        /// How much was asked for.
        bytes_max: u64,
        /// What the server said.
        said: String,
    },
    /// The place is taken.
    #[error("the prefix `{prefix}` is in use on this NATS account: {by}; give each installation a prefix of its own")]
    Taken {
        /// The prefix.
        prefix: String,
        /// By whom, as far as is known.
        by: String,
    },
    /// The server has made something else of what it was asked for.
    #[error("the NATS server has made {what} with {field} = {is}, where {asked} was asked for")]
    Differs {
        /// What.
        what: &'static str,
        /// Which of its settings.
        field: String,
        /// What was asked for.
        asked: String,
        /// What it is.
        is: String,
    },
    /// There is no connection now.
    #[error("there is no connection to the NATS server")]
    Away,
    /// The server does not answer in time.
    #[error("the NATS server does not answer")]
    Silent,
    /// The stream is not there, or JetStream is not.
    #[error("nobody answers for JetStream on the NATS server")]
    Nobody,
    /// The server said no.
    #[error("the NATS server refused {what}: {said} ({code})")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        said: String,
        /// Its number for that.
        code: u64,
        /// Whether it may do so a moment later.
        is_passing: bool,
    },
    /// An answer has not the form of one.
    #[error("the NATS server's answer about {what} cannot be read")]
    Answer {
        /// What was asked for.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl NatsError {
    /// The prefix that somebody else has, if that is why.
    pub fn taken_prefix(&self) -> Option<&str> {
        if let NatsError::Taken { prefix, .. } = self { Some(prefix) } else { None }
    }

    /// Whether the same may work a moment later.
    pub fn is_passing(&self) -> bool {
        match self {
            NatsError::Away | NatsError::Silent | NatsError::Nobody => true,
            NatsError::Refused { is_passing, .. } => *is_passing,
            // While it starts, a server may not have JetStream yet.
            NatsError::NoJetStream { .. } => true,
            NatsError::Address(_)
            | NatsError::Credentials(_)
            | NatsError::Certificate { .. }
            | NatsError::Prefix(_)
            | NatsError::Unreachable { .. }
            | NatsError::LoginRefused { .. }
            | NatsError::Forbidden { .. }
            | NatsError::Tls { .. }
            | NatsError::Old(_)
            | NatsError::NoRoom { .. }
            | NatsError::Taken { .. }
            | NatsError::Differs { .. }
            | NatsError::Answer { .. } => false,
        }
    }
}
