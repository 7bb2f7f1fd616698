//! The one writer of requests: takes what has gathered, decides in order, writes it in one transaction,
//! answers each.

use super::{
    judge::Judge,
    table::{self, Name},
};
use crate::{error::StoreError, file::File};
use application::ports::{
    clock::{Clock, Ids},
    key_vault::Key,
    request_store::{Answer, Begun, RequestStoreError},
};
use domain::value::Sha256;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the writer at most; further ones wait to be let in.
pub(super) const WAITING_MAX: usize = 512;

/// Requests in one transaction at most.
const GROUP_MAX: usize = 256;

/// What is told: how a beginning ended, and nothing of the others.
pub(super) type Told = Result<Option<Begun>, RequestStoreError>;

/// What the writer is asked to do.
pub(super) enum Order {
    /// Do this and tell.
    Ask(Ask, oneshot::Sender<Told>),
    /// Finish, and say so.
    Close(oneshot::Sender<()>),
}

/// Something about one key.
pub(super) struct Ask {
    /// The key.
    pub name: Name,
    /// What about it.
    pub what: What,
}

/// What is asked about a key.
pub(super) enum What {
    /// To begin a request with this fingerprint.
    Begin(Sha256),
    /// To keep its answer.
    Finish(Answer),
    /// To let it begin again.
    Abandon,
}

/// What is done in one transaction, and who is told.
type Group = Vec<(Ask, oneshot::Sender<Told>)>;

/// The one writer.
pub(super) struct Writer {
    /// The file.
    pub file: File,
    /// What this process's running requests are known by.
    pub opening: i64,
    /// Tells how old a key is.
    pub clock: Arc<dyn Clock>,
    /// Names what begins.
    pub ids: Arc<dyn Ids>,
    /// Seals answers.
    pub seal: Key,
}

impl Writer {
    /// Works until it is told to close or nobody can ask any more. Of what has gathered, ends come before
    /// beginnings: these are synced, and ends need not wait for that. Nobody can tell, for whoever ends a
    /// request was told before that it has begun.
    pub async fn run(self, mut orders: mpsc::Receiver<Order>) {
        let mut gathered = Vec::with_capacity(GROUP_MAX);
        let mut closing = Vec::new();
        while closing.is_empty() && orders.recv_many(&mut gathered, GROUP_MAX).await > 0 {
            let (mut ends, mut begins) = (Group::default(), Group::default());
            for order in gathered.drain(..) {
                match order {
                    Order::Ask(ask @ Ask { what: What::Begin(_), .. }, tell) => begins.push((ask, tell)),
                    Order::Ask(ask @ Ask { what: What::Finish(_) | What::Abandon, .. }, tell) => ends.push((ask, tell)),
                    Order::Close(done) => closing.push(done),
                }
            }
            self.carry_out(ends).await;
            let orphans = self.carry_out(begins).await;
            if !orphans.is_empty() {
                // Should this fail, they stay running until the file is opened anew, as after a crash.
                let _freed = self.write(&orphans).await;
            }
        }
        for done in closing {
            // Whoever closes may be gone.
            let _gone = done.send(());
        }
    }

    /// Does what is asked and tells. Gives back what has begun for somebody who has gone: it is to be
    /// abandoned, for nobody else will ever end it.
    async fn carry_out(&self, group: Group) -> Vec<Ask> {
        let (asks, tells): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        if asks.is_empty() {
            return vec![];
        }
        let told = match self.write(&asks).await {
            Ok(told) => told.into_iter().map(Ok).collect(),
            // Something in the group does not fit: alone, the others may.
            Err(error) if error.is_out_of_room() && asks.len() > 1 => {
                let mut told = Vec::with_capacity(asks.len());
                for ask in &asks {
                    let alone = self.write(std::slice::from_ref(ask)).await;
                    told.push(alone.map(|mut told| told.pop().flatten()).map_err(RequestStoreError::from));
                }
                told
            }
            Err(error) => refuse(asks.len(), error),
        };
        let mut orphans = Vec::new();
        for ((ask, tell), told) in asks.into_iter().zip(tells).zip(told) {
            if let Err(Ok(Some(Begun::New(_)))) = tell.send(told) {
                orphans.push(Ask { name: ask.name, what: What::Abandon });
            }
        }
        orphans
    }

    /// Decides and writes. A connection that has failed is thrown away: what state its transaction is in is
    /// anyone's guess.
    async fn write(&self, asks: &[Ask]) -> Result<Vec<Option<Begun>>, StoreError> {
        let mut connection = self.file.writer()?.acquire().await.map_err(|error| self.file.failed(error))?;
        let written = self.transact(&mut connection, asks).await;
        if written.is_err() {
            connection.close_on_drop();
        }
        written
    }

    /// All in one transaction.
    async fn transact(
        &self,
        connection: &mut SqliteConnection,
        asks: &[Ask],
    ) -> Result<Vec<Option<Begun>>, StoreError> {
        let failed = |error| self.file.failed(error);
        let begins = asks.iter().any(|ask| matches!(ask.what, What::Begin(_)));
        let synchronous = if begins { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        sqlx::query(synchronous).execute(&mut *connection).await.map_err(failed)?;
        let mut change = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let now = self.clock.now();
        if begins {
            table::forget_expired(&mut change, now).await.map_err(failed)?;
        }
        let known = table::load(&mut change, asks, self.opening, now, &self.seal).await.map_err(failed)??;
        let mut judge = Judge::new(known, now, &*self.ids);
        let told = asks.iter().map(|ask| judge.decide(ask)).collect();
        for (name, request) in judge.changed() {
            let row = table::sealed(name, &request.state, &self.seal)
                .map_err(|_| StoreError::Misshapen(crate::Misshapen { table: "requests" }))?;
            table::save(&mut change, name, request, row, self.opening).await.map_err(failed)?;
        }
        change.commit().await.map_err(failed)?;
        Ok(told)
    }
}

/// One failure, told to each of `count` requests.
fn refuse(count: usize, error: StoreError) -> Vec<Told> {
    let full = error.is_out_of_room();
    let shared = Arc::new(error);
    let refusal = || {
        let shared = Box::new(Arc::clone(&shared));
        if full { RequestStoreError::OutOfRoom } else { RequestStoreError::Unavailable(shared) }
    };
    (0..count).map(|_| Err(refusal())).collect()
}
