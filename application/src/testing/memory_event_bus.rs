//! An event bus in memory, which can be made to fail and to forget.

use crate::ports::event_bus::{BusError, BusPage, EventBus, Fence, Held, Notice, ToldEvent};
use async_trait::async_trait;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An event bus without a server. It keeps every promise of the port but durability.
#[derive(Debug, Default)]
pub struct MemoryEventBus(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    life: u64,
    told: Vec<ToldEvent>,
    notices: Vec<(u64, Notice)>,
    /// Messages that are still taken before it is away; `None` for any number.
    room: Option<usize>,
}

impl MemoryEventBus {
    /// Holds nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All events that were told, in order.
    pub fn told(&self) -> Vec<ToldEvent> {
        self.state().told.clone()
    }

    /// All notices, in order.
    pub fn notices(&self) -> Vec<Notice> {
        self.state().notices.iter().map(|(_, notice)| notice.clone()).collect()
    }

    /// Takes so many messages more, and is away then, until it is told otherwise by `None`.
    pub fn take_only(&self, messages: Option<usize>) {
        self.state().room = messages;
    }

    /// Forgets what was told, as a server does whose storage was wiped; the notices stay.
    pub fn forget_told(&self) {
        let mut state = self.state();
        state.life += 1;
        state.told.clear();
    }

    /// Forgets the notices.
    pub fn forget_notices(&self) {
        self.state().notices.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fence(&self) -> Fence {
        let (events, notices) = (self.told.len() as u64, self.notices.len() as u64);
        Fence { incarnation: self.life.to_string(), events, notices }
    }

    fn take_one(&mut self) -> Result<(), BusError> {
        match &mut self.room {
            None => Ok(()),
            Some(0) => Err(BusError::Unavailable("the bus is away".into())),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl EventBus for MemoryEventBus {
    async fn held(&self) -> Result<Held, BusError> {
        let state = self.state();
        if state.room == Some(0) {
            return Err(BusError::Unavailable("the bus is away".into()));
        }
        let noticed = state.notices.last().filter(|(life, _)| *life == state.life);
        Ok(Held {
            published: state.told.last().map(|event| event.mark),
            noticed: noticed.map(|(_, notice)| notice.mark),
            fence: state.fence(),
        })
    }

    async fn publish(&self, upon: &Fence, page: &BusPage) -> Result<Fence, BusError> {
        // Whoever publishes at the same time gets a chance to be first.
        tokio::task::yield_now().await;
        let mut state = self.state();
        let now = state.fence();
        if (&now.incarnation, now.events) != (&upon.incarnation, upon.events) {
            return Err(BusError::Moved);
        }
        for event in &page.events {
            state.take_one()?;
            state.told.push(event.clone());
        }
        if now.notices != upon.notices {
            return Err(BusError::Moved);
        }
        for notice in &page.notices {
            state.take_one()?;
            let life = state.life;
            state.notices.push((life, notice.clone()));
        }
        Ok(state.fence())
    }
}
