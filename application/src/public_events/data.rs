//! What an event tells, before it is known where it stands.

use super::PublicEventType;
use domain::{
    flow::{Fence, FlowEvent, Stage, StageSummary},
    value::LanguageTag,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What an event tells.
pub(super) struct Told {
    pub kind: PublicEventType,
    pub language: Option<LanguageTag>,
    pub asset: Option<Uuid>,
    pub project: Option<Uuid>,
    pub stage: Option<Stage>,
    pub run: Option<u32>,
    pub attempt: Option<u32>,
    pub data: Map<String, Value>,
}

impl Told {
    /// Of this type, and nothing else.
    pub(super) fn new(kind: PublicEventType) -> Self {
        let (language, asset, project, stage, run, attempt) = (None, None, None, None, None, None);
        Self { kind, language, asset, project, stage, run, attempt, data: Map::new() }
    }

    /// Of this type, with the fields of a JSON object. Fields that are null are left out.
    pub(super) fn with(kind: PublicEventType, fields: Value) -> Self {
        let mut told = Self::new(kind);
        if let Value::Object(mut fields) = fields {
            fields.retain(|_, value| !value.is_null());
            told.data = fields;
        }
        told
    }

    /// About this language.
    pub(super) fn in_language(self, language: &LanguageTag) -> Self {
        Self { language: Some(language.clone()), ..self }
    }

    /// About this stage.
    pub(super) fn at_stage(self, stage: Stage) -> Self {
        Self { stage: Some(stage), ..self }
    }

    /// About this attempt.
    pub(super) fn in_attempt(self, fence: Fence) -> Self {
        Self { run: Some(fence.run), attempt: Some(fence.attempt), ..self.at_stage(fence.stage) }
    }
}

/// What happened to the flow of a dubbing or a track.
pub(super) fn flow(event: &FlowEvent) -> Told {
    use PublicEventType as Type;
    match event {
        FlowEvent::StageRequested { fence, .. } => Told::new(Type::StageQueued).in_attempt(*fence),
        FlowEvent::StageStarted { fence } => Told::new(Type::StageStarted).in_attempt(*fence),
        FlowEvent::StageCompleted { fence, summary } => {
            Told::with(Type::StageCompleted, took(summary)).in_attempt(*fence)
        }
        FlowEvent::StageInherited { stage, summary } => {
            Told::with(Type::StageInherited, took(summary)).at_stage(*stage)
        }
        FlowEvent::StageFailed { fence, failure } => {
            let fields = json!({"code": failure.code, "permanent": failure.permanent});
            Told::with(Type::StageFailed, fields).in_attempt(*fence)
        }
        FlowEvent::StageReleased { fence } => Told::new(Type::StageReleased).in_attempt(*fence),
        FlowEvent::StageLost { fence } => Told::new(Type::StageLost).in_attempt(*fence),
        FlowEvent::StageRetryScheduled { fence, at } => {
            Told::with(Type::StageRetryScheduled, json!({"retry_at": at})).in_attempt(*fence)
        }
        FlowEvent::StageParked { stage, code } => Told::with(Type::StageParked, json!({"code": code})).at_stage(*stage),
        FlowEvent::StageSkipped { fence, engine, reason: _ } => {
            Told::with(Type::StageSkipped, json!({"engine": engine})).in_attempt(*fence)
        }
        FlowEvent::StageReopened { stage } => Told::new(Type::StageReopened).at_stage(*stage),
        FlowEvent::StageUndone { stage } => Told::new(Type::StageUndone).at_stage(*stage),
        FlowEvent::FlowPaused { code } => Told::with(Type::FlowPaused, json!({"code": code})),
        FlowEvent::FlowResumed => Told::new(Type::FlowResumed),
        FlowEvent::FlowCompensated => Told::new(Type::FlowCompensated),
    }
}

fn took(summary: &StageSummary) -> Value {
    json!({"wall_ms": summary.wall_ms, "made": summary.made, "reused": summary.reused})
}
