//! Credentials in an SQLite file, by the one process that owns it.
//!
//! One sync serves all writes that gathered meanwhile. What is removed is overwritten (`secure_delete`).

use super::{
    CredentialsIn, Keeper, WHAT,
    writer::{Order, WAITING_MAX, Writer},
};
use crate::{
    error::StoreError,
    file::{File, Schema},
    sql::Work,
};
use application::ports::{credentials::CredentialError, key_vault::Key};
use async_trait::async_trait;
use sqlx::SqliteConnection;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

/// The file.
pub(crate) const SCHEMA: Schema = Schema {
    what: WHAT,
    // "Dcre" in ASCII.
    application_id: 0x4463_7265,
    migrations: &[
        include_str!("../../../../migrations/sqlite/0008_credentials.sql"),
        include_str!("../../../../migrations/sqlite/0014_origin.sql"),
    ],
};

/// Credentials in an SQLite file.
pub type SqliteCredentialStore = CredentialsIn<InFile>;

/// A file, and its one writer.
pub struct InFile {
    file: File,
    orders: mpsc::Sender<Order>,
}

impl SqliteCredentialStore {
    /// Opens the credentials in this file, makes it if there is none, and brings its schema up to date. To be called
    /// in a Tokio runtime, which then runs the writer, by the owner of the data folder. Secrets are sealed under
    /// `seal`: with another key they cannot be read, and all else can. Refuses a file of a newer program, and one that
    /// holds something else.
    pub async fn open(path: &Path, seal: Key) -> Result<Self, StoreError> {
        let file = File::open_durable(path, &SCHEMA).await?;
        file.take_in_use().await?;
        let (orders, gathered) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer { file: file.clone() }.run(gathered));
        Ok(Self { keeper: InFile { file, orders }, seal })
    }

    /// Closes the file once everything asked before is done. Dropping the store without this is safe.
    pub async fn close(&self) {
        let (done, told) = oneshot::channel();
        if self.keeper.orders.send(Order::Close(done)).await.is_ok() {
            // An error means that the writer has ended already.
            let _ended = told.await;
        }
        self.keeper.file.close().await;
    }

    /// The file beneath.
    #[cfg(test)]
    pub(crate) fn file_for_tests(&self) -> &File {
        &self.keeper.file
    }
}

#[async_trait]
impl Keeper for InFile {
    type Connection = SqliteConnection;

    async fn read<Asked: Send + Sync + 'static, Found: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<SqliteConnection, Asked, Found>,
    ) -> Result<Found, CredentialError> {
        let mut reader = self.file.readers().acquire().await.map_err(|error| self.file.failed(error))?;
        Ok(work(&mut reader, &asked).await.map_err(|error| self.file.failed(error))?)
    }

    async fn write<Asked: Send + Sync + 'static, Done: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<SqliteConnection, Asked, Done>,
    ) -> Result<Done, CredentialError> {
        let interrupted = || CredentialError::from(StoreError::Interrupted { what: WHAT });
        let (tell, told) = oneshot::channel();
        self.orders.send(Order::of(asked, work, tell)).await.map_err(|_| interrupted())?;
        told.await.map_err(|_| interrupted())?
    }
}
