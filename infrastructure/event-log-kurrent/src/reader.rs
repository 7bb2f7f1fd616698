//! Reads of streams and of the log.

use crate::{
    error::KurrentError,
    link::{Link, PAGE, Place},
    stored::{position_of, row_of},
    unreadable,
};
use application::ports::event_log::{ReadError, StreamId};
use event_codec::Row;
use kurrentdb::RecordedEvent;
use std::sync::Arc;

/// Events of everybody that are looked through when a filtered read finds nothing in its time.
const STRETCH: usize = 4_096;

/// Reads streams and the log.
pub(crate) struct Reader {
    pub link: Arc<Link>,
}

/// Rows of the log, and how far it was looked through.
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    pub scanned_to: u64,
    pub head: u64,
}

impl Reader {
    /// Position of this log's last event; 0 when there is none. Where the last events under the prefix are all somebody
    /// else's, the position of the last of those.
    pub async fn head(&self) -> Result<u64, KurrentError> {
        let mut head = 0;
        for count in [1, PAGE] {
            let (events, failed) = self.link.read_all(Place::End, count, true, None).await?;
            let last = events.iter().find(|event| self.is_ours(event)).or(events.first());
            match (last, failed) {
                (Some(last), _) => head = position_of(last)?,
                (None, Some(error)) => return Err(error),
                (None, None) => return Ok(0),
            }
            if events.iter().any(|event| self.is_ours(event)) {
                break;
            }
        }
        Ok(head)
    }

    /// Rows of a stream from a revision on.
    pub async fn stream(&self, stream: &str, from: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
        let name = format!("{}{stream}", self.link.prefix());
        let (mut rows, mut from) = (Vec::new(), from.max(1));
        while rows.len() < limit {
            let count = PAGE.min(limit - rows.len());
            let page = self.link.read_stream(&name, Place::At(from - 1), count).await.map_err(unreadable)?;
            let is_last = page.len() < count;
            for event in page {
                if event.revision + 1 != from {
                    let revision = event.revision + 1;
                    return Err(unreadable(KurrentError::Cut { stream: name, revision }));
                }
                rows.push(self.row(&event)?);
                from += 1;
            }
            if is_last {
                break;
            }
        }
        Ok(rows)
    }

    /// Rows of the log after a position.
    ///
    /// The end of this log is looked up first, so that no reader looks through what others write behind it, and is
    /// never told a place behind it either: to a consumer, a checkpoint beyond the head is one of another log.
    pub async fn log(&self, after: u64, limit: usize) -> Result<Rows, ReadError> {
        let head = self.head().await.map_err(unreadable)?;
        if limit == 0 || after >= head {
            return Ok(Rows { rows: Vec::new(), scanned_to: after, head });
        }
        // The event at the position itself is read again.
        let (from, count) = (if after == 0 { Place::Start } else { Place::At(after) }, limit.min(PAGE) + 1);
        let (events, failed) = self.link.read_all(from, count, true, Some(head)).await.map_err(unreadable)?;
        let (rows, scanned_to) = self.rows(&events, after, limit)?;
        let is_full = rows.len() == limit || events.len() == count;
        match failed {
            None if is_full => Ok(Rows { rows, scanned_to, head }),
            None => Ok(Rows { rows, scanned_to: scanned_to.max(head), head }),
            Some(_) if scanned_to > after => Ok(Rows { rows, scanned_to, head }),
            Some(KurrentError::Late { .. }) => self.stretch(from, after, head).await,
            Some(error) => Err(unreadable(error)),
        }
    }

    /// Goes on through what others wrote, a bounded piece at a time, where there is more of it than the server looks
    /// through in the time of a call.
    async fn stretch(&self, from: Place, after: u64, head: u64) -> Result<Rows, ReadError> {
        let (events, failed) = self.link.read_all(from, STRETCH, false, Some(head)).await.map_err(unreadable)?;
        let (rows, scanned_to) = self.rows(&events, after, STRETCH)?;
        match failed {
            Some(error) if scanned_to <= after => Err(unreadable(error)),
            Some(_) | None => Ok(Rows { rows, scanned_to: scanned_to.min(head), head }),
        }
    }

    /// The rows among events, at most `limit`, and how far they were looked through.
    fn rows(&self, events: &[RecordedEvent], after: u64, limit: usize) -> Result<(Vec<Row>, u64), ReadError> {
        let (mut rows, mut scanned_to) = (Vec::new(), after);
        for event in events.iter().filter(|event| event.position.commit > after) {
            if rows.len() == limit {
                break;
            }
            if self.is_ours(event) {
                rows.push(self.row(event)?);
            }
            scanned_to = event.position.commit;
        }
        Ok((rows, scanned_to))
    }

    /// Whether an event belongs to this log: others may have streams whose names begin the same.
    fn is_ours(&self, event: &RecordedEvent) -> bool {
        is_ours(event, self.link.prefix())
    }

    fn row(&self, event: &RecordedEvent) -> Result<Row, ReadError> {
        row_of(event, self.link.prefix()).map_err(|error| match error {
            KurrentError::Foreign(_) => ReadError::Undecodable {
                position: event.position.commit,
                event_type: event.event_type.clone(),
                stream: event.stream_id().to_owned(),
                source: error.into(),
            },
            other => unreadable(other),
        })
    }
}

/// Whether an event lies in a stream of the log with this prefix.
pub(crate) fn is_ours(event: &RecordedEvent, prefix: &str) -> bool {
    event.stream_id().strip_prefix(prefix).is_some_and(|stream| stream.parse::<StreamId>().is_ok())
}
