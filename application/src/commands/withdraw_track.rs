//! Withdraw a track: its result cannot be seen any more, or never comes to be.

use super::control_dubbing::{ControlDubbing, ControlError, Controlled};
use crate::{
    aggregates::{Aggregates, CommandMeta},
    ports::event_log::StreamId,
};
use domain::{
    track::{Track, TrackCommand},
    value::TrackId,
};
use std::sync::Arc;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct WithdrawTrack {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
}

impl WithdrawTrack {
    /// Withdraws the result, or calls the work off. A dubbing that was called off or failed may still show results of
    /// before: those go too. Once more: silent.
    pub async fn run(&self, id: &TrackId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let control = ControlDubbing { aggregates: Arc::clone(&self.aggregates) };
        match control.cancel_track(id, meta).await {
            Err(ControlError::AlreadyEnded) => self.after_the_end(id, meta).await,
            done => done,
        }
    }

    async fn after_the_end(&self, id: &TrackId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        if self.aggregates.track(id).await?.state.header.is_none() {
            return Ok(Controlled::default());
        }
        let stream = StreamId::Track(id.clone());
        // The id that `cancel_track` gives it, so that the same command is known whichever way it went.
        let meta = meta.and_then(&stream.to_string());
        let done = self.aggregates.execute::<Track>(&stream, TrackCommand::Cancel, &meta).await;
        let done = done.map_err(ControlError::Track)?;
        Ok(Controlled { position: done.map(|appended| appended.position) })
    }
}
