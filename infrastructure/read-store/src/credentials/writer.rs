//! The one writer of credentials: takes what has gathered, does it in order in one transaction, tells each.

use crate::{error::StoreError, file::File, sql::Work};
use application::ports::credentials::CredentialError;
use async_trait::async_trait;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Writes that wait at most; further ones wait to be let in.
pub(super) const WAITING_MAX: usize = 512;

/// Writes in one transaction at most.
const GROUP_MAX: usize = 128;

/// What the writer is asked to do.
pub(super) enum Order {
    /// Do this and tell.
    Job(Box<dyn Job>),
    /// Finish, and say so.
    Close(oneshot::Sender<()>),
}

impl Order {
    /// To do some work, and to tell what came of it.
    pub fn of<Asked: Send + Sync + 'static, Done: Send + 'static>(
        asked: Asked,
        work: Work<SqliteConnection, Asked, Done>,
        tell: oneshot::Sender<Result<Done, CredentialError>>,
    ) -> Self {
        Self::Job(Box::new(Pending { asked, work, done: None, tell }))
    }
}

/// A write, whatever comes of it.
#[async_trait]
pub(super) trait Job: Send {
    /// Does it, as part of a transaction.
    async fn carry_out(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error>;

    /// Tells whoever asked: what came of it, or why nothing did.
    fn tell(self: Box<Self>, failed: Option<&Arc<StoreError>>);
}

struct Pending<Asked, Done> {
    asked: Asked,
    work: Work<SqliteConnection, Asked, Done>,
    done: Option<Done>,
    tell: oneshot::Sender<Result<Done, CredentialError>>,
}

#[async_trait]
impl<Asked: Send + Sync, Done: Send> Job for Pending<Asked, Done> {
    async fn carry_out(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.done = Some((self.work)(connection, &self.asked).await?);
        Ok(())
    }

    fn tell(self: Box<Self>, failed: Option<&Arc<StoreError>>) {
        let told = match (failed, self.done) {
            (None, Some(done)) => Ok(done),
            (Some(error), _) if error.is_out_of_room() => Err(CredentialError::OutOfRoom),
            (Some(error), _) => Err(CredentialError::Unavailable(Box::new(Arc::clone(error)))),
            (None, None) => Err(StoreError::Interrupted { what: super::WHAT }.into()),
        };
        // Whoever asked may be gone; it is done all the same.
        let _gone = self.tell.send(told);
    }
}

/// The one writer.
pub(super) struct Writer {
    /// The file.
    pub file: File,
}

impl Writer {
    /// Works until it is told to close or nobody can ask any more.
    pub async fn run(self, mut orders: mpsc::Receiver<Order>) {
        let mut gathered = Vec::with_capacity(GROUP_MAX);
        let mut closing = Vec::new();
        while closing.is_empty() && orders.recv_many(&mut gathered, GROUP_MAX).await > 0 {
            let mut jobs = Vec::with_capacity(gathered.len());
            for order in gathered.drain(..) {
                match order {
                    Order::Job(job) => jobs.push(job),
                    Order::Close(done) => closing.push(done),
                }
            }
            self.carry_out(jobs).await;
        }
        for done in closing {
            // Whoever closes may be gone.
            let _gone = done.send(());
        }
    }

    /// Does all in one transaction and tells. If that fails, each alone: what cannot be done hurts no other.
    async fn carry_out(&self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.len() > 1 && self.transact(&mut jobs).await.is_ok() {
            for job in jobs {
                job.tell(None);
            }
            return;
        }
        for mut job in jobs {
            let failed = self.transact(std::slice::from_mut(&mut job)).await.err().map(Arc::new);
            job.tell(failed.as_ref());
        }
    }

    /// A connection that has failed is thrown away: what state its transaction is in is anyone's guess.
    async fn transact(&self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let mut connection = self.file.writer()?.acquire().await.map_err(|error| self.file.failed(error))?;
        let done = in_one_transaction(&mut connection, jobs).await;
        if done.is_err() {
            connection.close_on_drop();
        }
        done.map_err(|error| self.file.failed(error))
    }
}

async fn in_one_transaction(connection: &mut SqliteConnection, jobs: &mut [Box<dyn Job>]) -> Result<(), sqlx::Error> {
    let mut change = connection.begin_with("BEGIN IMMEDIATE").await?;
    for job in jobs {
        job.carry_out(&mut change).await?;
    }
    change.commit().await
}
