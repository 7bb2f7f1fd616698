//! What a command to a dubbing brings about.

use super::{Dubbing, DubbingCommand, DubbingEvent, DubbingRejection, Outcome, Phase, Start};
use crate::{
    decider::Decider,
    flow::{self, Action, Fence, Flow, FlowCommand, FlowEvent, FlowRejection, Stage, next_actions},
    track::TrackSettings,
    value::LanguageTag,
};

impl Decider for Dubbing {
    type State = Dubbing;
    type Command = DubbingCommand;
    type Event = DubbingEvent;
    type Rejection = DubbingRejection;

    fn decide(dubbing: &Dubbing, command: DubbingCommand) -> Result<Vec<DubbingEvent>, DubbingRejection> {
        match (dubbing.phase, command) {
            (Phase::NotStarted, DubbingCommand::Start(start)) => Ok(vec![begun(*start)]),
            (Phase::NotStarted, _) => Err(DubbingRejection::NotStarted),
            (_, DubbingCommand::Start(start)) => start_again(dubbing, *start),
            (Phase::Failed | Phase::Cancelled, command) => ended(dubbing, command),
            (Phase::Processing | Phase::Completed, command) => decide_running(dubbing, command),
        }
    }

    fn evolve(dubbing: &mut Dubbing, event: &DubbingEvent) {
        dubbing.evolve(event);
    }
}

fn decide_running(dubbing: &Dubbing, command: DubbingCommand) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    match command {
        DubbingCommand::Start(start) => start_again(dubbing, *start),
        DubbingCommand::ChooseDelivery(delivery) => {
            let same = dubbing.request.as_ref().is_some_and(|request| request.delivery == delivery);
            Ok(if same { vec![] } else { vec![DubbingEvent::DeliveryChosen { delivery }] })
        }
        DubbingCommand::RequestTrack { language, settings } => request_track(dubbing, language, settings),
        DubbingCommand::Record { fence, facts } => {
            accept(dubbing, fence, &facts)?;
            Ok(facts)
        }
        DubbingCommand::Complete { fence, mut facts, summary } => {
            accept(dubbing, fence, &facts)?;
            facts.extend(of_flow(&dubbing.flow, FlowCommand::Complete { fence, summary, reopen: None })?);
            Ok(facts)
        }
        DubbingCommand::RejectSource { fence, code, message } => {
            accept(dubbing, fence, &[])?;
            let rejected = DubbingEvent::SourceRejected { code: code.clone(), message };
            Ok(vec![rejected, DubbingEvent::VideoGenerationFailed { code }])
        }
        DubbingCommand::SettleTrack { language, outcome } => settle(dubbing, language, outcome),
        DubbingCommand::Cancel => Ok(match dubbing.phase {
            Phase::Processing => vec![DubbingEvent::VideoGenerationCancelled],
            Phase::NotStarted | Phase::Completed | Phase::Failed | Phase::Cancelled => vec![],
        }),
        DubbingCommand::Finish => finish(dubbing),
        DubbingCommand::Flow(command) => of_flow(&dubbing.flow, command),
    }
}

fn begun(start: Start) -> DubbingEvent {
    DubbingEvent::VideoGenerationStarted {
        identity: start.identity,
        source: start.source,
        name: start.name,
        audio_stream: start.audio_stream,
        source_language: start.source_language,
        language_assumed: start.language_assumed,
        transcript: start.transcript,
        delivery: start.delivery,
    }
}

/// The same request once more is silent; another one is refused.
fn start_again(dubbing: &Dubbing, start: Start) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let same = dubbing.request.as_ref().is_some_and(|request| request.identity == start.identity);
    if same { Ok(vec![]) } else { Err(DubbingRejection::AlreadyStarted) }
}

/// After failure or cancellation only undoing goes on; late workers hear that they are late.
fn ended(dubbing: &Dubbing, command: DubbingCommand) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    match command {
        DubbingCommand::Flow(command @ (FlowCommand::Undone(_) | FlowCommand::Compensated)) => {
            of_flow(&dubbing.flow, command)
        }
        DubbingCommand::Finish => of_flow(&dubbing.flow, FlowCommand::Compensated),
        DubbingCommand::Cancel | DubbingCommand::SettleTrack { .. } => Ok(vec![]),
        DubbingCommand::Record { .. } | DubbingCommand::Complete { .. } | DubbingCommand::RejectSource { .. } => {
            Err(FlowRejection::Superseded.into())
        }
        DubbingCommand::Start(_)
        | DubbingCommand::ChooseDelivery(_)
        | DubbingCommand::RequestTrack { .. }
        | DubbingCommand::Flow(_) => Err(DubbingRejection::Ended),
    }
}

fn request_track(
    dubbing: &Dubbing,
    language: LanguageTag,
    settings: TrackSettings,
) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let source_language = dubbing.request.as_ref().map(|request| &request.source_language);
    if source_language.is_some_and(|source| source.primary() == language.primary()) {
        return Err(DubbingRejection::SameLanguage);
    }
    if dubbing.tracks.get(&language).is_some_and(|track| track.settings == settings) {
        return Ok(vec![]);
    }
    let mut events = vec![DubbingEvent::TrackRequested { language, settings }];
    if dubbing.flow.cell(Stage::Clean).attempt > 0 {
        // Cleaning up waits for the new track, too.
        events.push(DubbingEvent::Flow(FlowEvent::StageReopened { stage: Stage::Clean }));
    }
    Ok(events)
}

fn settle(dubbing: &Dubbing, language: LanguageTag, outcome: Outcome) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    match dubbing.tracks.get(&language) {
        None => Err(DubbingRejection::UnknownTrack),
        Some(track) if track.outcome == Some(outcome) => Ok(vec![]),
        Some(_) => Ok(vec![DubbingEvent::TrackSettled { language, outcome }]),
    }
}

fn finish(dubbing: &Dubbing) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    if dubbing.phase == Phase::Completed {
        return Ok(vec![]);
    }
    if next_actions(&dubbing.flow) != [Action::Finish] {
        return Err(DubbingRejection::Unfinished);
    }
    let needs_attention = dubbing.tracks.values().any(|track| track.outcome == Some(Outcome::NeedsAttention));
    Ok(vec![DubbingEvent::VideoGenerationCompleted { needs_attention }])
}

fn accept(dubbing: &Dubbing, fence: Fence, facts: &[DubbingEvent]) -> Result<(), DubbingRejection> {
    if !dubbing.flow.awaits(fence) {
        return Err(FlowRejection::Superseded.into());
    }
    if facts.iter().any(|fact| fact.reported_by() != Some(fence.stage)) {
        return Err(DubbingRejection::ForeignFact);
    }
    Ok(())
}

fn of_flow(flow: &Flow, command: FlowCommand) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    Ok(flow::decide(flow, command)?.into_iter().map(DubbingEvent::Flow).collect())
}
