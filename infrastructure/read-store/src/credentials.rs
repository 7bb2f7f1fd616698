//! Credentials in an SQLite file.
//!
//! Nothing else knows what stands here, so every commit waits for the disk (`synchronous=FULL`); one sync serves all
//! writes that gathered meanwhile. What is removed is overwritten (`secure_delete`). Secrets are sealed under a key of
//! the installation, bound to owner and name; the rest are digests. Reads see what was acknowledged before.

mod accounts;
mod addresses;
mod keys;
mod port;
mod rotation;
mod rows;
mod secrets;
mod sessions;
#[cfg(test)]
mod tests;
mod tickets;
mod writer;

use crate::{
    error::StoreError,
    file::{File, Schema},
};
use application::ports::{credentials::CredentialError, key_vault::Key};
use std::path::Path;
use tokio::sync::{mpsc, oneshot};
use writer::{Order, WAITING_MAX, Work, Writer};

const SCHEMA: Schema = Schema {
    what: WHAT,
    // "Dcre" in ASCII.
    application_id: 0x4463_7265,
    migrations: &[include_str!("../../../migrations/sqlite/0008_credentials.sql")],
};

/// What the file holds, for messages.
pub(crate) const WHAT: &str = "credentials";

/// Credentials in an SQLite file.
pub struct SqliteCredentialStore {
    file: File,
    orders: mpsc::Sender<Order>,
    seal: Key,
}

impl SqliteCredentialStore {
    /// Opens the credentials in this file, makes it if there is none, and brings its schema up to date. To be called
    /// in a Tokio runtime, which then runs the writer, by the owner of the data folder. Secrets are sealed under
    /// `seal`: with another key they cannot be read, and all else can. Refuses a file of a newer program, and one that
    /// holds something else.
    pub async fn open(path: &Path, seal: Key) -> Result<Self, StoreError> {
        let file = File::open_durable(path, &SCHEMA).await?;
        let (orders, gathered) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer { file: file.clone() }.run(gathered));
        Ok(Self { file, orders, seal })
    }

    /// Closes the file once everything asked before is done. Dropping the store without this is safe.
    pub async fn close(&self) {
        let (done, told) = oneshot::channel();
        if self.orders.send(Order::Close(done)).await.is_ok() {
            // An error means that the writer has ended already.
            let _ended = told.await;
        }
        self.file.close().await;
    }

    /// The file beneath.
    #[cfg(test)]
    pub(crate) fn file_for_tests(&self) -> &File {
        &self.file
    }

    /// Looks something up.
    async fn read<Asked: Send + Sync, Found: Send>(
        &self,
        asked: Asked,
        work: Work<Asked, Found>,
    ) -> Result<Found, CredentialError> {
        let mut reader = self.file.readers().acquire().await.map_err(|error| self.file.failed(error))?;
        Ok(work(&mut reader, &asked).await.map_err(|error| self.file.failed(error))?)
    }

    /// Changes something, in a transaction that comes to its end even if the caller goes.
    async fn write<Asked: Send + Sync + 'static, Done: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<Asked, Done>,
    ) -> Result<Done, CredentialError> {
        let interrupted = || CredentialError::from(StoreError::Interrupted { what: WHAT });
        let (tell, told) = oneshot::channel();
        self.orders.send(Order::of(asked, work, tell)).await.map_err(|_| interrupted())?;
        told.await.map_err(|_| interrupted())?
    }
}
