//! Why a dubbing failed, or stands still until somebody acts.

use application::reasons;
use domain::{
    dubbing::{Dubbing, Phase as Life},
    flow::{Flow, Phase, Stage},
    track::Track,
    value::LanguageTag,
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Why it failed, or why some of it stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DubbingProblem)]
pub(crate) struct Trouble {
    /// Stable code of the reason; `GET /v1/errors` lists them all.
    #[schema(example = "engine-missing")]
    pub code: String,
    /// One sentence about it.
    pub message: String,
    /// What to do.
    pub remedy: &'static str,
    /// The stage that stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stage: Option<Stage>,
    /// Its language; absent for stages of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub language: Option<LanguageTag>,
}

const FAILED: &str = "Order a new dubbing, of another source or with another transcript, as the message says.";
const PARKED: &str = "Mend what the message names, then retry the dubbing; or cancel it.";
/// A stage may have been lost to crashes only, and never have failed.
const LOST: &str = "the stage was begun again and again, and never came to its end";

impl Trouble {
    /// What is wrong with a dubbing, if anything is: its failure, else the first stage that is out of attempts.
    pub fn of(dubbing: &Dubbing, tracks: &[(LanguageTag, Arc<Track>)]) -> Option<Self> {
        match dubbing.phase {
            Life::Failed => dubbing.rejection.as_ref().map(|(code, message)| Self {
                code: code.clone(),
                message: message.clone(),
                remedy: FAILED,
                stage: None,
                language: None,
            }),
            Life::Processing => {
                let live = tracks.iter().filter(|(_, track)| !track.cancelled);
                parked(&dubbing.flow, None)
                    .or_else(|| live.into_iter().find_map(|(language, track)| parked(&track.flow, Some(language))))
            }
            Life::NotStarted | Life::Completed | Life::Cancelled => None,
        }
    }
}

fn parked(flow: &Flow, language: Option<&LanguageTag>) -> Option<Trouble> {
    let (stage, _) = flow.cells.iter().find(|(_, cell)| cell.phase == Phase::Parked)?;
    let known = flow.failures.get(stage);
    Some(Trouble {
        code: known.map_or_else(|| reasons::LOST.to_owned(), |failure| failure.code.clone()),
        message: known.map_or_else(|| LOST.to_owned(), |failure| failure.message.clone()),
        remedy: PARKED,
        stage: Some(*stage),
        language: language.cloned(),
    })
}
