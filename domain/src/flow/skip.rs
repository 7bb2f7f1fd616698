//! Which stages the flow can go on without, and passing over one that is parked.

use super::{Fence, Flow, FlowEvent, FlowRejection, Phase, SKIPPED_BY_OPERATOR, Stage, decide::goes_on_without};

/// What would be missing without a stage; `None` when the flow can go on without it.
pub const fn needed_for(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Ingest => Some("without it there is no source to dub"),
        Stage::Separate => Some("without it there is no sound to transcribe and to mix"),
        Stage::Transcribe => Some("without it there are no lines to translate"),
        Stage::Translate => Some("without it there are no words to speak"),
        Stage::AssignVoices => Some("without it nobody speaks the lines"),
        Stage::Synthesise => Some("without it there is no speech to place"),
        Stage::Fit => Some("without it nobody knows when each line is spoken"),
        Stage::Mix => Some("without it the film has no sound"),
        Stage::Mux => Some("without it there is no film"),
        Stage::Assess => Some("without it there is no report, which is published with the film"),
        Stage::Sign => Some("without it nothing proves how the film was made"),
        Stage::Publish => Some("without it nobody can fetch the film"),
        // The picture as it is, the sound without a mark, and files that nobody needs any more.
        Stage::SyncLips | Stage::Mark | Stage::Clean => None,
    }
}

/// An operator passes over a stage that is out of attempts. Work is handed out again where nothing else is parked; a
/// user's pause stays. Once more: silent.
pub(super) fn pass_over(flow: &Flow, stage: Stage, reason: String) -> Result<Vec<FlowEvent>, FlowRejection> {
    if needed_for(stage).is_some() {
        return Err(FlowRejection::Needed(stage));
    }
    let cell = flow.cell(stage);
    match cell.phase {
        Phase::Parked => {}
        Phase::Skipped => return Ok(vec![]),
        Phase::Waiting | Phase::Requested(_) | Phase::Started(_) | Phase::RetryAt(_) | Phase::Done | Phase::Undone => {
            return Err(FlowRejection::NotParked(stage));
        }
    }
    let fence = Fence { stage, run: cell.run, attempt: cell.attempt };
    let skipped = FlowEvent::StageSkipped { fence, engine: SKIPPED_BY_OPERATOR.to_owned(), reason };
    Ok([skipped].into_iter().chain(goes_on_without(flow, &[stage])).collect())
}
