//! The flow of a stream, whichever aggregate it belongs to: reading it and giving it commands.

use crate::{
    aggregates::{Aggregates, CommandMeta},
    ports::event_log::{ReadError, StreamId},
    stages::handler::StageError,
};
use domain::{
    dubbing::{Dubbing, DubbingCommand},
    flow::{Flow, FlowCommand, Phase},
    track::{Track, TrackCommand},
};

/// The flow of a stream as it is now; one that has not begun has ended, too: it owes nothing.
pub async fn flow_of(aggregates: &Aggregates, stream: &StreamId) -> Result<Flow, ReadError> {
    Ok(match stream {
        StreamId::Dubbing(id) => of_dubbing(&aggregates.dubbing(*id).await?.state),
        StreamId::Track(id) => of_track(&aggregates.track(id).await?.state),
        StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => ended(),
    })
}

/// The same as this process last heard of it: see [`Aggregates::recent`].
pub async fn recent_flow_of(aggregates: &Aggregates, stream: &StreamId) -> Result<Flow, ReadError> {
    Ok(match stream {
        StreamId::Dubbing(_) => of_dubbing(&aggregates.recent(stream).await?.state),
        StreamId::Track(_) => of_track(&aggregates.recent(stream).await?.state),
        StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => ended(),
    })
}

fn of_dubbing(dubbing: &Dubbing) -> Flow {
    if dubbing.request.is_none() { ended() } else { dubbing.flow.clone() }
}

fn of_track(track: &Track) -> Flow {
    if track.header.is_none() { ended() } else { track.flow.clone() }
}

/// Gives a flow command to whichever aggregate the stream belongs to.
pub async fn give_flow(
    aggregates: &Aggregates,
    stream: &StreamId,
    command: FlowCommand,
    meta: &CommandMeta,
) -> Result<(), StageError> {
    match stream {
        StreamId::Dubbing(_) => {
            let outcome = aggregates.execute::<Dubbing>(stream, DubbingCommand::Flow(command), meta).await;
            outcome.map(|_| ()).map_err(StageError::from)
        }
        StreamId::Track(_) => {
            let outcome = aggregates.execute::<Track>(stream, TrackCommand::Flow(command), meta).await;
            outcome.map(|_| ()).map_err(StageError::from)
        }
        StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => {
            Err(StageError::Absent("a flow"))
        }
    }
}

/// Whether work of a flow is asked for or under way, and still wanted.
pub fn is_in_flight(flow: &Flow) -> bool {
    let is_over = flow.undoing || flow.ended;
    flow.cells.values().any(|cell| match cell.phase {
        Phase::Requested(_) => !is_over && flow.paused.is_none(),
        // Paused or not: its worker finishes it or gives it back.
        Phase::Started(_) => !is_over,
        Phase::Waiting | Phase::RetryAt(_) | Phase::Done => false,
        Phase::Skipped | Phase::Parked | Phase::Undone => false,
    })
}

fn ended() -> Flow {
    Flow { ended: true, ..Flow::default() }
}
