//! More languages for a dubbing.

use super::list::{TrackList, all};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Json, Nothing, Path, Query},
    problem::Problem,
    quota::within,
    trace::Trace,
    v1::dubbings::{
        path,
        refusal::Asked,
        wish::{BackgroundChoice, GlossaryChoice, Languages, SubtitleChoice, faults_of_names, refuse, voices},
    },
};
use application::{commands::order_dubbing::TrackWishes, ports::event_log::StreamId};
use axum::extract::State;
use domain::value::DubbingId;
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Languages to make a dubbing in too, all in the same way.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TrackOrder)]
pub(crate) struct TrackOrder {
    /// The languages.
    target_languages: Languages,
    /// Terms and how they are translated.
    glossary: Option<GlossaryChoice>,
    /// Voices by speaker.
    #[serde(default)]
    #[schema(schema_with = voices)]
    voices: BTreeMap<String, String>,
    /// Phrases that are heard in the original. At most 200, of 1 to 200 characters each.
    #[serde(default)]
    #[schema(max_items = 200)]
    keep_phrases: Vec<String>,
    /// What becomes of the original sound.
    #[serde(default)]
    background: BackgroundChoice,
    /// Whether subtitles stand inside the video. As files of their own they can always be fetched.
    #[serde(default)]
    subtitles: SubtitleChoice,
    /// Whether the original sound comes along as a second track.
    #[serde(default)]
    keep_original: bool,
}

/// Ask for more languages
///
/// The transcript is used again. A language that is there already is made anew as far as it is to be different now, and
/// left alone when it is not; one that was withdrawn or cancelled is made again. What cannot be done here is refused
/// before anything begins: `errors` points to the field. `409 not-possible` when the dubbing failed or was cancelled; `429
/// quota-jobs` or `402 quota-spend` when the tenant may not use so much.
#[utoipa::path(post, path = "/v1/dubbings/{id}/tracks", tag = "tracks", operation_id = "order_tracks",
    request_body = TrackOrder, params(
    ("id" = Uuid, Path, description = "The dubbing"),
    ("If-Match" = Option<String>, Header, description = "Refused unless the dubbing is at this revision"),
), responses(
    (status = 202, description = "They are asked for; these are all tracks now", body = TrackList, headers(
        ("Location" = String, description = "The tracks"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
    )),
))]
#[expect(clippy::too_many_arguments, reason = "a handler's arguments are the parts of a request that it reads")]
pub(crate) async fn order(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    Json(order): Json<TrackOrder>,
) -> Result<Done<TrackList>, Problem> {
    let id = DubbingId(id);
    let known = api.require_dubbing(&caller, id).await?;
    let languages = order.target_languages.tags();
    let wishes = order.wishes()?;
    let asked = Asked { languages: languages.clone(), voices: wishes.voices.clone() };
    let meta = caller.command(ids.0.command, trace);
    let meta = condition.bind(&api, meta, &StreamId::Dubbing(id), known.revision).await?;
    let place = api.admission.reserve_for(id)?;
    let more = api.asked_by_languages(&known.state, languages.len());
    let turn = api.quota_turn(&caller, &StreamId::Dubbing(id), &meta, more).await?;
    let ordering = api.order_dubbing();
    let extended = within(turn, async move { ordering.extend(id, languages, wishes, &meta).await }).await?;
    let appended = extended.map_err(|error| asked.refusal(error))?;
    place.fill(id).await;
    let position = api.position_of(appended.map(|appended| appended.position)).await?;
    let tracks = all(&api, &caller, id).await?;
    Ok(Done::accepted(&format!("{}/tracks", path(id)), tracks).position(position))
}

impl TrackOrder {
    fn wishes(self) -> Result<TrackWishes, Problem> {
        let mut faults = self.target_languages.faults();
        faults.extend(self.glossary.iter().flat_map(GlossaryChoice::faults));
        faults.extend(faults_of_names(&self.voices, &self.keep_phrases));
        refuse(faults)?;
        Ok(TrackWishes {
            glossary: GlossaryChoice::order(self.glossary),
            keep_phrases: self.keep_phrases,
            voices: self.voices,
            background: self.background.into(),
            keep_original: self.keep_original,
            embed_subtitles: self.subtitles == SubtitleChoice::Embed,
        })
    }
}
