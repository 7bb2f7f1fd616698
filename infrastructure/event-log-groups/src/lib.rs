//! Appends of a process that come together are written together: one transaction, one wait for the disk.
//!
//! A log's one task takes what has gathered while it wrote, writes it as a group, and answers each append. Whatever is
//! wrong with one of them hurts no other. Deliberately absent: how a group is written, which is the log's own.

use application::ports::event_log::{Append, AppendError, Appended};
use event_codec::{CodecError, EventCodec, Prepared};
use std::{
    collections::{HashSet, VecDeque},
    error::Error,
    future::Future,
    sync::Arc,
};
use thiserror::Error;
use tokio::{
    sync::{
        mpsc::{self, error::TryRecvError},
        oneshot,
    },
    task::yield_now,
};

#[cfg(test)]
mod tests;

/// How often others get their turn before a group is smaller than the last one: a fraction of what a group costs.
const TURNS_MAX: u32 = 200;
/// Appends that wait for the writer at most; further ones wait to be let in.
const WAITING_MAX: usize = 512;

/// What each append of a group came to, in their order.
pub type Answers = Vec<Result<Appended, AppendError>>;

/// Writes groups of appends.
pub trait GroupWriter: Send + 'static {
    /// Why a group was not written, or is not known to be.
    type Error: Error + Send + Sync + 'static;

    /// Writes those that pass their checks, all in one transaction, and gives an answer for each.
    fn write(&mut self, appends: &[Prepared]) -> impl Future<Output = Result<Answers, Self::Error>> + Send;

    /// Whether something in the group is at fault, so that the others may be written without it.
    fn is_of_one(error: &Self::Error) -> bool;

    /// Whether the log's disk is full.
    fn is_out_of_room(error: &Self::Error) -> bool;

    /// Lets go of what it holds. What was answered is safe without this.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// How large a group may be, and what may stand in one.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Appends in a group.
    pub appends_max: usize,
    /// Events in a group, unless one append has more.
    pub events_max: u64,
    /// Whether a group has one append for each stream at most: the next one waits for the next group.
    pub is_one_per_stream: bool,
}

/// The way to a log's writer. Dropping it lets the writer write what it was given, and end.
pub struct Appender {
    orders: mpsc::Sender<Order>,
}

/// The log takes no appends.
#[derive(Debug, Error)]
enum Refused {
    #[error("the event log is closed")]
    Closed,
    #[error("the event log's work was interrupted")]
    Interrupted,
}

/// One failure, told to every append of the group that it hit.
#[derive(Debug, Error)]
#[error(transparent)]
struct Shared<E: Error + 'static>(Arc<E>);

enum Order {
    Append(Box<Prepared>, Answer),
    Close(oneshot::Sender<()>),
}

type Answer = oneshot::Sender<Result<Appended, AppendError>>;

impl Appender {
    /// Starts the writer's task in the current runtime.
    pub fn start<W: GroupWriter>(writer: W, limits: Limits) -> Self {
        let (orders, gathered) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(writer, limits, gathered));
        Self { orders }
    }

    /// Encodes an append, has it written, and gives its answer.
    pub async fn append(&self, codec: &EventCodec, append: Append) -> Result<Appended, AppendError> {
        let refused = |refused: Refused| AppendError::Unavailable(refused.into());
        let unfit = |error: CodecError| AppendError::Unavailable(error.into());
        let draft = codec.draft(append).map_err(unfit)?;
        let prepared = if draft.needs_a_key() {
            let codec = codec.clone();
            // Sealing takes time, and a new key waits for the disk.
            let prepared = tokio::task::spawn_blocking(move || codec.finish(draft)).await;
            prepared.map_err(|_| refused(Refused::Interrupted))?
        } else {
            codec.finish(draft)
        };
        let prepared = prepared.map_err(unfit)?;
        let (answer, answered) = oneshot::channel();
        let order = Order::Append(Box::new(prepared), answer);
        self.orders.send(order).await.map_err(|_| refused(Refused::Closed))?;
        answered.await.map_err(|_| refused(Refused::Closed))?
    }

    /// Has everything written that was asked for before, and ends the writer. Later appends are refused.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.orders.send(Order::Close(done)).await.is_ok() {
            // An error means that the writer has ended by itself.
            let _ended = closed.await;
        }
    }
}

