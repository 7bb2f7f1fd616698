//! A dubbing as clients read it.
//!
//! Where it stands is folded from its own events and those of its tracks, so that an answer is never older than the log
//! it was asked from; when stages began and ended comes from the read models. Names are revealed here, and nowhere kept.

mod progress;
mod seen;
mod stages;
mod state;
#[cfg(test)]
mod tests;
mod trouble;

pub(crate) use progress::Progress;
pub(crate) use seen::Seen;
pub(crate) use stages::{StageState, StageView};
pub(crate) use state::{DubbingState, TrackState, dubbing_state, track_state};
pub(crate) use trouble::Trouble;

use domain::{dubbing::Priority, flow::Stage, value::LanguageTag};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A dubbing, and how it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Dubbing)]
pub(crate) struct DubbingDocument {
    /// Its id.
    pub id: Uuid,
    /// Where it stands.
    pub state: DubbingState,
    /// A person paused it: nothing begins until it is resumed.
    pub paused: bool,
    /// Why it failed, or why some of it stands still until somebody acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Trouble>,
    /// What is dubbed.
    pub source: SourceView,
    /// The languages asked for, in the order of their tags.
    pub tracks: Vec<TrackView>,
    /// How far it is.
    pub progress: Progress,
    /// Its stages in the order of the flow: those of the whole first, then those of each language.
    pub stages: Vec<StageView>,
    /// How urgent it is: `low`, `normal` or `high`.
    #[schema(value_type = String)]
    pub priority: Priority,
    /// The project it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Uuid>,
    /// The client's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_reference: Option<String>,
    /// The dubbing it was forked from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Origin>,
    /// When it was ordered. Absent in the answer to the order itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When something last happened to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub updated_at: Option<String>,
    /// When it was completed, failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Revision of the dubbing itself, for `If-Match`. What happens in its tracks does not change it.
    pub revision: u64,
    /// The answer holds for this position of the log at least: whoever follows the events after it misses nothing.
    pub position: u64,
    /// Where more is.
    pub links: Links,
}

/// What is dubbed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DubbingSource)]
pub(crate) struct SourceView {
    /// Its name; absent once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The asset it was handed in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<Uuid>,
    /// How long it lasts, in milliseconds; absent until it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Width of its picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of its picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The language spoken in it.
    #[schema(value_type = String)]
    pub language: LanguageTag,
    /// Nobody said which language that is.
    pub language_assumed: bool,
    /// Where the words come from: `recognise`, `embedded` or `text`.
    pub transcript: &'static str,
}

/// One language of a dubbing.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DubbingTrack)]
pub(crate) struct TrackView {
    /// The language.
    #[schema(value_type = String)]
    pub language: LanguageTag,
    /// Where it stands.
    pub state: TrackState,
    /// Whether a result can be fetched. That may be one from before, while it is made anew.
    pub has_result: bool,
    /// How far it is.
    pub progress: TrackProgress,
    /// Where more is.
    pub links: Links,
}

/// How far one language is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct TrackProgress {
    /// Share that is done, by the time that stages usually take; the transcript counts for all languages.
    #[schema(minimum = 0, maximum = 1)]
    pub fraction: f64,
    /// Lines to be spoken; 0 until the transcript is there.
    pub lines: usize,
    /// Lines that are spoken.
    pub spoken: usize,
    /// Lines that somebody should look at.
    pub to_attend: usize,
}

/// Where it was forked off.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = DubbingOrigin)]
pub(crate) struct Origin {
    /// The dubbing.
    pub dubbing: Uuid,
    /// The first stage that ran anew.
    #[schema(value_type = String)]
    pub stage: Stage,
}

/// Where more is, as paths of this server.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Links {
    /// Itself.
    #[serde(rename = "self")]
    pub own: String,
    /// The finished video, or sound if there is no picture; only when there is a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
}
