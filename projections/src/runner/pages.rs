//! Pages of the log, as the runner wants them: the next one is read while this one is folded, and an event that cannot
//! be read ends a page instead of all reading.

use application::ports::event_log::{EventLog, LogPage, ReadError, Recorded};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Some events, and the one after them that cannot be read, if that is why there are no more.
pub(super) struct Page {
    pub events: Vec<Recorded>,
    pub unread: Option<Unread>,
    /// Everything up to this position is in it.
    pub to: u64,
    head: u64,
}

/// What is known of an event that cannot be read.
#[derive(Clone)]
pub(super) struct Unread {
    pub position: u64,
    pub event_type: String,
    /// As stored.
    pub stream: String,
}

/// Reads pages one after the other.
pub(super) struct Pages {
    log: Arc<dyn EventLog>,
    limit: usize,
    /// Nothing after this position is wanted.
    until: u64,
    ahead: Option<Ahead>,
}

/// A page that is being read already.
struct Ahead {
    from: u64,
    reading: JoinHandle<Result<Page, ReadError>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Pages {
    /// Of so many events at most, up to a position.
    pub fn new(log: Arc<dyn EventLog>, limit: usize, until: u64) -> Self {
        Self { log, limit, until, ahead: None }
    }

    /// The events after a position. Where there are many more, begins to read them.
    pub async fn after(&mut self, from: u64) -> Result<Page, ReadError> {
        if from >= self.until {
            return Ok(Page { events: vec![], unread: None, to: from, head: from });
        }
        let page = match self.ahead.take_if(|ahead| ahead.from == from) {
            Some(mut ahead) => match (&mut ahead.reading).await {
                Ok(read) => read?,
                // The reading was ended with its runtime.
                Err(_) => read(&*self.log, from, self.limit, self.until).await?,
            },
            None => read(&*self.log, from, self.limit, self.until).await?,
        };
        let end = self.until.min(page.head);
        if page.to > from && end.saturating_sub(page.to) > self.limit as u64 {
            let (log, from, limit, until) = (Arc::clone(&self.log), page.to, self.limit, self.until);
            let reading = tokio::spawn(async move { read(&*log, from, limit, until).await });
            self.ahead = Some(Ahead { from, reading });
        }
        Ok(page)
    }
}

async fn read(log: &dyn EventLog, from: u64, limit: usize, until: u64) -> Result<Page, ReadError> {
    // Positions may have gaps: a page may go beyond what is wanted all the same.
    let mut limit = limit.min(usize::try_from(until.saturating_sub(from)).unwrap_or(usize::MAX));
    let mut unread = None;
    loop {
        let LogPage { mut events, scanned_to, head } = match log.read_log(from, limit).await {
            Ok(page) => page,
            Err(ReadError::Undecodable { position, event_type, stream, .. }) if position > from => {
                limit = before(from, position, limit);
                unread = (position <= until).then_some(Unread { position, event_type, stream });
                if limit == 0 {
                    let head = log.head().await?;
                    return Ok(Page { events: vec![], unread, to: position.min(until), head });
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        events.retain(|event| event.position <= until);
        // What cannot be read comes next, unless there are others in between.
        let unread = unread.filter(|unread| unread.position == scanned_to + 1);
        let to = unread.as_ref().map_or(scanned_to.min(until), |unread| unread.position);
        return Ok(Page { events, unread, to, head });
    }
}

/// How many events to read to end before one that cannot be read: all that can be in between, but fewer than were asked
/// for.
fn before(from: u64, position: u64, limit: usize) -> usize {
    let between = usize::try_from(position - from - 1).unwrap_or(usize::MAX);
    if limit <= 1 { 0 } else { between.min(limit / 2) }
}
