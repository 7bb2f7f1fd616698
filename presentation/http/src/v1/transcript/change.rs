//! Corrects the transcript.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::view::UtteranceDocument;
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Json, Nothing, Path, Query},
    problem::{Code, Fault, Problem},
    trace::Trace,
    v1::fields::{SpeakerRef, Text, UtteranceRef, present},
};
use application::{aggregates::CommandError, commands::correct_line::CorrectError, queries};
use axum::extract::State;
use domain::{
    dubbing::{Dubbing, DubbingRejection, Edit, TranscribedUtterance},
    value::{DubbingId, Personal, UtteranceId},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Latest moment in a source, in milliseconds: 1,000 hours.
const MOMENT_MS_MAX: u64 = 3_600_000_000;

/// Which utterance.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct UtterancePath {
    /// The dubbing.
    id: Uuid,
    /// The utterance.
    utterance: UtteranceRef,
}

/// A correction: other words, times or speaker; or a cut; or a join.
#[derive(ToSchema)]
#[schema(as = TranscriptChange)]
#[serde(untagged)]
pub(crate) enum Correction {
    /// Other words, times or another speaker; what is left out stays as it is.
    Change(Change),
    /// A cut in two.
    Cut(Cut),
    /// A join with the next one.
    Join(Join),
}

/// Other words, times or another speaker; what is left out stays as it is.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UtteranceChange, min_properties = 1)]
pub(crate) struct Change {
    /// What is said.
    #[schema(nullable = false)]
    text: Option<Text>,
    /// When it begins, in milliseconds of the source.
    #[schema(nullable = false, maximum = 3_600_000_000_u64)]
    start_ms: Option<u64>,
    /// When it has ended; after it begins.
    #[schema(nullable = false, maximum = 3_600_000_000_u64)]
    end_ms: Option<u64>,
    /// Who says it: a known speaker, or the next number for a new one.
    #[schema(nullable = false)]
    speaker: Option<SpeakerRef>,
}

/// A cut in two.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UtteranceCut)]
pub(crate) struct Cut {
    /// Where, and into what.
    split: Split,
}

/// A join with the next utterance.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UtteranceJoin)]
pub(crate) struct Join {
    /// With which one.
    merge: Merge,
}

/// Where an utterance is cut. It keeps the first part; the second one gets a new id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Split {
    /// Where the second part begins, in milliseconds of the source.
    #[schema(maximum = 3_600_000_000_u64)]
    #[serde(deserialize_with = "moment")]
    at_ms: u64,
    /// What is said in each part.
    #[schema(value_type = Vec<Text>, min_items = 2, max_items = 2)]
    texts: [Text; 2],
}

/// What an utterance is joined with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merge {
    /// The utterance that follows; it goes.
    with: UtteranceRef,
}

/// A correction as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sent {
    #[serde(default, deserialize_with = "present")]
    text: Option<Text>,
    #[serde(default, deserialize_with = "maybe_moment")]
    start_ms: Option<u64>,
    #[serde(default, deserialize_with = "maybe_moment")]
    end_ms: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    speaker: Option<SpeakerRef>,
    #[serde(default, deserialize_with = "present")]
    split: Option<Split>,
    #[serde(default, deserialize_with = "present")]
    merge: Option<Merge>,
}

/// What a correction came to.
#[derive(Serialize, ToSchema)]
#[schema(as = CorrectedTranscript)]
pub(crate) struct Corrected {
    /// Revision of the dubbing's stream now.
    revision: u64,
    /// The utterances that it left: the one asked about, and what was cut off from it.
    utterances: Vec<UtteranceDocument>,
}

fn moment<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let ms = u64::deserialize(deserializer)?;
    let expected = "a moment is at most 3600000000 milliseconds";
    if ms <= MOMENT_MS_MAX { Ok(ms) } else { Err(serde::de::Error::custom(expected)) }
}

fn maybe_moment<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    moment(deserializer).map(Some)
}

/// Correct an utterance
///
/// Its words, times or speaker; or cut it in two; or join it with the next one: one of the three. The correction is
/// recorded and nothing else: in every language the line is stale until the track is regenerated.
#[utoipa::path(patch, path = "/v1/dubbings/{id}/transcript/utterances/{utterance}", tag = "transcript",
    operation_id = "correct_utterance", request_body = Correction, params(
    UtterancePath,
    ("If-Match" = String, Header, description = "The `ETag` of the transcript as it was read, or `*`"),
), responses(
    (status = 200, description = "It is corrected", body = Corrected, headers(
        ("ETag" = String, description = "Of the transcript now"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
    )),
))]
#[expect(clippy::too_many_arguments, reason = "a handler's arguments are the parts of a request that it reads")]
pub(crate) async fn change(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(path): Path<UtterancePath>,
    Query(Nothing {}): Query<Nothing>,
    Json(sent): Json<Sent>,
) -> Result<Done<Corrected>, Problem> {
    let (id, utterance) = (DubbingId(path.id), path.utterance.0);
    let before = queries::dubbing(&api.aggregates, id, caller.tenant()).await?;
    if !before.state.utterances.contains_key(&utterance) {
        return Err(Problem::new(Code::NotFound));
    }
    let expected = condition.required()?.resolve(before.revision)?;
    let correction = sent.check()?;
    let (added_at, times) = (correction.cuts_at(), correction.pointer_to_times());
    let meta = caller.command(ids.0.command, trace).expecting(expected);
    let appended = api.correct_line().transcript(id, correction.edit(utterance), &meta).await;
    let appended = appended.map_err(|error| refused(error, times))?;
    let now = queries::dubbing(&api.aggregates, id, caller.tenant()).await?;
    let published = queries::transcript::published(&api.aggregates, id, &now.state).await?;
    let utterances = left(&now.state, utterance, added_at).into_iter();
    let utterances = utterances.filter_map(|id| UtteranceDocument::of(&now.state, &published, id)).collect();
    let answer = Done::ok(Corrected { revision: now.revision, utterances }).revision(now.revision);
    Ok(answer.position(api.position_of(appended.map(|appended| appended.position)).await?))
}

