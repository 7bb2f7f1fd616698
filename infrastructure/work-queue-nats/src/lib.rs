//! The work queue of an installation on many machines, over NATS JetStream, for servers from 2.9 on.
//!
//! One stream has all work, under a subject for each piece; each lane (class, stage and priority) has a consumer, from
//! which work is taken one at a time without waiting. Whoever waits is woken by the server when something is put into
//! the stream, and looks now and then anyhow. What the server says is never the truth: the log is, and it fences what
//! workers report.
//!
//! Deliberately absent: turns of tenants, which a consumer cannot give (lanes by tenant would need as many consumers as
//! there are tenants), and leases of any other length than the consumers'.

mod depth;
mod error;
mod holds;
mod lane;
mod line;
mod settings;
mod take;
mod topology;
mod wire;
mod yardstick;

pub use error::NatsQueueError;
pub use nats_connection::{Login, Servers, Storage, Tls};
pub use settings::Settings;
pub use wire::WireError;
pub use yardstick::bare_publishes;

pub use application::ports::work_queue::WorkerClass;
use application::ports::work_queue::{
    Delivery, Depth, Door, Pass, QueueCapabilities, QueueError, Receipt, Work, WorkQueue,
};
use async_trait::async_trait;
use bytes::Bytes;
use domain::flow::{Stage, WorkId};
use futures::{StreamExt, future::try_join_all};
use holds::Holds;
use lane::{Lane, Names, PRIORITIES};
use line::Line;
use nats_connection::{Link, NatsError, Prefix};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use topology::{PURPOSE, Topology};

#[cfg(test)]
mod tests;

/// How long a call goes on while the server is away, before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for a heartbeat, which has to leave time for the next.
const HEART_PATIENCE: Duration = Duration::from_secs(3);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest time between two looks at all lanes.
const SWEEP_MAX: Duration = Duration::from_millis(500);
/// Bounds of the lease.
const LEASE_MIN: Duration = Duration::from_secs(1);
const LEASE_MAX: Duration = Duration::from_secs(3_600);
/// What counts as for ever when work is given back.
const DELAY_MAX: Duration = Duration::from_secs(365 * 24 * 3_600);

/// The stream does not take it: its subject has one already, or the stream is full.
const NOT_TAKEN: u64 = 10_077;
/// There is no such message.
const NO_MESSAGE: u64 = 10_037;

/// The queue.
#[derive(Debug)]
pub struct NatsWorkQueue {
    inner: Arc<Inner>,
    /// Who hears that there is work; ends with this.
    _ears: JoinSet<()>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    link: Link,
    topology: Topology,
    settings: Settings,
    holds: Holds,
    line: Line,
    changed: Notify,
}

impl NatsWorkQueue {
    /// Connects, and makes on the server what is missing there. To be called in a Tokio runtime, which then listens for
    /// work. Fails when the server is not as it must be, and has then started nothing.
    pub async fn connect(servers: &Servers, settings: Settings) -> Result<Self, NatsQueueError> {
        let names = Names::new(Prefix::try_new(&settings.prefix)?);
        if !(LEASE_MIN..=LEASE_MAX).contains(&settings.lease) {
            return Err(NatsQueueError::Lease(settings.lease));
        }
        let link = Link::connect(servers, names.prefix(), PURPOSE).await?;
        Self::begin(link.clone(), names, settings).await.map_err(|error| match error {
            NatsQueueError::Server(error) => link.explain(error).into(),
            other => other,
        })
    }

    async fn begin(link: Link, names: Names, settings: Settings) -> Result<Self, NatsQueueError> {
        link.require_jetstream().await?;
        let topology = Topology::new(link.clone(), names, &settings);
        let line = Line::new(lanes(&settings), SWEEP_MAX.min(settings.lease / 4));
        let inner = Inner { link, topology, settings, holds: Holds::default(), line, changed: Notify::new() };
        let inner = Arc::new(inner);
        // On a cluster the first start takes a while: each of these elects a leader.
        inner.patiently(PATIENCE, || inner.make_lanes()).await?;
        let mut ears = JoinSet::new();
        let stages: BTreeSet<_> = inner.line.lanes().iter().map(|lane| (lane.class, lane.stage)).collect();
        for (class, stage) in stages {
            let mut heard = inner.link.listen(inner.topology.names.wakes(class, stage)).await?;
            let listening = Arc::clone(&inner);
            ears.spawn(async move {
                while let Some(message) = heard.next().await {
                    listening.hint(listening.topology.names.lane_of(&message.subject));
                }
            });
        }
        Ok(Self { inner, _ears: ears })
    }
}

