//! A film set: assets that are ready, dubbings that come as far as a test needs, and short words for requests.

use crate::kit::{OTHER_TOKEN, Server};
use application::{
    aggregates::{Aggregate, CommandMeta},
    ports::event_log::{StreamId, Tenant},
};
use domain::{
    asset::{Asset, AssetCommand, AssetSound, AssetText, AssetVideo, ValidatedAsset},
    dubbing::{
        Dubbing, DubbingCommand, DubbingEvent, IngestedSource, Outcome, Picture, PlannedUtterance, TranscribedUtterance,
    },
    flow::{Failure, Fence, FlowCommand, Scope, Stage, StageSummary, rows, work_id},
    track::{PublishedTrack, Track, TrackCommand, TrackEvent},
    value::{Artefact, AssetId, Decibel, DubbingId, Personal, Sha256, Span, Timestamp, TrackId, UtteranceId},
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// What assets hold.
const FILM: &[u8] = b"film";
/// The source's length.
pub const SOURCE_MS: u64 = 60_000;

/// An answer, taken apart.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Said {
    pub async fn of(answer: Response) -> Self {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.expect("a body");
        Self { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    /// A problem's status, code and first pointer.
    pub fn problem(&self) -> (u16, &str, &str) {
        let text = |value: &'_ Value| value.as_str().map(str::to_owned);
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status);
        assert!(text(&self.body["detail"]).is_some_and(|detail| !detail.is_empty()), "{self:?}");
        let pointer = self.body["errors"][0]["pointer"].as_str().unwrap_or_default();
        (self.status, self.body["code"].as_str().unwrap_or_default(), pointer)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("a text")
    }

    pub fn id(&self) -> DubbingId {
        DubbingId(self.body["id"].as_str().expect("an id").parse().expect("an id"))
    }

    pub fn position(&self) -> u64 {
        self.header("dragoman-position").parse().expect("a position")
    }
}

impl Server {
    pub async fn say(&self, method: Method, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Said {
        let mut request = self.ask(method, path);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Said::of(request.send().await.expect("an answer")).await
    }

    pub async fn read(&self, path: &str) -> Said {
        self.say(Method::GET, path, None, &[]).await
    }

    /// `POST` without a body.
    pub async fn tell(&self, path: &str) -> Said {
        self.say(Method::POST, path, None, &[]).await
    }

    pub async fn order(&self, body: &Value) -> Said {
        self.say(Method::POST, "/v1/dubbings", Some(body), &[]).await
    }

    /// A dubbing of a new asset, ordered and known to the read models.
    pub async fn dubbing(&self, languages: &[&str]) -> DubbingId {
        let asset = self.asset("talk.mp4").await;
        let ordered = self.order(&json!({"asset": asset, "target_languages": languages})).await;
        assert_eq!(ordered.status, 202, "{ordered:?}");
        self.catch_up().await;
        ordered.id()
    }

    /// An asset that is ready, of a film of a minute.
    pub async fn asset(&self, name: &str) -> Uuid {
        let id = self.uploaded(name).await;
        self.validate(id).await;
        id
    }

    /// An asset is found to be a film of a minute.
    pub async fn validate(&self, id: Uuid) {
        let found = ValidatedAsset {
            container: "video/quicktime".to_owned(),
            duration_ms: SOURCE_MS,
            video: vec![AssetVideo { index: 0, codec: "video/x-h264".to_owned(), width: 1280, height: 720 }],
            audio: vec![AssetSound {
                index: 0,
                codec: "audio/mpeg".to_owned(),
                channels: 2,
                rate_hz: 48_000,
                language: None,
            }],
            subtitles: Vec::<AssetText>::new(),
            loudness: Decibel::from_db(-23.0),
            true_peak: Decibel::from_db(-2.0),
        };
        self.give::<Asset>(&StreamId::Asset(AssetId(id)), AssetCommand::Validate(Box::new(found))).await;
    }

    /// An asset that nobody has looked at.
    pub async fn uploaded(&self, name: &str) -> Uuid {
        let id = self.api.ids.next();
        let media = self.api.blobs.put_bytes(FILM.to_vec(), "video/mp4").await.expect("it is kept");
        let command = AssetCommand::Register { media, name: Personal::new(name.to_owned()) };
        self.give::<Asset>(&StreamId::Asset(AssetId(id)), command).await;
        id
    }

    pub async fn give<A: Aggregate>(&self, stream: &StreamId, command: A::Command)
    where
        A::Command: Clone,
        A::Rejection: std::error::Error + Send + Sync + 'static,
    {
        let meta = CommandMeta::given(Tenant::default(), "test", self.api.ids.next());
        self.api.aggregates.execute::<A>(stream, command, &meta).await.expect("taken");
    }

    async fn flow(&self, stream: &StreamId, command: FlowCommand) {
        match stream {
            StreamId::Track(_) => self.give::<Track>(stream, TrackCommand::Flow(command)).await,
            _ => self.give::<Dubbing>(stream, DubbingCommand::Flow(command)).await,
        }
    }

    /// A worker is at a stage now.
    pub async fn begin(&self, stream: &StreamId, stage: Stage) -> Fence {
        let cell = match stream {
            StreamId::Track(id) => self.api.aggregates.track(id).await.expect("read").state.flow.cell(stage),
            StreamId::Dubbing(id) => self.api.aggregates.dubbing(*id).await.expect("read").state.flow.cell(stage),
            _ => panic!("no flow"),
        };
        let fence = Fence { stage, run: cell.run, attempt: cell.attempt + 1 };
        let work_id = work_id(&stream.to_string(), fence);
        self.flow(stream, FlowCommand::Request { stage, work_id }).await;
        self.flow(stream, FlowCommand::Start(fence)).await;
        fence
    }

    /// A stage is done, after `wall_ms`.
    pub async fn finish(&self, stream: &StreamId, stage: Stage, wall_ms: u64) {
        let fence = self.begin(stream, stage).await;
        let summary = StageSummary { wall_ms, made: 1, ..StageSummary::default() };
        match stream {
            StreamId::Track(_) => {
                let facts = if stage == Stage::Publish { vec![published()] } else { vec![] };
                self.give::<Track>(stream, TrackCommand::Complete { fence, facts, summary, reopen: None }).await;
            }
            _ => {
                let facts = facts(stage);
                self.give::<Dubbing>(stream, DubbingCommand::Complete { fence, facts, summary }).await;
            }
        }
    }

    /// A stage is out of attempts.
    pub async fn park(&self, stream: &StreamId, stage: Stage) {
        let fence = self.begin(stream, stage).await;
        let message = "espeak-ng is not installed".to_owned();
        let failure = Failure { code: "engine-missing".to_owned(), message, permanent: true };
        self.flow(stream, FlowCommand::Fail { fence, failure, retry_at: Timestamp::from_unix_ms(0) }).await;
    }

    /// Source and transcript are ready, and every language has begun. All stages took a second.
    pub async fn prepare(&self, id: DubbingId) {
        let stream = StreamId::Dubbing(id);
        for stage in [Stage::Ingest, Stage::Separate, Stage::Transcribe] {
            self.finish(&stream, stage, 1_000).await;
        }
        let dubbing = self.api.aggregates.dubbing(id).await.expect("read").state;
        for (language, asked) in &dubbing.tracks {
            let start = TrackCommand::Start {
                dubbing: id,
                source_language: "en".parse().expect("a tag"),
                language: language.clone(),
                settings: asked.settings.clone(),
                lines: dubbing.source_lines(),
                inherited: vec![],
            };
            let track = TrackId { dubbing: id, language: language.clone() };
            self.give::<Track>(&StreamId::Track(track), start).await;
        }
    }

    /// All is done.
    pub async fn complete(&self, id: DubbingId) {
        let stream = StreamId::Dubbing(id);
        let dubbing = self.api.aggregates.dubbing(id).await.expect("read").state;
        for (language, asked) in dubbing.tracks.clone() {
            let track = track(id, language.as_str());
            for row in rows(Scope::Track) {
                self.finish(&track, row.stage, 1_000).await;
            }
            let (request, outcome) = (asked.requests, Outcome::Completed);
            let settle = DubbingCommand::SettleTrack { language, request, outcome };
            self.give::<Dubbing>(&stream, settle).await;
        }
        self.finish(&stream, Stage::Clean, 1_000).await;
        self.give::<Dubbing>(&stream, DubbingCommand::Finish).await;
    }

    /// Time passes.
    pub fn later(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("a short while");
        self.clock.set(self.api.clock.now().plus_ms(by));
    }

    /// What somebody of another tenant hears is what anybody hears of an id that nobody has.
    pub async fn hides(&self, method: Method, path: &str, id: impl std::fmt::Display) {
        let ask = |id: String| {
            let request = self.open(method.clone(), &path.replace("{id}", &id)).bearer_auth(OTHER_TOKEN);
            async move {
                let answer = request.send().await.expect("an answer");
                (answer.status().as_u16(), answer.bytes().await.expect("a body"))
            }
        };
        let theirs = ask(id.to_string()).await;
        assert_eq!(theirs.0, 404);
        assert_eq!(theirs, ask(Uuid::from_u128(1).to_string()).await, "{path}");
    }
}

pub fn track(dubbing: DubbingId, language: &str) -> StreamId {
    StreamId::Track(TrackId { dubbing, language: language.parse().expect("a tag") })
}

pub fn file(media_type: &str) -> Artefact {
    Artefact { sha256: Sha256::new([7; 32]), media_type: media_type.to_owned(), bytes: 1_000 }
}

fn published() -> TrackEvent {
    TrackEvent::TrackPublished(PublishedTrack {
        media: file("video/mp4"),
        srt: file("application/x-subrip"),
        vtt: file("text/vtt"),
        report: file("application/json"),
    })
}

/// What stages of the whole find: a film of a minute with four lines.
fn facts(stage: Stage) -> Vec<DubbingEvent> {
    let span = |number: u32| Span::lasting(u64::from(number) * 4_000, 3_000);
    match stage {
        Stage::Ingest => vec![DubbingEvent::SourceIngested(IngestedSource {
            media: file("video/mp4"),
            signed: true,
            container: "video/quicktime".to_owned(),
            duration_ms: SOURCE_MS,
            picture: Some(Picture { stream: 0, codec: "video/x-h264".to_owned(), width: 1280, height: 720 }),
            audio_stream: 0,
            audio_codec: "audio/mpeg".to_owned(),
            audio_channels: 2,
            subtitles: vec![],
        })],
        Stage::Transcribe => {
            let planned = |number| PlannedUtterance { utterance: UtteranceId(number), span: span(number) };
            let line = |number| {
                DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
                    utterance: UtteranceId(number),
                    span: span(number),
                    text: Personal::new("Well said.".to_owned()),
                    confidence: None,
                    cues: vec![span(number)],
                    words: Personal::new(vec![]),
                    speaker_name: None,
                })
            };
            let segmented = DubbingEvent::SpeechSegmented { utterances: (1..=4).map(planned).collect() };
            [segmented].into_iter().chain((1..=4).map(line)).collect()
        }
        _ => vec![],
    }
}
