//! History, read page by page: of the whole log, or of one dubbing from its streams alone.

use super::Frame;
use application::{
    aggregates::Aggregates,
    ports::event_log::{EventLog, ReadError, Recorded, StreamId},
};
use domain::value::{DubbingId, TrackId};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

/// Events read in one go for one listener.
const PAGE: usize = 64;

/// Where history is read from.
pub(super) enum Pages {
    /// The log.
    All,
    /// The streams of one dubbing, merged. Reading them costs as much as the dubbing is long, however long the log is.
    One(Box<Streams>),
}

/// A piece of history.
pub(super) struct PageOf {
    pub frames: VecDeque<Arc<Frame>>,
    /// There is nothing else up to here.
    pub scanned_to: u64,
}

impl Pages {
    pub(super) fn of_dubbing(aggregates: Arc<Aggregates>, dubbing: DubbingId) -> Self {
        let sources = vec![Source::new(StreamId::Dubbing(dubbing))];
        Self::One(Box::new(Streams { aggregates, dubbing, languages: BTreeSet::new(), sources }))
    }

    /// The next piece after `after`. What was written up to `until` is there already; what comes later may be missing.
    pub(super) async fn read(&mut self, log: &Arc<dyn EventLog>, after: u64, until: u64) -> Result<PageOf, ReadError> {
        let (events, scanned_to) = match self {
            Pages::All => {
                let page = log.read_log(after, PAGE).await?;
                (page.events.into(), page.scanned_to.max(after))
            }
            Pages::One(streams) => streams.read(log, after, until).await?,
        };
        let frames = events.iter().filter_map(Frame::of).map(Arc::new).collect();
        Ok(PageOf { frames, scanned_to })
    }
}

/// The streams of one dubbing.
pub(super) struct Streams {
    aggregates: Arc<Aggregates>,
    dubbing: DubbingId,
    languages: BTreeSet<TrackId>,
    sources: Vec<Source>,
}

/// A stream, and what was read of it ahead.
struct Source {
    stream: StreamId,
    next_revision: u64,
    ahead: VecDeque<Recorded>,
}

impl Streams {
    async fn read(
        &mut self,
        log: &Arc<dyn EventLog>,
        after: u64,
        until: u64,
    ) -> Result<(VecDeque<Recorded>, u64), ReadError> {
        self.find_tracks().await?;
        for source in self.sources.iter_mut().filter(|source| source.ahead.is_empty()) {
            source.fill(log, after).await?;
        }
        // A stream that is empty now has nothing up to `until`. One that becomes empty may have more: it ends the page.
        let mut events = VecDeque::new();
        while let Some(source) = self.first_of(until) {
            events.extend(source.ahead.pop_front());
            if source.ahead.is_empty() || events.len() == PAGE {
                let scanned_to = events.back().map_or(after, |event| event.position);
                return Ok((events, scanned_to));
            }
        }
        Ok((events, until.max(after)))
    }

    /// The stream whose next event is the first of all, unless that comes after `until`.
    fn first_of(&mut self, until: u64) -> Option<&mut Source> {
        let position = |source: &Source| source.ahead.front().map(|event| event.position);
        let sources = self.sources.iter_mut().filter(|source| position(source).is_some_and(|first| first <= until));
        sources.min_by_key(|source| position(source))
    }

    /// A track is asked for in the dubbing's stream before its own stream begins.
    async fn find_tracks(&mut self) -> Result<(), ReadError> {
        let dubbing = self.aggregates.dubbing(self.dubbing).await?;
        for language in dubbing.state.tracks.keys() {
            let track = TrackId { dubbing: self.dubbing, language: language.clone() };
            if self.languages.insert(track.clone()) {
                self.sources.push(Source::new(StreamId::Track(track)));
            }
        }
        Ok(())
    }
}

impl Source {
    fn new(stream: StreamId) -> Self {
        Self { stream, next_revision: 1, ahead: VecDeque::new() }
    }

    /// Reads on until there is an event after this position, or none at all.
    async fn fill(&mut self, log: &Arc<dyn EventLog>, after: u64) -> Result<(), ReadError> {
        while self.ahead.is_empty() {
            let page = log.read_stream(&self.stream, self.next_revision, PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            self.next_revision = last.revision + 1;
            self.ahead.extend(page.into_iter().filter(|event| event.position > after));
        }
        Ok(())
    }
}
