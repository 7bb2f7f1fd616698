//! What a command to a dubbing brings about.

use super::{
    Delivery, Dubbing, DubbingCommand, DubbingEvent, DubbingRejection, KeptTrack, Outcome, Phase, RequestedTrack,
    Start, TrackRequest, edit, fork,
};
use crate::{
    decider::Decider,
    flow::{self, Action, Fence, Flow, FlowCommand, FlowRejection, Stage, next_actions},
    value::LanguageTag,
};

impl Decider for Dubbing {
    type State = Dubbing;
    type Command = DubbingCommand;
    type Event = DubbingEvent;
    type Rejection = DubbingRejection;

    const STATE_VERSION: u32 = 2;

    fn decide(dubbing: &Dubbing, command: DubbingCommand) -> Result<Vec<DubbingEvent>, DubbingRejection> {
        match (dubbing.phase, command) {
            (Phase::NotStarted, DubbingCommand::Start(start)) => begin(*start),
            (Phase::NotStarted, DubbingCommand::Inherit { start, inherited }) => {
                fork::decide(begin(*start)?, inherited)
            }
            (Phase::NotStarted, _) => Err(DubbingRejection::NotStarted),
            (_, DubbingCommand::Start(start) | DubbingCommand::Inherit { start, .. }) => start_again(dubbing, *start),
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
        DubbingCommand::Start(start) | DubbingCommand::Inherit { start, .. } => start_again(dubbing, *start),
        DubbingCommand::Edit(edit) => edit::decide(dubbing, edit),
        DubbingCommand::Regenerate { language, from, request } => regenerate(dubbing, language, from, request),
        DubbingCommand::RequestTracks { tracks, delivery } => {
            let mut events = request_tracks(dubbing, tracks)?;
            events.extend(delivery.and_then(|delivery| choose_delivery(dubbing, delivery)));
            Ok(events)
        }
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
        DubbingCommand::SettleTrack { language, request, outcome } => settle(dubbing, language, request, outcome),
        DubbingCommand::CancelTrack { language } => cancel_track(dubbing, language),
        DubbingCommand::Cancel => match dubbing.phase {
            Phase::Processing => cancel(dubbing),
            Phase::NotStarted | Phase::Completed | Phase::Failed | Phase::Cancelled => Ok(vec![]),
        },
        DubbingCommand::Finish => finish(dubbing),
        DubbingCommand::Flow(command) => of_flow(&dubbing.flow, command),
    }
}

/// The beginning and the languages asked for are one append: a crash leaves all of it or nothing.
fn begin(start: Start) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let tracks = start.tracks;
    if tracks.iter().any(|track| is_same_language(&start.source_language, &track.language)) {
        return Err(DubbingRejection::SameLanguage);
    }
    let started = DubbingEvent::VideoGenerationStarted {
        identity: start.identity,
        source: start.source,
        name: start.name,
        audio_stream: start.audio_stream,
        source_language: start.source_language,
        language_assumed: start.language_assumed,
        transcript: start.transcript,
        delivery: start.delivery,
        order: start.order,
    };
    let requested = tracks
        .into_iter()
        .map(|TrackRequest { language, settings }| DubbingEvent::TrackRequested { language, settings });
    Ok([started].into_iter().chain(requested).collect())
}

fn is_same_language(source: &LanguageTag, target: &LanguageTag) -> bool {
    source.primary() == target.primary()
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
        DubbingCommand::Cancel | DubbingCommand::SettleTrack { .. } | DubbingCommand::CancelTrack { .. } => Ok(vec![]),
        DubbingCommand::Record { .. } | DubbingCommand::Complete { .. } | DubbingCommand::RejectSource { .. } => {
            Err(FlowRejection::Superseded.into())
        }
        DubbingCommand::Start(_)
        | DubbingCommand::Inherit { .. }
        | DubbingCommand::RequestTracks { .. }
        | DubbingCommand::Edit(_)
        | DubbingCommand::Regenerate { .. }
        | DubbingCommand::Flow(_) => Err(DubbingRejection::Ended),
    }
}