/// The lanes that a process takes work from.
fn lanes(settings: &Settings) -> Vec<Lane> {
    let stages = settings.stages.iter().map(|stage| (settings.class_of(*stage), *stage));
    let taken = stages.filter(|(class, _)| settings.classes.contains(class));
    taken.flat_map(|(class, stage)| PRIORITIES.map(|priority| Lane { class, stage, priority })).collect()
}

impl Inner {
    /// A lane may have work.
    fn hint(&self, lane: Option<Lane>) {
        if lane.is_some_and(|lane| self.line.push(lane)) {
            self.changed.notify_one();
        }
    }

    /// Tries for so long.
    async fn patiently<T, F: Future<Output = Result<T, NatsQueueError>>>(
        &self,
        patience: Duration,
        mut once: impl FnMut() -> F,
    ) -> Result<T, NatsQueueError> {
        let end = Instant::now() + patience;
        loop {
            match once().await {
                Err(error) if error.is_passing() && Instant::now() < end => {
                    tracing::debug!(%error, "trying again");
                    self.topology.doubt().await;
                    sleep(PAUSE).await;
                }
                ended => return ended,
            }
        }
    }

    /// Makes what is missing on the server of what this process takes work from.
    async fn make_lanes(&self) -> Result<(), NatsQueueError> {
        let made = self.topology.stream().await?;
        let lanes = self.line.lanes().iter();
        try_join_all(lanes.map(|lane| self.topology.consumer(&made, *lane))).await?;
        Ok(())
    }

    /// Once; what is in the queue already is not put in again.
    async fn put(&self, lane: Lane, work: WorkId, payload: Bytes) -> Result<(), NatsQueueError> {
        let made = self.topology.stream().await?;
        self.topology.consumer(&made, lane).await?;
        let subject = self.topology.names.work(lane, work.0);
        // It may be taken out just between the refusal and the look at why: then there is room.
        for _ in 0..2 {
            match self.link.ask_json("work", subject.clone(), payload.clone()).await {
                Err(NatsError::Refused { code: NOT_TAKEN, .. }) => {}
                taken => return Ok(taken.map(|_| ())?),
            }
            if self.sequence_of(&subject).await?.is_some() {
                return Ok(());
            }
        }
        Err(NatsQueueError::Full)
    }

