//! Credentials on PostgreSQL, by all nodes of an installation.
//!
//! What a change was told to look at it holds, so that of many at once the outcome is that of some order of them. Changes of
//! one node are made in the order in which they were asked for, one after the other: who asked may have gone and asked again,
//! and what comes late must not undo what came after.

use super::{CredentialsIn, Keeper};
use crate::{
    shared::{SharedDatabase, SharedStoreError},
    sql::Work,
};
use application::ports::{credentials::CredentialError, key_vault::Key};
use async_trait::async_trait;
use sqlx::PgConnection;
use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
};
use tokio::{sync::Semaphore, time::Instant};

/// Credentials on PostgreSQL.
pub type PostgresCredentialStore = CredentialsIn<InDatabase>;

/// What the nodes share, and the line of this one's changes.
pub struct InDatabase {
    database: SharedDatabase,
    line: Arc<Semaphore>,
}

impl PostgresCredentialStore {
    /// Those in this database. Secrets are sealed under `seal`: with another key they cannot be read, and all else can.
    pub fn new(database: SharedDatabase, seal: Key) -> Self {
        Self { keeper: InDatabase { database, line: Arc::new(Semaphore::new(1)) }, seal }
    }
}

#[async_trait]
impl Keeper for InDatabase {
    type Connection = PgConnection;

    async fn read<Asked: Send + Sync + 'static, Found: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<PgConnection, Asked, Found>,
    ) -> Result<Found, CredentialError> {
        Ok(self.database.read(&asked, work).await?)
    }

    async fn write<Asked: Send + Sync + 'static, Done: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<PgConnection, Asked, Done>,
    ) -> Result<Done, CredentialError> {
        let (database, asked_at) = (self.database.clone(), Instant::now());
        let mut place = Box::pin(Arc::clone(&self.line).acquire_owned());
        // It stands in line from the first look on, and that is before anybody could ask for anything else.
        let first_look = poll_fn(|context| Poll::Ready(place.as_mut().poll(context))).await;
        let changing = tokio::spawn(async move {
            let _turn = match first_look {
                Poll::Ready(turn) => turn,
                Poll::Pending => place.await,
            };
            database.change_once_here(asked_at, &asked, work).await
        });
        Ok(changing.await.unwrap_or(Err(SharedStoreError::Interrupted))?)
    }
}