fn request_tracks(dubbing: &Dubbing, tracks: Vec<TrackRequest>) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let source_language = dubbing.request.as_ref().map(|request| &request.source_language);
    if tracks.iter().any(|track| source_language.is_some_and(|source| is_same_language(source, &track.language))) {
        return Err(DubbingRejection::SameLanguage);
    }
    let is_news = |track: &TrackRequest| {
        let known = dubbing.tracks.get(&track.language);
        known.is_none_or(|known| known.settings != track.settings || known.outcome == Some(Outcome::Cancelled))
    };
    let news = tracks.into_iter().filter(is_news);
    let mut events: Vec<_> =
        news.map(|TrackRequest { language, settings }| DubbingEvent::TrackRequested { language, settings }).collect();
    if !events.is_empty() {
        events.extend(clean_again(dubbing));
    }
    Ok(events)
}

/// Cleaning up waits for the tracks that are to be made, too.
fn clean_again(dubbing: &Dubbing) -> Vec<DubbingEvent> {
    let has_begun = dubbing.flow.cell(Stage::Clean).attempt > 0;
    let reopened = if has_begun { flow::reopen(&dubbing.flow, Stage::Clean) } else { vec![] };
    reopened.into_iter().map(DubbingEvent::Flow).collect()
}

fn regenerate(
    dubbing: &Dubbing,
    language: LanguageTag,
    from: Option<Stage>,
    request: u32,
) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let track = dubbing.tracks.get(&language).ok_or(DubbingRejection::UnknownTrack)?;
    if request <= track.regenerations {
        return Ok(vec![]);
    }
    Ok([DubbingEvent::RegenerationRequested { language, from }].into_iter().chain(clean_again(dubbing)).collect())
}

fn choose_delivery(dubbing: &Dubbing, delivery: Delivery) -> Option<DubbingEvent> {
    let is_same = dubbing.request.as_ref().is_some_and(|request| request.delivery.as_ref() == Some(&delivery));
    (!is_same).then_some(DubbingEvent::DeliveryChosen { delivery })
}

/// What was asked for since, or called off, has not come to this end.
fn settle(
    dubbing: &Dubbing,
    language: LanguageTag,
    request: u32,
    outcome: Outcome,
) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let track = dubbing.tracks.get(&language).ok_or(DubbingRejection::UnknownTrack)?;
    let is_meant = track.requests == request && track.outcome.is_none();
    Ok(if is_meant { vec![DubbingEvent::TrackSettled { language, outcome }] } else { vec![] })
}

fn cancel_track(dubbing: &Dubbing, language: LanguageTag) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let track = dubbing.tracks.get(&language).ok_or(DubbingRejection::UnknownTrack)?;
    if track.outcome == Some(Outcome::Cancelled) {
        return Ok(vec![]);
    }
    let is_off = would_come_to_nothing(dubbing, &language);
    let settled = DubbingEvent::TrackSettled { language, outcome: Outcome::Cancelled };
    Ok([settled].into_iter().chain(is_off.then_some(DubbingEvent::VideoGenerationCancelled)).collect())
}

/// What was finished before is kept, and a language that is being made anew is as it was. A dubbing that was completed
/// before, or that makes nothing for the first time, comes to its end without what was under way; any other is called
/// off.
fn cancel(dubbing: &Dubbing) -> Result<Vec<DubbingEvent>, DubbingRejection> {
    let under_way: Vec<_> = dubbing.tracks.iter().filter(|(_, track)| track.outcome.is_none()).collect();
    let is_all_kept = !under_way.is_empty() && under_way.iter().all(|(_, track)| track.kept.is_some());
    let comes_back = dubbing.was_completed || is_all_kept;
    let stop = |(language, track): (&LanguageTag, &RequestedTrack)| match &track.kept {
        Some(KeptTrack { settings, outcome }) => Some(DubbingEvent::TrackRestored {
            language: language.clone(),
            settings: settings.clone(),
            outcome: *outcome,
        }),
        None if comes_back => {
            Some(DubbingEvent::TrackSettled { language: language.clone(), outcome: Outcome::Cancelled })
        }
        None => None,
    };
    let mut events: Vec<DubbingEvent> = under_way.into_iter().filter_map(stop).collect();
    if comes_back {
        events.extend(of_flow(&dubbing.flow, FlowCommand::Resume)?);
    } else {
        events.push(DubbingEvent::VideoGenerationCancelled);
    }
    Ok(events)
}

/// Whether nothing would be left to make without this language, and nothing was ever finished.
fn would_come_to_nothing(dubbing: &Dubbing, without: &LanguageTag) -> bool {
    let is_off = |(language, track): (&LanguageTag, &RequestedTrack)| {
        !track.was_finished && (language == without || track.outcome == Some(Outcome::Cancelled))
    };
    dubbing.phase == Phase::Processing && dubbing.tracks.iter().all(is_off)
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
