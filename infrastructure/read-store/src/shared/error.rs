//! Why what nodes share could not be used.

use application::ports::{
    credentials::CredentialError, delivery_store::DeliveryStoreError, memo_store::MemoError,
    request_store::RequestStoreError,
};
use postgres_schema::{ConnectError, Kind, SchemaError};
use thiserror::Error;

/// Why what nodes share on PostgreSQL could not be opened or used. No message holds a password.
#[derive(Debug, Error)]
pub enum SharedStoreError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The user may not do what was asked.
    #[error(
        "this user of PostgreSQL may not use accounts, requests and deliveries there: the owner of their schema may, and \
             lets others use it with `dragoman migrate --grant ROLE` (again after each update)"
    )]
    NoRight {
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("accounts, requests and deliveries on PostgreSQL could not be used")]
    Storage {
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// The server did not answer in time.
    #[error("PostgreSQL did not answer in time about accounts, requests and deliveries")]
    Silent,
    /// The answer to a change was lost, and the server could not be asked afterwards.
    #[error("PostgreSQL did not tell whether a change of accounts was made")]
    Unheard {
        /// Why not.
        #[source]
        source: Box<SharedStoreError>,
    },
    /// The work was interrupted: the runtime is ending.
    #[error("the work on accounts, requests and deliveries was interrupted")]
    Interrupted,
}

impl From<sqlx::Error> for SharedStoreError {
    fn from(source: sqlx::Error) -> Self {
        // insufficient_privilege.
        let refused = source.as_database_error().and_then(|said| said.code()).is_some_and(|code| code == "42501");
        if refused { Self::NoRight { source } } else { Self::Storage { source } }
    }
}

impl SharedStoreError {
    /// What it means for who asked.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Connect(error) => error.kind(),
            Self::Storage { source } => Kind::of(source),
            Self::Silent => Kind::Passing,
            Self::Schema(_) | Self::NoRight { .. } | Self::Unheard { .. } | Self::Interrupted => Kind::Other,
        }
    }
}

impl From<SharedStoreError> for CredentialError {
    fn from(error: SharedStoreError) -> Self {
        if error.kind() == Kind::Full { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

impl From<SharedStoreError> for RequestStoreError {
    fn from(error: SharedStoreError) -> Self {
        if error.kind() == Kind::Full { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

impl From<SharedStoreError> for DeliveryStoreError {
    fn from(error: SharedStoreError) -> Self {
        if error.kind() == Kind::Full { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

impl From<SharedStoreError> for MemoError {
    fn from(error: SharedStoreError) -> Self {
        Self(Box::new(error))
    }
}