/// The utterance itself and, after a cut, the one that begins where it was made.
fn left(dubbing: &Dubbing, utterance: UtteranceId, added_at: Option<u64>) -> Vec<UtteranceId> {
    let is_added = |line: &&TranscribedUtterance| {
        line.utterance != utterance && added_at.is_some_and(|at_ms| line.span.start_ms() == at_ms)
    };
    let added = dubbing.utterances.values().filter(is_added).map(|line| line.utterance);
    [utterance].into_iter().chain(added).collect()
}

impl Sent {
    /// What is meant, when it is one thing.
    fn check(self) -> Result<Correction, Problem> {
        let changes = [
            (self.text.is_some(), "/text"),
            (self.start_ms.is_some(), "/start_ms"),
            (self.end_ms.is_some(), "/end_ms"),
            (self.speaker.is_some(), "/speaker"),
        ];
        let named: Vec<&str> = changes.iter().filter_map(|(is_there, pointer)| is_there.then_some(*pointer)).collect();
        match (self.split, self.merge) {
            (None, None) if named.is_empty() => Err(invalid(
                "",
                "missing-field",
                "say at least one of text, start_ms, end_ms, speaker, split and merge",
            )),
            (None, None) => Ok(Correction::Change(Change {
                text: self.text,
                start_ms: self.start_ms,
                end_ms: self.end_ms,
                speaker: self.speaker,
            })),
            (Some(split), None) if named.is_empty() => Ok(Correction::Cut(Cut { split })),
            (None, Some(merge)) if named.is_empty() => Ok(Correction::Join(Join { merge })),
            (split, merge) => {
                let parts = [(split.is_some(), "/split"), (merge.is_some(), "/merge")];
                let parts = parts.into_iter().filter_map(|(is_there, pointer)| is_there.then_some(pointer));
                let at_odds = named.into_iter().chain(parts).map(|pointer| {
                    Fault::at(pointer, "invalid-value", "a cut, a join and other changes go one at a time")
                });
                Err(at_odds.fold(Problem::new(Code::InvalidRequest), Problem::fault))
            }
        }
    }
}

impl Correction {
    fn cuts_at(&self) -> Option<u64> {
        match self {
            Correction::Cut(cut) => Some(cut.split.at_ms),
            Correction::Change(_) | Correction::Join(_) => None,
        }
    }

    /// The field to blame when the utterance would end before it begins.
    fn pointer_to_times(&self) -> &'static str {
        match self {
            Correction::Change(Change { end_ms: None, .. }) => "/start_ms",
            Correction::Change(_) | Correction::Cut(_) | Correction::Join(_) => "/end_ms",
        }
    }

    fn edit(self, utterance: UtteranceId) -> Edit {
        match self {
            Correction::Change(Change { text, start_ms, end_ms, speaker }) => Edit::Change {
                utterance,
                text: text.map(|text| Personal::new(text.0)),
                start_ms,
                end_ms,
                speaker: speaker.map(|speaker| speaker.0),
            },
            Correction::Cut(Cut { split: Split { at_ms, texts } }) => {
                Edit::Split { utterance, at_ms, texts: Box::new(texts.map(|text| Personal::new(text.0))) }
            }
            Correction::Join(Join { merge }) => Edit::Merge { utterance, with: merge.with.0 },
        }
    }
}

fn invalid(pointer: &str, code: &'static str, detail: &str) -> Problem {
    Problem::new(Code::InvalidRequest).fault(Fault::at(pointer, code, detail))
}

fn refused(error: CorrectError, times: &'static str) -> Problem {
    match error {
        CorrectError::Transcript(error) => {
            let fault = if let CommandError::Rejected(rejection) = &error { fault(rejection, times) } else { None };
            match fault {
                Some(fault) => Problem::from(error).fault(fault),
                None => error.into(),
            }
        }
        other => crate::v1::lines::change::refused(other),
    }
}

/// The field that broke a rule, where one did.
fn fault(rejection: &DubbingRejection, times: &'static str) -> Option<Fault> {
    let pointer = match rejection {
        DubbingRejection::EndsBeforeItBegins => times,
        DubbingRejection::OverlapsNeighbour => "/start_ms",
        DubbingRejection::PastTheEnd => "/end_ms",
        DubbingRejection::NothingToSplit => "/split/at_ms",
        DubbingRejection::NotNeighbours | DubbingRejection::TooLong => "/merge/with",
        DubbingRejection::UnknownSpeaker => "/speaker",
        DubbingRejection::NotStarted
        | DubbingRejection::AlreadyStarted
        | DubbingRejection::Ended
        | DubbingRejection::SameLanguage
        | DubbingRejection::UnknownTrack
        | DubbingRejection::NotTranscribed
        | DubbingRejection::UnknownUtterance
        | DubbingRejection::ForeignFact
        | DubbingRejection::Unfinished
        | DubbingRejection::Flow(_) => return None,
    };
    Some(Fault::at(pointer, "invalid-value", rejection.to_string()))
}
