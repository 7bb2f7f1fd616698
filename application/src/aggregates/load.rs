//! Loading: from what this process keeps, from a snapshot, from the log.

use super::{Aggregate, Aggregates, Loaded, keeper};
use crate::ports::event_log::{ReadError, Recorded, StreamId};
use domain::{dubbing::Dubbing, track::Track};
use std::sync::Arc;

/// Events read in one go.
pub const PAGE: usize = 512;
/// Events read before a snapshot is asked for: for a shorter stream it is not worth the question. A quarter of what a
/// stream has at least that has a snapshot.
pub const FIRST_PAGE: usize = 64;

impl Aggregates {
    /// An aggregate as it is now.
    pub async fn load<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A>, ReadError> {
        let known = A::cache(self).get(stream);
        let revision = known.as_ref().map_or(0, |known| known.revision);
        let mut loaded = match known {
            Some(known) => self.go_on(stream, known).await?,
            None => self.load_cold(stream).await?,
        };
        if loaded.revision > revision {
            self.take_snapshot(stream, &mut loaded);
            A::cache(self).put(stream, &loaded);
        }
        Ok(loaded)
    }

    /// An aggregate as this process last heard of it: what others have appended since is not in it. For decisions that the
    /// log checks, by those who are told of news.
    pub async fn recent<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A>, ReadError> {
        match A::cache(self).get(stream) {
            Some(known) => Ok(known),
            None => self.load(stream).await,
        }
    }

    /// Hears of events that were read from the whole log: kept states of dubbings and tracks are brought up to them.
    pub fn hear(&self, events: &[Recorded]) {
        for recorded in events {
            match &recorded.stream {
                StreamId::Dubbing(_) => self.hear_of::<Dubbing>(recorded),
                StreamId::Track(_) => self.hear_of::<Track>(recorded),
                StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => {}
            }
        }
    }

    fn hear_of<A: Aggregate>(&self, recorded: &Recorded) {
        let cache = A::cache(self);
        let Some(known) = cache.get(&recorded.stream).filter(|known| known.revision < recorded.revision) else {
            return;
        };
        if known.revision + 1 == recorded.revision {
            cache.change(&recorded.stream, known, |loaded| loaded.fold(std::slice::from_ref(recorded)));
        } else {
            // Something is missing in between: whoever needs it next reads it all.
            cache.forget(&recorded.stream);
        }
    }

    /// Takes a snapshot in the background when one is due.
    pub(super) fn take_snapshot<A: Aggregate>(&self, stream: &StreamId, loaded: &mut Loaded<A>) {
        if let Some(keeper) = &self.keeper {
            keeper.keep(stream, loaded);
        }
    }

    /// Folds a stream that this process keeps nothing of.
    async fn load_cold<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A>, ReadError> {
        let mut loaded = Loaded::nothing();
        let Some(keeper) = &self.keeper else {
            return self.go_on(stream, loaded).await;
        };
        let first = self.log.read_stream(stream, 1, FIRST_PAGE).await?;
        loaded.fold(&first);
        if first.len() < FIRST_PAGE {
            return Ok(loaded);
        }
        if let Some(kept) = keeper.recall::<A>(stream).await
            && let Some(resumed) = self.resume(stream, kept).await?
        {
            return Ok(resumed);
        }
        self.go_on(stream, loaded).await
    }

    /// Goes on from a state that was kept; `None` when the log does not have the event that it ends with. One page tells
    /// that, and what came after.
    async fn resume<A: Aggregate>(
        &self,
        stream: &StreamId,
        mut kept: Loaded<A>,
    ) -> Result<Option<Loaded<A>>, ReadError> {
        let page = self.log.read_stream(stream, kept.revision, PAGE).await?;
        let Some(after) = keeper::after(&kept, &page) else {
            tracing::debug!(%stream, revision = kept.revision, "a snapshot does not fit the log, and is passed over");
            return Ok(None);
        };
        kept.fold(after);
        if page.len() < PAGE { Ok(Some(kept)) } else { self.go_on(stream, kept).await.map(Some) }
    }

    /// Folds what the log has beyond a state.
    async fn go_on<A: Aggregate>(&self, stream: &StreamId, mut loaded: Loaded<A>) -> Result<Loaded<A>, ReadError> {
        loop {
            let page = self.log.read_stream(stream, loaded.revision + 1, PAGE).await?;
            loaded.fold(&page);
            if page.len() < PAGE {
                return Ok(loaded);
            }
        }
    }
}

impl<A: Aggregate> Loaded<A> {
    /// The same, some events later.
    fn fold(&mut self, page: &[Recorded]) {
        let Some(last) = page.last() else {
            return;
        };
        (self.revision, self.hash) = (last.revision, last.hash);
        self.tenant.get_or_insert_with(|| last.tenant.clone());
        let trace = page.iter().rev().find_map(|recorded| recorded.traceparent.clone());
        self.traceparent = trace.or(self.traceparent.take());
        let state = Arc::make_mut(&mut self.state);
        for event in page.iter().filter_map(|recorded| A::of(&recorded.event)) {
            A::evolve(state, event);
        }
    }
}
