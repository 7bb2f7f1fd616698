//! What a command to a track brings about.

use super::{Track, TrackCommand, TrackEvent, TrackRejection, TrackSettings, edit, fork};
use crate::{
    decider::Decider,
    flow::{self, Fence, FlowCommand, FlowRejection},
};

impl Decider for Track {
    type State = Track;
    type Command = TrackCommand;
    type Event = TrackEvent;
    type Rejection = TrackRejection;

    const STATE_VERSION: u32 = 2;

    fn decide(track: &Track, command: TrackCommand) -> Result<Vec<TrackEvent>, TrackRejection> {
        match (&track.header, command) {
            (None, TrackCommand::Start { dubbing, source_language, language, settings, lines, inherited }) => {
                let begun = TrackEvent::TrackStarted { dubbing, source_language, language, settings, lines };
                fork::decide(begun, inherited)
            }
            (None, _) => Err(TrackRejection::NotStarted),
            (Some(header), TrackCommand::Start { dubbing, .. }) if header.dubbing != dubbing => {
                Err(TrackRejection::AlreadyStarted)
            }
            (Some(_), TrackCommand::Start { .. }) if !track.cancelled => Ok(vec![]),
            // Called off, and asked for again: once all is undone, it begins anew.
            (Some(_), TrackCommand::Start { dubbing, source_language, language, settings, lines, inherited })
                if track.flow.ended =>
            {
                fork::decide(
                    TrackEvent::TrackStarted { dubbing, source_language, language, settings, lines },
                    inherited,
                )
            }
            (Some(_), command) if track.cancelled => cancelled(track, command),
            (Some(header), TrackCommand::Revise(settings)) => Ok(revise(track, &header.settings, settings)),
            (Some(header), TrackCommand::CallOff(settings)) => Ok(call_off(track, &header.settings, settings)),
            (Some(_), command) => decide_running(track, command),
        }
    }

    fn evolve(track: &mut Track, event: &TrackEvent) {
        track.evolve(event);
    }
}

fn decide_running(track: &Track, command: TrackCommand) -> Result<Vec<TrackEvent>, TrackRejection> {
    match command {
        TrackCommand::Record { fence, facts } => {
            accept(track, fence, &facts)?;
            Ok(facts)
        }
        TrackCommand::Complete { fence, mut facts, summary, reopen } => {
            accept(track, fence, &facts)?;
            facts.extend(of_flow(track, FlowCommand::Complete { fence, summary, reopen })?);
            Ok(facts)
        }
        TrackCommand::Correct { utterance, change, source_revision } => {
            edit::correct(track, utterance, change, source_revision)
        }
        TrackCommand::Regenerate { from, request, lines } => Ok(edit::regenerate(track, from, request, lines)),
        TrackCommand::Deliver(files) => deliver(track, files),
        TrackCommand::Withdraw => match track.published {
            Some(_) => Ok(vec![TrackEvent::TrackWithdrawn]),
            None => Err(TrackRejection::NotPublished),
        },
        TrackCommand::Cancel => Ok(vec![TrackEvent::TrackWithdrawn]),
        TrackCommand::Flow(command) => of_flow(track, command),
        // All are decided before a track runs, and stay silent here.
        TrackCommand::Start { .. } | TrackCommand::Revise(_) | TrackCommand::CallOff(_) => Ok(vec![]),
    }
}

/// What is asked anew begins at the first stage whose result differs.
fn revise(track: &Track, current: &TrackSettings, settings: TrackSettings) -> Vec<TrackEvent> {
    let Some(stage) = current.first_affected(&settings) else {
        return vec![];
    };
    let reopened = flow::reopen(&track.flow, stage).into_iter().map(TrackEvent::Flow);
    [TrackEvent::TrackRevised { settings }].into_iter().chain(reopened).collect()
}

/// Where nothing is under way, nothing is called off.
fn call_off(track: &Track, current: &TrackSettings, settings: TrackSettings) -> Vec<TrackEvent> {
    if track.flow.is_at_rest() && *current == settings {
        return vec![];
    }
    let let_go = flow::let_go(&track.flow).into_iter().map(TrackEvent::Flow);
    let_go.chain([TrackEvent::RunCalledOff { settings }]).collect()
}

fn deliver(track: &Track, files: Vec<super::DeliveredFile>) -> Result<Vec<TrackEvent>, TrackRejection> {
    if track.published.is_none() {
        return Err(TrackRejection::NotPublished);
    }
    let new: Vec<_> = files.into_iter().filter(|file| !track.delivered.contains(file)).collect();
    Ok(if new.is_empty() { vec![] } else { vec![TrackEvent::TrackDelivered { files: new }] })
}

/// After it was called off only undoing goes on; late workers hear that they are late.
fn cancelled(track: &Track, command: TrackCommand) -> Result<Vec<TrackEvent>, TrackRejection> {
    match command {
        TrackCommand::Flow(command @ (FlowCommand::Undone(_) | FlowCommand::Compensated)) => of_flow(track, command),
        TrackCommand::Withdraw | TrackCommand::Cancel | TrackCommand::CallOff(_) => Ok(vec![]),
        TrackCommand::Record { .. } | TrackCommand::Complete { .. } => Err(FlowRejection::Superseded.into()),
        TrackCommand::Start { .. }
        | TrackCommand::Revise(_)
        | TrackCommand::Correct { .. }
        | TrackCommand::Regenerate { .. }
        | TrackCommand::Deliver(_)
        | TrackCommand::Flow(_) => Err(TrackRejection::Ended),
    }
}

fn accept(track: &Track, fence: Fence, facts: &[TrackEvent]) -> Result<(), TrackRejection> {
    if !track.flow.awaits(fence) {
        return Err(FlowRejection::Superseded.into());
    }
    if facts.iter().any(|fact| fact.reported_by() != Some(fence.stage)) {
        return Err(TrackRejection::ForeignFact);
    }
    if facts.iter().filter_map(TrackEvent::utterance).any(|id| !track.lines.contains_key(&id)) {
        return Err(TrackRejection::UnknownUtterance);
    }
    Ok(())
}

fn of_flow(track: &Track, command: FlowCommand) -> Result<Vec<TrackEvent>, TrackRejection> {
    Ok(flow::decide(&track.flow, command)?.into_iter().map(TrackEvent::Flow).collect())
}