/// Works until it is told to close, or nobody can ask any more.
async fn run<W: GroupWriter>(mut writer: W, limits: Limits, mut orders: mpsc::Receiver<Order>) {
    let mut gathered = Vec::with_capacity(limits.appends_max);
    let mut expected = 0;
    let mut waiting: VecDeque<(Prepared, Answer)> = VecDeque::new();
    let mut closing = Vec::new();
    while closing.is_empty() || !waiting.is_empty() {
        if waiting.is_empty() && orders.recv_many(&mut gathered, limits.appends_max).await == 0 {
            break;
        }
        let mut turns = 0;
        while waiting.len() + gathered.len() < limits.appends_max {
            match orders.try_recv() {
                Ok(order) => gathered.push(order),
                // Those who were answered just now are about to come again.
                Err(TryRecvError::Empty) if waiting.len() + gathered.len() < expected && turns < TURNS_MAX => {
                    turns += 1;
                    yield_now().await;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        for order in gathered.drain(..) {
            match order {
                Order::Append(prepared, answer) => waiting.push_back((*prepared, answer)),
                Order::Close(done) => closing.push(done),
            }
        }
        let (appends, answers) = limits.next_group(&mut waiting);
        expected = appends.len();
        if !appends.is_empty() {
            write_group(&mut writer, &appends, answers).await;
        }
    }
    writer.close().await;
    for done in closing {
        let _nobody_waits = done.send(());
    }
}

impl Limits {
    /// Takes the next group from those that wait. What cannot stand in it keeps its turn.
    fn next_group(&self, waiting: &mut VecDeque<(Prepared, Answer)>) -> (Vec<Prepared>, Vec<Answer>) {
        let (mut appends, mut answers, mut later) = (Vec::new(), Vec::new(), VecDeque::new());
        let mut streams = HashSet::new();
        let mut events = 0;
        while let Some((append, answer)) = waiting.pop_front() {
            let is_full = appends.len() >= self.appends_max
                || (!appends.is_empty() && events + append.events() > self.events_max);
            let is_alone = !self.is_one_per_stream || streams.insert(append.stream.clone());
            if is_full || !is_alone {
                later.push_back((append, answer));
            } else {
                events += append.events();
                appends.push(append);
                answers.push(answer);
            }
        }
        *waiting = later;
        (appends, answers)
    }
}

async fn write_group<W: GroupWriter>(writer: &mut W, appends: &[Prepared], answers: Vec<Answer>) {
    let told = match writer.write(appends).await {
        Ok(told) => told,
        Err(error) if appends.len() > 1 && W::is_of_one(&error) => {
            let mut told = Vec::with_capacity(appends.len());
            for append in appends {
                let alone = std::slice::from_ref(append);
                told.extend(writer.write(alone).await.unwrap_or_else(|error| refuse::<W>(1, error)));
            }
            told
        }
        Err(error) => refuse::<W>(appends.len(), error),
    };
    for (answer, told) in answers.into_iter().zip(told) {
        // Whoever asked may have gone; what is written stays written.
        let _gone = answer.send(told);
    }
}

/// One failure, told to each of `count` appends.
fn refuse<W: GroupWriter>(count: usize, error: W::Error) -> Answers {
    let full = W::is_out_of_room(&error);
    let shared = Arc::new(error);
    let unavailable = || AppendError::Unavailable(Box::new(Shared(Arc::clone(&shared))));
    (0..count).map(|_| Err(if full { AppendError::OutOfRoom } else { unavailable() })).collect()
}
