//! Events of a flow, some in a dubbing's stream and some in a track's.

use super::{Sample, dubbing_stream, producer, track_stream};
use application::ports::event_log::DomainEvent;
use domain::{
    dubbing::DubbingEvent,
    flow::{Failure, Fence, FlowEvent, Stage, StageSummary, work_id},
    track::TrackEvent,
    value::Timestamp,
};

pub fn samples() -> Vec<Sample> {
    let of_dubbing = at_work(Fence { stage: Stage::Transcribe, run: 1, attempt: 2 });
    let of_track = steered(Fence { stage: Stage::SyncLips, run: 2, attempt: 1 });
    let dubbings =
        of_dubbing.into_iter().map(|flow| (dubbing_stream(), DomainEvent::Dubbing(DubbingEvent::Flow(flow))));
    let tracks = of_track.into_iter().map(|flow| (track_stream(), DomainEvent::Track(TrackEvent::Flow(flow))));
    dubbings.chain(tracks).collect()
}

fn at_work(fence: Fence) -> Vec<FlowEvent> {
    vec![
        FlowEvent::StageRequested { fence, work_id: work_id(&dubbing_stream().to_string(), fence) },
        FlowEvent::StageStarted { fence },
        FlowEvent::StageCompleted {
            fence,
            summary: StageSummary { wall_ms: 8_120, producers: vec![producer()], made: 11, reused: 1 },
        },
        FlowEvent::StageFailed {
            fence,
            failure: Failure {
                code: "engine-missing".to_owned(),
                message: "Install pocketsphinx: sudo apt-get install pocketsphinx.".to_owned(),
                permanent: true,
            },
        },
        FlowEvent::StageInherited {
            stage: fence.stage,
            summary: StageSummary { wall_ms: 8_120, producers: vec![producer()], made: 11, reused: 1 },
        },
        FlowEvent::StageLost { fence },
        FlowEvent::StageReleased { fence },
        FlowEvent::StageRetryScheduled { fence, at: Timestamp::from_unix_ms(1_769_846_460_000) },
    ]
}

fn steered(fence: Fence) -> Vec<FlowEvent> {
    let stage = fence.stage;
    vec![
        FlowEvent::StageParked { stage, code: "attempts-spent".to_owned() },
        FlowEvent::StageSkipped {
            fence,
            engine: "none".to_owned(),
            reason: "No engine moves lips here; the picture is as it was.".to_owned(),
        },
        FlowEvent::StageReopened { stage },
        FlowEvent::StageUndone { stage },
        FlowEvent::FlowPaused { code: "stage-parked".to_owned() },
        FlowEvent::FlowResumed,
        FlowEvent::FlowCompensated,
    ]
}