    /// The number of the message under a subject, if there is one.
    async fn sequence_of(&self, subject: &str) -> Result<Option<u64>, NatsError> {
        let name = format!("STREAM.MSG.GET.{}", self.topology.names.stream());
        match self.link.api("a message of the work queue", &name, &json!({ "last_by_subj": subject })).await {
            Ok(answer) => Ok(answer.pointer("/message/seq").and_then(Value::as_u64)),
            Err(NatsError::Refused { code: NO_MESSAGE, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says something about what was handed out. When nobody hears it, its stream is gone, and there is nothing to say.
    async fn acknowledge(&self, ack: &str, what: &str) -> Result<(), NatsError> {
        match self.link.ask(ack.to_owned(), what.to_owned().into()).await {
            Ok(_) | Err(NatsError::Nobody) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same about what a receipt holds no more after it.
    async fn conclude(&self, receipt: Receipt, what: &str) -> Result<(), NatsQueueError> {
        let Some(hold) = self.holds.remove(receipt) else { return Ok(()) };
        self.patiently(PATIENCE, || async { Ok(self.acknowledge(&hold.ack, what).await?) }).await
    }

    /// Extends a lease; `false` when the work is not in the queue any more.
    async fn extend(&self, receipt: Receipt) -> Result<bool, NatsQueueError> {
        let Some(hold) = self.holds.get(receipt) else { return Ok(false) };
        // From before it is said: what the server counts begins later.
        let until = Instant::now() + self.settings.lease;
        if self.topology.stream().await?.mark != hold.mark {
            // The server has lost everything, so nobody else has it: what is under way comes to its end.
            return Ok(self.holds.extend(receipt, until));
        }
        let (said, found) = futures::join!(self.acknowledge(&hold.ack, "+WPI"), self.sequence_of(&hold.subject));
        said?;
        if found? == Some(hold.sequence) {
            return Ok(self.holds.extend(receipt, until));
        }
        self.holds.remove(receipt);
        Ok(false)
    }
}

#[async_trait]
impl WorkQueue for NatsWorkQueue {
    async fn publish(&self, work: Work) -> Result<(), QueueError> {
        let inner = &self.inner;
        let (stage, priority) = (work.fence.stage, work.claim.priority);
        let lane = Lane { class: inner.settings.class_of(stage), stage, priority };
        let payload = Bytes::from(wire::encode(&work).map_err(NatsQueueError::Unwritable)?);
        // The server tells all who take from this lane, this process among them.
        Ok(inner.patiently(PATIENCE, || inner.put(lane, work.id, payload.clone())).await?)
    }

    async fn pull_through(&self, door: &dyn Door, _lease: Duration) -> Result<(Delivery, Pass), QueueError> {
        let inner = &self.inner;
        let mut trying_since = None;
        let mut door_changes = door.changes();
        loop {
            let changed = inner.changed.notified();
            let (lane, pass) = match inner.line.pop(|stage| door.admit(stage)) {
                Ok((lane, is_last, pass)) => {
                    if !is_last {
                        inner.changed.notify_one();
                    }
                    (lane, pass)
                }
                Err(next) => {
                    tokio::select! {
                        _either = timeout_at(next, changed) => {}
                        () = door_changes.next() => {}
                    }
                    continue;
                }
            };
            match take::take(inner, lane).await {
                Ok(Some(taken)) => {
                    if let Some(delivery) = taken.keep() {
                        return Ok((delivery, pass));
                    }
                }
                Ok(None) => trying_since = None,
                Err(error) => {
                    let since = *trying_since.get_or_insert_with(Instant::now);
                    if !error.is_passing() || since.elapsed() >= PATIENCE {
                        return Err(error.into());
                    }
                    inner.topology.doubt().await;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// While the server does not answer, the answer is `true` for as long as the lease runs that there is.
    async fn heartbeat(&self, receipt: Receipt, _lease: Duration) -> Result<bool, QueueError> {
        let inner = &self.inner;
        match inner.patiently(HEART_PATIENCE, || inner.extend(receipt)).await {
            Err(error) if error.is_passing() => {
                tracing::warn!(%error, work = %receipt.work.0, "a lease could not be extended");
                Ok(inner.holds.get(receipt).is_some())
            }
            other => Ok(other?),
        }
    }

    async fn complete(&self, receipt: Receipt) -> Result<(), QueueError> {
        Ok(self.inner.conclude(receipt, "+ACK").await?)
    }

    async fn release(&self, receipt: Receipt, delay: Duration) -> Result<(), QueueError> {
        let inner = &self.inner;
        let Some(hold) = inner.holds.get(receipt) else { return Ok(()) };
        let delay_ns = delay.min(DELAY_MAX).as_nanos();
        inner.conclude(receipt, &format!("-NAK {{\"delay\": {delay_ns}}}")).await?;
        let lane = inner.topology.names.lane_of(&hold.subject);
        if let Some(lane) = lane.filter(|_| delay.is_zero()) {
            inner.hint(Some(lane));
            inner.link.tell(inner.topology.names.wake(lane, receipt.work.0)).await;
        }
        Ok(())
    }

    async fn discard(&self, work: WorkId) -> Result<(), QueueError> {
        let inner = &self.inner;
        let name = format!("STREAM.PURGE.{}", inner.topology.names.stream());
        let body = json!({ "filter": inner.topology.names.anywhere(work.0) });
        let purged = inner.patiently(PATIENCE, || async {
            inner.topology.stream().await?;
            Ok(inner.link.api("work to be taken out", &name, &body).await?)
        });
        Ok(purged.await.map(|_| ())?)
    }

    async fn holds(&self, work: WorkId) -> Result<bool, QueueError> {
        let inner = &self.inner;
        let subject = inner.topology.names.anywhere(work.0);
        let found = inner.patiently(PATIENCE, || async {
            inner.topology.stream().await?;
            Ok(inner.sequence_of(&subject).await?)
        });
        Ok(found.await?.is_some())
    }

    async fn depth(&self) -> Result<BTreeMap<Stage, Depth>, QueueError> {
        // Asked for again and again, so it need not be patient.
        Ok(self.inner.depth().await?)
    }

    fn capabilities(&self) -> QueueCapabilities {
        QueueCapabilities { fair_tenants: false, exact_depth: false, any_lease: false }
    }
}

impl From<NatsQueueError> for QueueError {
    fn from(error: NatsQueueError) -> Self {
        Self(Box::new(error))
    }
}
