//! Withdraw a track: its result cannot be seen any more, or never comes to be.

use super::control_dubbing::{ControlDubbing, ControlError, Controlled};
use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::event_log::StreamId,
};
use domain::{
    flow::{FlowCommand, PAUSED_BY_USER},
    track::{Track, TrackCommand, TrackRejection},
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
    /// before: those go too. Once more: silent. The revision that `meta` expects is the track's.
    pub async fn run(&self, id: &TrackId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        if meta.expected_revision.is_some() {
            self.hold(id, meta).await?;
        }
        let meta = &meta.clone().expecting(None);
        let control = ControlDubbing { aggregates: Arc::clone(&self.aggregates) };
        match control.cancel_track(id, meta).await {
            Err(ControlError::AlreadyEnded) => self.after_the_end(id, meta).await,
            done => done,
        }
    }

    /// Holds the track at the revision that is expected. The decision stands in the dubbing's stream, whose append cannot
    /// check the track's: nothing can come between once the track's own stream says that it stands still. Should the
    /// process die in between, the process manager lets the track go on when it next looks at the dubbing, as it does
    /// with every track that is held while its dubbing is not.
    async fn hold(&self, id: &TrackId, meta: &CommandMeta) -> Result<(), ControlError> {
        let stream = StreamId::Track(id.clone());
        let pause = TrackCommand::Flow(FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() });
        let hold = meta.and_then(&format!("hold {stream}")).expecting(meta.expected_revision);
        match self.aggregates.execute::<Track>(&stream, pause, &hold).await {
            // It has not begun, or is called off already: there is nothing that could go on.
            Ok(_) | Err(CommandError::Rejected(TrackRejection::NotStarted | TrackRejection::Ended)) => Ok(()),
            Err(error) => Err(ControlError::Track(error)),
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
