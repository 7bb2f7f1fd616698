//! All that is known of a dubbing at one moment, to be shown.

use super::{
    DubbingDocument, Links, Origin, Progress, SourceView, TrackProgress, TrackView, Trouble, dubbing_state,
    progress::{fraction, fraction_of_track, parts, seconds_left},
    stages::lines_of_track,
    state::DubbingState,
    track_state,
};
use crate::{
    api::Api,
    columns,
    extract::Caller,
    problem::{Code, Problem},
    v1::dubbings::path,
};
use application::{aggregates::Loaded, ports::read_store::Row};
use domain::{
    asset::Phase as AssetPhase,
    dubbing::{Dubbing, Request, Transcript},
    flow::Stage,
    track::Track,
    value::{DubbingId, LanguageTag, TrackId},
};
use projections::{engine_runs, jobs};
use serde_json::json;
use std::sync::Arc;

/// All that is known of a dubbing at one moment.
pub(crate) struct Seen {
    pub id: DubbingId,
    pub dubbing: Loaded<Dubbing>,
    /// Of each language asked for; empty before it began.
    pub tracks: Vec<(LanguageTag, Arc<Track>)>,
    /// Its row in the list; `None` before the read models know of it.
    pub row: Option<Row>,
    /// Attempts at its stages, as the read models know them.
    pub runs: Vec<Row>,
}

impl Seen {
    /// A dubbing of the caller's tenant with its rows; 404 when there is none.
    pub async fn of(api: &Api, caller: &Caller, id: DubbingId) -> Result<Self, Problem> {
        let seen = Self::without_rows(api, caller, id).await?;
        let key = json!(id.to_string());
        let row = api.read_store.load(&jobs::TABLE, &[vec![key.clone()]]).await?.pop().flatten();
        let runs = api.read_store.query(&engine_runs::TABLE, &[("job_id", key)]).await?;
        Ok(Self { row, runs, ..seen })
    }

    /// The same without what only the read models know: when it, and its stages, began and ended.
    pub async fn without_rows(api: &Api, caller: &Caller, id: DubbingId) -> Result<Self, Problem> {
        let dubbing = api.require_dubbing(caller, id).await?;
        let mut tracks = Vec::with_capacity(dubbing.state.tracks.len());
        for language in dubbing.state.tracks.keys() {
            let id = TrackId { dubbing: id, language: language.clone() };
            tracks.push((language.clone(), api.aggregates.track(&id).await?.state));
        }
        Ok(Self { id, dubbing, tracks, row: None, runs: vec![] })
    }

    /// Revision of the dubbing's stream.
    pub fn revision(&self) -> u64 {
        self.dubbing.revision
    }

    /// The document; it holds for `position`.
    pub async fn document(&self, api: &Api, position: u64) -> Result<DubbingDocument, Problem> {
        let dubbing = &*self.dubbing.state;
        let request = dubbing.request.as_ref().ok_or_else(|| Problem::new(Code::NotFound))?;
        let state = dubbing_state(dubbing, self.tracks.iter().any(|(_, track)| track.header.is_some()));
        let source = self.source(api, request).await?;
        let moment = |column| self.row.as_ref().and_then(|row| columns::text(row, column)).map(str::to_owned);
        let problem = Trouble::of(dubbing, &self.tracks);
        let goes_on = state.is_live() && !dubbing.flow.is_held() && problem.is_none();
        Ok(DubbingDocument {
            id: self.id.0,
            state,
            paused: state.is_live() && dubbing.flow.is_held(),
            progress: self.progress(api, state, source.duration_ms.filter(|_| goes_on)).await?,
            problem,
            source,
            tracks: self.tracks.iter().map(|(language, track)| self.track(language, track)).collect(),
            stages: self.stages(),
            priority: request.order.priority,
            project: request.order.project.map(|project| project.0),
            client_reference: request.order.client_reference.clone(),
            forked_from: request.order.forked_from.map(|fork| Origin { dubbing: fork.dubbing.0, stage: fork.stage }),
            started_at: moment("started_at"),
            updated_at: moment("updated_at"),
            ended_at: moment("ended_at"),
            revision: self.dubbing.revision,
            position,
            links: Links { own: path(self.id), video: None },
        })
    }

    async fn source(&self, api: &Api, request: &Request) -> Result<SourceView, Problem> {
        let found = self.dubbing.state.source.as_ref();
        let picture = found.and_then(|source| source.picture.as_ref());
        let mut view = SourceView {
            name: request.name.reveal().cloned(),
            asset: request.order.asset.map(|asset| asset.0),
            duration_ms: found.map(|source| source.duration_ms),
            width: picture.map(|picture| picture.width),
            height: picture.map(|picture| picture.height),
            language: request.source_language.clone(),
            language_assumed: request.language_assumed,
            transcript: match request.transcript {
                Transcript::Recognised => "recognise",
                Transcript::Embedded => "embedded",
                Transcript::Imported { .. } => "text",
            },
        };
        // Before its own look at the source, what was found when the asset was handed in.
        if let (None, Some(asset)) = (found, request.order.asset) {
            let asset = api.aggregates.asset(asset).await?;
            if let AssetPhase::Ready(known) = &asset.state.phase {
                view.duration_ms = Some(known.duration_ms);
                view.width = known.video.first().map(|picture| picture.width);
                view.height = known.video.first().map(|picture| picture.height);
            }
        }
        Ok(view)
    }

    async fn progress(&self, api: &Api, state: DubbingState, left_of: Option<u64>) -> Result<Progress, Problem> {
        if matches!(state, DubbingState::Completed | DubbingState::NeedsAttention) {
            return Ok(Progress { fraction: 1.0, seconds_left: None });
        }
        let parts = parts(&self.dubbing.state, &self.tracks);
        let seconds_left = match left_of {
            Some(source_ms) => Some(seconds_left(&parts, source_ms, &*api.rates().await?)),
            None => None,
        };
        Ok(Progress { fraction: fraction(&parts), seconds_left })
    }

    fn track(&self, language: &LanguageTag, track: &Track) -> TrackView {
        let own = format!("{}/tracks/{language}", path(self.id));
        let has_result = track.published.is_some();
        TrackView {
            language: language.clone(),
            state: track_state(&self.dubbing.state, language, Some(track)),
            has_result,
            progress: TrackProgress {
                fraction: fraction_of_track(&self.dubbing.state, track),
                lines: track.lines.len(),
                spoken: lines_of_track(track, Stage::Synthesise).map_or(0, |lines| lines.done),
                to_attend: track.lines_to_attend(),
            },
            links: Links { video: has_result.then(|| format!("{own}/video")), own },
        }
    }
}
