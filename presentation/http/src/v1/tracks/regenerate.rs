//! Makes anew what is stale in a track, or replays it from a stage on.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::{TrackPath, path_of};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Path, Query},
    problem::{Code, Problem},
    trace::Trace,
    v1::{downloads::without_result, dubbings::estimate::Money, fields::UtteranceRef},
};
use application::{
    commands::regenerate_track::{RegenerateError, Regeneration},
    ports::event_log::StreamId,
    queries,
};
use axum::extract::State;
use domain::{
    flow::{Scope, Stage, rows, with_followers},
    track::Track,
};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

/// How to regenerate.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegenerateQuery {
    /// Only say what would be made anew.
    #[serde(default)]
    dry_run: bool,
    /// Replay it from this stage on, whether anything has changed or not.
    #[param(schema_with = stages)]
    from: Option<Stage>,
}

/// Stages of a track by their names.
fn stages() -> Object {
    let names = rows(Scope::Track).map(|row| row.stage.name());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.collect::<Vec<_>>())).build()
}

/// What is made anew, or would be.
#[derive(Serialize, ToSchema)]
#[schema(as = Regeneration)]
pub(crate) struct RegenerationDocument {
    /// Whether nothing was begun.
    dry_run: bool,
    /// Lines that are made anew, added or taken out. Empty when a command is given again after it was carried out.
    lines: Vec<UtteranceRef>,
    /// How long the original of those lines lasts, in milliseconds.
    speech_ms: u64,
    /// How long the source lasts, in milliseconds: it is mixed and written anew as a whole.
    source_ms: u64,
    /// About how many seconds that takes, all stages one after another.
    seconds: u64,
    /// What that costs.
    cost: Money,
    /// The stages that run, in order. Lines that have not changed are found again, not made again.
    #[schema(example = json!(["translate", "synthesise"]))]
    stages: Vec<&'static str>,
}

impl RegenerationDocument {
    async fn new(api: &Api, dry_run: bool, plan: Regeneration) -> Result<Self, Problem> {
        let stages = with_followers(Scope::Track, plan.first);
        let work: Vec<(Stage, u64)> = stages.iter().map(|stage| (*stage, worked_on_ms(*stage, &plan))).collect();
        let rates = api.rates().await?;
        let wall_ms = work.iter().fold(0_u64, |sum, (stage, ms)| sum.saturating_add(rates.wall_ms(*stage, *ms)));
        let cost = work.iter().fold(0_u64, |sum, (stage, ms)| sum.saturating_add(api.prices.cost(*stage, *ms)));
        Ok(Self {
            dry_run,
            seconds: wall_ms.div_ceil(1_000),
            cost: Money::new(&api.prices.currency, cost),
            lines: plan.lines.into_iter().map(UtteranceRef).collect(),
            speech_ms: plan.speech_ms,
            source_ms: plan.source_ms,
            stages: stages.into_iter().map(Stage::name).collect(),
        })
    }
}

/// How much of the source a stage works on: lines are made one by one, sound and file as a whole.
fn worked_on_ms(stage: Stage, plan: &Regeneration) -> u64 {
    match stage {
        Stage::Translate | Stage::AssignVoices | Stage::Synthesise | Stage::Fit => plan.speech_ms,
        Stage::SyncLips | Stage::Mix | Stage::Mark | Stage::Mux | Stage::Assess | Stage::Sign => plan.source_ms,
        Stage::Ingest | Stage::Separate | Stage::Transcribe | Stage::Publish | Stage::Clean => 0,
    }
}

/// Regenerate a track
///
/// Makes anew what has changed since the track was published, and nothing else. Until the new result is published, the
/// one of before can be fetched. A track that is `parked`, published or not, begins again with its lines as they are now
/// when they have changed. With `from` it is replayed: that stage and all that follow run anew, whether anything has
/// changed or not; results that nothing differs in are found again. `410 withdrawn`; codes of 409: `nothing-stale`,
/// `under-way`, `not-published`, `not-possible`, `stands-still`, `stage-not-reached`. `503 overloaded` with `Retry-After`
/// when too much waits already.
#[utoipa::path(post, path = "/v1/dubbings/{id}/tracks/{lang}/regenerate", tag = "tracks",
    operation_id = "regenerate_track",
    params(TrackPath, RegenerateQuery,
        ("If-Match" = Option<String>, Header, description = "Tags of the track: one that was changed since is refused"),
    ), responses(
    (status = 200, description = "What would be made anew: it was a dry run", body = RegenerationDocument),
    (status = 202, description = "It has begun", body = RegenerationDocument, headers(
        ("Location" = String, description = "The track"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
    )),
))]
pub(crate) async fn regenerate(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(path): Path<TrackPath>,
    Query(query): Query<RegenerateQuery>,
) -> Result<Done<RegenerationDocument>, Problem> {
    let (id, meta) = (path.id(), caller.command(ids.0.command, trace));
    let (_, track) = queries::track(&api.aggregates, &id, caller.tenant()).await?;
    let refused = |error| refused(error, &track.state);
    let meta = condition.bind(&api, meta, &StreamId::Dubbing(id.dubbing), track.revision).await?;
    if query.dry_run {
        let plan = api.regenerate_track().plan(&id, query.from, &meta).await.map_err(refused)?;
        return Ok(Done::ok(RegenerationDocument::new(&api, true, plan).await?));
    }
    let place = api.admission.reserve_for(id.dubbing)?;
    let (plan, appended) = api.regenerate_track().run(&id, query.from, &meta).await.map_err(refused)?;
    place.fill(id.dubbing).await;
    let document = RegenerationDocument::new(&api, false, plan).await?;
    Ok(Done::accepted(&path_of(&id), document).position(appended.position))
}

fn refused(error: RegenerateError, track: &Track) -> Problem {
    match error {
        RegenerateError::NoSuchTrack => Problem::new(Code::NotFound),
        RegenerateError::NotPublished => without_result(track),
        RegenerateError::NothingStale => Problem::new(Code::NothingStale),
        RegenerateError::UnderWay => Problem::new(Code::UnderWay),
        RegenerateError::StandsStill => Problem::new(Code::StandsStill),
        RegenerateError::NotReached(_) => Problem::new(Code::StageNotReached).detail(error.to_string()),
        RegenerateError::NoSuchStage(_) => Problem::new(Code::InvalidQuery).detail(error.to_string()),
        RegenerateError::Command(error) => error.into(),
        RegenerateError::Read(error) => error.into(),
    }
}
