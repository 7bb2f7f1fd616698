//! Appends, each written once.
//!
//! KurrentDB recognises a repeated append by its event ids, but only where it is repeated with the same expected
//! revision, and it says nothing of fingerprints. So a command is looked for in the stream's ledger first; the server's
//! check of the revision shows that the ledger was complete; and what lies in the stream afterwards decides whose the
//! append was. That also answers an append whose answer was lost.

use crate::{
    error::KurrentError,
    ledger::{Ledger, Ledgers},
    link::{Link, PAGE, Place},
    stored::{event_of, row_of},
};
use application::ports::{
    clock::Clock,
    event_log::{AppendError, Appended},
};
use domain::value::Sha256;
use event_codec::{Outcome, Prepared, Row, Tail, Verdict};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use uuid::Uuid;

/// Bytes of one append that a server takes unless it is told otherwise (`MaxAppendSize`).
pub(crate) const APPEND_BYTES_MAX: usize = 1_048_576;

/// How often an append is tried: lost races and lost connections both take a turn.
const TURNS: u32 = 8;

/// The pause before another turn after a lost connection; it doubles, and together they stay below 15 s.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes to streams.
pub(crate) struct Writer {
    pub link: Arc<Link>,
    pub clock: Arc<dyn Clock>,
    pub ledgers: Ledgers,
}

/// Why an append was not written.
pub(crate) enum Refusal {
    /// By the rules of the port.
    Rule(AppendError),
    /// By circumstance.
    Fault(KurrentError),
}

impl From<KurrentError> for Refusal {
    fn from(error: KurrentError) -> Self {
        Self::Fault(error)
    }
}

impl Writer {
    /// Writes an append, or finds what it came to before.
    pub async fn append(&self, prepared: &Prepared) -> Result<Appended, Refusal> {
        let stream = prepared.stream.to_string();
        let ledger = self.ledgers.of(&stream);
        let mut ledger = ledger.lock().await;
        let known = ledger.commands();
        let written = self.settle(prepared, &stream, &mut ledger).await;
        self.ledgers.grown(ledger.commands() - known);
        written
    }

    /// The outcome of the command whose append begins with the event of this id.
    pub async fn find(&self, stream: &str, first: &Uuid) -> Result<Option<Outcome>, KurrentError> {
        let ledger = self.ledgers.of(stream);
        let mut ledger = ledger.lock().await;
        let known = ledger.commands();
        if ledger.end_of(first).is_none() {
            self.catch_up(stream, &mut ledger).await?;
        }
        self.ledgers.grown(ledger.commands() - known);
        self.outcome(stream, &ledger, first).await
    }

    async fn settle(&self, prepared: &Prepared, stream: &str, ledger: &mut Ledger) -> Result<Appended, Refusal> {
        // Whether the ledger was compared with the stream, and the ends of what this call has tried to write.
        let (mut is_fresh, mut mine) = (false, Vec::new());
        let first = self.rows(prepared, ledger).1.first().map(|row| row.content.event_id).unwrap_or_default();
        let mut pause = PAUSE;
        for turn in 1..=TURNS {
            let known = self.outcome(stream, ledger, &first).await;
            let outcome = match known.map(|known| prepared.judge(known.as_ref(), &ledger.tail, false)) {
                Ok(Verdict::Replayed(found)) => {
                    return Ok(Appended { replayed: !mine.contains(&found.hash), ..found });
                }
                Ok(Verdict::Refused(AppendError::WrongRevision { .. })) if !is_fresh => Ok(()),
                Ok(Verdict::Refused(refusal)) => return Err(Refusal::Rule(refusal)),
                Ok(Verdict::Write) => match self.write(prepared, stream, ledger, &mut mine).await {
                    Ok(Some(appended)) => return Ok(appended),
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            let outcome = match outcome {
                Ok(()) => self.catch_up(stream, ledger).await.map(|()| is_fresh = true),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => {}
                Err(error) if error.may_pass() && turn < TURNS => {
                    sleep(pause).await;
                    pause *= 2;
                    is_fresh = false;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(KurrentError::Unsettled { turns: TURNS }.into())
    }

    /// Writes at the ledger's tail. `None` when it was not this call that wrote, or when the stream ends elsewhere.
    async fn write(
        &self,
        prepared: &Prepared,
        stream: &str,
        ledger: &mut Ledger,
        mine: &mut Vec<Sha256>,
    ) -> Result<Option<Appended>, KurrentError> {
        let (end, mut rows) = self.rows(prepared, ledger);
        let (mut events, mut bytes) = (Vec::with_capacity(rows.len()), 0);
        for row in &rows {
            let (event, size) = event_of(row)?;
            events.push(event);
            bytes += size;
        }
        if bytes > APPEND_BYTES_MAX {
            return Err(KurrentError::TooLarge { bytes, max: APPEND_BYTES_MAX });
        }
        mine.push(end.hash);
        let name = self.name(stream);
        if !self.link.append(&name, ledger.tail.revision, events).await? {
            return Ok(None);
        }
        // The server's answer is the same for an append that somebody else has written: the stream knows better.
        let Some(last) = self.row(&name, end.revision).await?.filter(|row| row.hash == end.hash) else {
            return Ok(None);
        };
        let position = last.position;
        // What lies before the last event has no part in the ledger but its ids.
        rows.iter_mut().for_each(|row| row.position = position);
        rows.iter().for_each(|row| ledger.note(row));
        Ok(Some(Appended { position, revision: end.revision, hash: end.hash, replayed: false }))
    }

    /// What would be written at the ledger's tail, recorded no earlier than what is there.
    fn rows(&self, prepared: &Prepared, ledger: &Ledger) -> (Tail, Vec<Row>) {
        let now = self.clock.now();
        let recorded_at = ledger.recorded_at.map_or(now, |before| before.max(now));
        prepared.chain(&ledger.tail, 0, recorded_at)
    }

    /// Reads what was written to the stream after the ledger's tail.
    async fn catch_up(&self, stream: &str, ledger: &mut Ledger) -> Result<(), KurrentError> {
        let name = self.name(stream);
        loop {
            let from = if ledger.tail.revision == 0 { Place::Start } else { Place::At(ledger.tail.revision) };
            let page = self.link.read_stream(&name, from, PAGE).await?;
            for event in &page {
                if event.revision != ledger.tail.revision {
                    return Err(KurrentError::Cut { stream: name, revision: event.revision + 1 });
                }
                ledger.note(&row_of(event, self.link.prefix())?);
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn outcome(&self, stream: &str, ledger: &Ledger, first: &Uuid) -> Result<Option<Outcome>, KurrentError> {
        let Some(revision) = ledger.end_of(first) else { return Ok(None) };
        let name = self.name(stream);
        let Some(Row { position, hash, content, .. }) = self.row(&name, revision).await? else {
            return Err(KurrentError::Cut { stream: name, revision: revision + 1 });
        };
        Ok(Some(Outcome { fingerprint: content.fingerprint, position, revision, hash }))
    }

    /// The row of one event, if it is there.
    async fn row(&self, name: &str, revision: u64) -> Result<Option<Row>, KurrentError> {
        let event = self.link.read_stream(name, Place::At(revision.saturating_sub(1)), 1).await?.into_iter().next();
        let event = event.filter(|event| event.revision + 1 == revision);
        event.map(|event| row_of(&event, self.link.prefix())).transpose()
    }

    fn name(&self, stream: &str) -> String {
        format!("{}{stream}", self.link.prefix())
    }
}
