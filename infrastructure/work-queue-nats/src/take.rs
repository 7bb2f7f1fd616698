//! Taking work out of a lane, without losing it when whoever asked has gone meanwhile.

use crate::{Inner, error::NatsQueueError, holds::Hold, lane::Lane, wire};
use application::ports::work_queue::{Delivery, Work};
use async_nats::{Message, StatusCode};
use bytes::Bytes;
use nats_connection::NatsError;
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, time::Instant};

/// One message, and the answer at once when there is none.
const ONE: &[u8] = br#"{"batch":1,"no_wait":true}"#;
/// When a message comes back that only a newer version can read.
const NEWER: Duration = Duration::from_secs(5);

/// The answer when there is nothing in a lane, on different occasions.
const NOTHING: [u16; 2] = [404, 408];

/// Takes the next work of a lane, if there is some. The question comes to its end even when this future is dropped: what
/// nobody waits for any more is given back at once.
pub(crate) async fn take(inner: &Arc<Inner>, lane: Lane) -> Result<Option<Taken>, NatsQueueError> {
    let taking = Arc::clone(inner);
    let task = tokio::spawn(async move {
        let taken = next(&taking, lane).await;
        match &taken {
            Ok(None) => taking.line.found_empty(lane),
            Ok(Some(Taken { parts, .. })) => {
                let left = parts.as_ref().map_or(0, |parts| parts.pending);
                taking.line.served(lane, left);
                // What was handed out before and comes again is found by the next look at all lanes.
                if left > 0 {
                    taking.hint(Some(lane));
                }
            }
            Err(_) => taking.hint(Some(lane)),
        }
        taken
    });
    // It fails only when the runtime ends.
    task.await.unwrap_or(Err(NatsError::Away.into()))
}

async fn next(inner: &Arc<Inner>, lane: Lane) -> Result<Option<Taken>, NatsQueueError> {
    let made = inner.topology.stream().await?;
    let consumer = inner.topology.consumer(&made, lane).await?;
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", inner.topology.names.stream());
    loop {
        // From before it is asked for: what the server counts begins later.
        let asked = Instant::now();
        let message = inner.link.ask_for_message(subject.clone(), Bytes::from_static(ONE)).await?;
        match message.status {
            None | Some(StatusCode::OK) => {}
            Some(status) if NOTHING.contains(&status.as_u16()) => return Ok(None),
            Some(status) => return Err(refusal(&message, status).into()),
        }
        let parts = read(inner, &message, &made.mark, asked).await?;
        if parts.is_some() {
            return Ok(Some(Taken { inner: Arc::clone(inner), parts }));
        }
    }
}

fn refusal(message: &Message, status: StatusCode) -> NatsError {
    let said = message.description.clone().unwrap_or_default();
    NatsError::Refused { what: "work", said, code: status.as_u16().into(), is_passing: true }
}

/// The work in a message; `None` for one that is put out of the way.
async fn read(inner: &Inner, message: &Message, mark: &str, asked: Instant) -> Result<Option<Parts>, NatsError> {
    let ack = message.reply.as_ref().map(ToString::to_string).unwrap_or_default();
    let Some(Numbers { deliveries, sequence, pending }) = numbers(&ack) else { return Ok(None) };
    let unreadable = match wire::decode(&message.payload) {
        Ok(work) => {
            let until = asked + inner.settings.lease;
            let subject = message.subject.to_string();
            let hold = Hold { mark: mark.to_owned(), ack, subject, sequence, until };
            return Ok(Some(Parts { work, hold, deliveries, pending }));
        }
        Err(unreadable) => unreadable,
    };
    let what = match &unreadable {
        wire::WireError::Newer(_) => format!("-NAK {{\"delay\": {}}}", NEWER.as_nanos()),
        wire::WireError::Malformed(_) => "+TERM".to_owned(),
    };
    let error = NatsQueueError::Unreadable(unreadable);
    tracing::warn!(error = &error as &dyn std::error::Error, sequence, "a message is put out of the way");
    inner.acknowledge(&ack, &what).await?;
    Ok(None)
}

/// What the subject for the acknowledgement of a message tells about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// How often it was handed out.
    pub deliveries: u32,
    /// Its number in the stream.
    pub sequence: u64,
    /// How many are left in its lane that were never handed out.
    pub pending: u64,
}

/// It is `$JS.ACK.<stream>.<consumer>.<handed out>.<number>.<number among those handed out>.<time>.<left>`, from some
/// servers on with `<domain>.<account>.` before the stream, and then with more words behind.
pub(crate) fn numbers(ack: &str) -> Option<Numbers> {
    let words: Vec<&str> = ack.strip_prefix("$JS.ACK.")?.split('.').collect();
    let first = match words.len() {
        7 => 2,
        9.. => 4,
        _ => return None,
    };
    let word = |index: usize| words.get(first + index);
    Some(Numbers {
        deliveries: word(0)?.parse().ok()?,
        sequence: word(1)?.parse().ok()?,
        pending: word(4)?.parse().ok()?,
    })
}

/// What was taken.
struct Parts {
    work: Work,
    hold: Hold,
    deliveries: u32,
    /// How many are left in its lane.
    pending: u64,
}

/// Work that was taken, and is given back at once if nobody keeps it.
pub(crate) struct Taken {
    inner: Arc<Inner>,
    parts: Option<Parts>,
}

impl Taken {
    /// Hands it out.
    pub fn keep(mut self) -> Option<Delivery> {
        let Parts { work, hold, deliveries, .. } = self.parts.take()?;
        let receipt = self.inner.holds.insert(work.id, hold);
        Some(Delivery { work, receipt, deliveries })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(Parts { work, hold, .. }) = self.parts.take() else { return };
        // Without a runtime the process ends, and the lease runs out.
        let Ok(runtime) = Handle::try_current() else { return };
        let inner = Arc::clone(&self.inner);
        runtime.spawn(async move {
            if let Err(error) = inner.acknowledge(&hold.ack, "-NAK").await {
                tracing::debug!(%error, work = %work.id.0, "work could not be given back, and waits for its lease's end");
            }
            inner.hint(inner.topology.names.lane_of(&hold.subject));
        });
    }
}
