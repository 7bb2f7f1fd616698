//! Corrects a line of a track: its wording, voice and rate.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::view::LineDocument;
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Json, Nothing, Path, Query},
    problem::{Code, Fault, Problem, unasked},
    trace::Trace,
    v1::fields::{Text, UtteranceRef, present},
};
use application::{
    abilities::Unable,
    commands::correct_line::CorrectError,
    queries::{self, lines},
};
use axum::extract::State;
use domain::{
    track::LineChange,
    value::{DubbingId, LanguageTag, Percent, Personal, TrackId},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which line.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct LinePath {
    /// The dubbing.
    id: Uuid,
    /// The language, as a BCP 47 tag.
    #[param(value_type = String, example = "es", pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length = 35)]
    lang: LanguageTag,
    /// The utterance.
    utterance: UtteranceRef,
}

/// What is to be different; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TrackUtteranceChange, min_properties = 1)]
pub(crate) struct Change {
    /// What is said; null leaves it to the engine again.
    #[schema(value_type = Option<Text>)]
    #[serde(default, deserialize_with = "present")]
    translation: Option<Option<Text>>,
    /// The engine's name of a voice that speaks the language; null is the speaker's.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    #[serde(default, deserialize_with = "present")]
    voice: Option<Option<VoiceName>>,
    /// How fast it is spoken, in percent of the voice's own rate; null leaves it to the planner.
    #[schema(value_type = Option<u16>, minimum = 50, maximum = 200)]
    #[serde(default, deserialize_with = "present")]
    rate: Option<Option<Rate>>,
}

/// An engine's name of a voice.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct VoiceName(String);

/// A rate.
#[derive(Deserialize)]
#[serde(try_from = "u64")]
struct Rate(Percent);

impl TryFrom<String> for VoiceName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let is_name = !name.is_empty() && name.chars().nth(100).is_none();
        if is_name { Ok(Self(name)) } else { Err("a voice's name has 1 to 100 characters") }
    }
}

impl TryFrom<u64> for Rate {
    type Error = &'static str;

    fn try_from(percent: u64) -> Result<Self, Self::Error> {
        let percent = u16::try_from(percent).ok().filter(|percent| (50..=200).contains(percent));
        percent.map(|percent| Self(Percent::new(percent))).ok_or("a rate is 50 to 200 percent")
    }
}

/// Correct a line of a track
///
/// Its wording, its voice, its rate. The correction is recorded and nothing else: the line is stale until the track is
/// regenerated.
#[utoipa::path(patch, path = "/v1/dubbings/{id}/tracks/{lang}/utterances/{utterance}", tag = "tracks",
    operation_id = "correct_line", request_body = Change, params(
    LinePath,
    ("If-Match" = String, Header, description = "The `ETag` of the lines as they were read, or `*`"),
), responses(
    (status = 200, description = "It is corrected", body = LineDocument, headers(
        ("ETag" = String, description = "Of the lines now"),
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
    Path(path): Path<LinePath>,
    Query(Nothing {}): Query<Nothing>,
    Json(change): Json<Change>,
) -> Result<Done<LineDocument>, Problem> {
    let utterance = path.utterance.0;
    let id = TrackId { dubbing: DubbingId(path.id), language: path.lang };
    let (dubbing, track) = queries::track(&api.aggregates, &id, caller.tenant()).await?;
    let is_known = lines::get(&dubbing.state, &track.state, utterance).is_some();
    if !is_known {
        return Err(Problem::new(Code::NotFound));
    }
    let expected = condition.required()?.resolve(track.revision)?;
    let change = change.check()?;
    if !track.state.lines.contains_key(&utterance) {
        let detail = "The track does not have this line yet: it is part of it once the track is made, or made anew.";
        return Err(Problem::new(Code::NotPossible).detail(detail));
    }
    let meta = caller.command(ids.0.command, trace).expecting(expected);
    let appended = api.correct_line().track(&id, utterance, change, &meta).await.map_err(refused)?;
    let (dubbing, track) = queries::track(&api.aggregates, &id, caller.tenant()).await?;
    let line = lines::get(&dubbing.state, &track.state, utterance).ok_or_else(|| Problem::new(Code::NotFound))?;
    let answer = Done::ok(LineDocument::from(line)).revision(track.revision);
    Ok(answer.position(api.position_of(appended.map(|appended| appended.position)).await?))
}

impl Change {
    fn check(self) -> Result<LineChange, Problem> {
        if self.translation.is_none() && self.voice.is_none() && self.rate.is_none() {
            let fault = Fault::at("", "missing-field", "say at least one of translation, voice and rate");
            return Err(Problem::new(Code::InvalidRequest).fault(fault));
        }
        Ok(LineChange {
            translation: self.translation.map(|text| text.map(|text| Personal::new(text.0))),
            voice: self.voice.map(|voice| voice.map(|voice| voice.0)),
            rate: self.rate.map(|rate| rate.map(|rate| rate.0)),
        })
    }
}

/// What a refused correction means to clients.
pub(crate) fn refused(error: CorrectError) -> Problem {
    match error {
        CorrectError::NoSuchLine => Problem::new(Code::NotFound),
        CorrectError::Unable(Unable::Engine(error)) => unasked(error),
        CorrectError::Unable(unable) => {
            Problem::new(Code::InvalidRequest).fault(Fault::at("/voice", "invalid-value", unable.to_string()))
        }
        CorrectError::Transcript(error) => error.into(),
        CorrectError::Track(error) => error.into(),
        CorrectError::Read(error) => error.into(),
    }
}
