//! A dubbing that was brought as far as a test needs it, by the commands that workers would give.

use crate::kit::Server;
use application::{
    aggregates::{Aggregate, CommandMeta},
    ports::event_log::{StreamId, Tenant},
};
use domain::{
    dubbing::{
        Dubbing, DubbingCommand, DubbingEvent, IngestedSource, Order, Outcome, Picture, PlannedUtterance,
        SeparatedSound, Start, TrackRequest, TranscribedUtterance, Transcript,
    },
    flow::{Failure, Fence, FlowCommand, Stage, StageSummary, work_id},
    track::{
        AssessedTrack, Background, FittedUtterance, Flag, MixedSound, MuxedTrack, PublishedTrack, SignedTrack,
        SynthesisedUtterance, Track, TrackCommand, TrackEvent, TrackSettings, TranslatedUtterance,
    },
    value::{
        Artefact, Decibel, DubbingId, Percent, Personal, Producer, Sha256, Span, SpeakerId, Timestamp, TrackId,
        UtteranceId,
    },
};
use http_api::cache::Tag;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::{collections::BTreeMap, error::Error};
use uuid::Uuid;

/// Bytes of the finished file: more than are read in one go.
pub const VIDEO_BYTES: usize = 300_001;
/// The published subtitles.
pub const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nhola {u1}\n\n2\n00:00:03,000 --> 00:00:04,000\nhola\nu2\n\n";

/// As much of the published report as others rely on.
pub const REPORT: &str = r#"{"lines":[
    {"speaker":"S1","slot":{"start_ms":1000,"end_ms":2000}},
    {"speaker":"S2","slot":{"start_ms":3000,"end_ms":4000}},
    {"speaker":"S1","slot":{"start_ms":5000,"end_ms":6000}}
]}"#;

/// A dubbing of a source with three lines, of two speakers, into Spanish.
pub struct Film<'a> {
    pub server: &'a Server,
    pub id: DubbingId,
    pub track: TrackId,
    tenant: Tenant,
    actor: String,
}

/// The finished file's bytes: each differs from its neighbours.
pub fn video() -> Vec<u8> {
    (0..VIDEO_BYTES).map(|place| (place % 251) as u8).collect()
}

impl<'a> Film<'a> {
    /// Ordered, and nothing more.
    pub async fn ordered(server: &'a Server) -> Self {
        Self::of(server, Tenant::default()).await
    }

    /// Ordered by a tenant.
    pub async fn of(server: &'a Server, tenant: Tenant) -> Self {
        Self::by(server, tenant, "test").await
    }

    /// Ordered by somebody of a tenant.
    pub async fn by(server: &'a Server, tenant: Tenant, actor: &str) -> Self {
        let id = DubbingId(server.api.ids.next());
        let track = TrackId { dubbing: id, language: "es".parse().expect("a language") };
        let film = Self { server, id, track, tenant, actor: actor.to_owned() };
        let settings = TrackSettings {
            glossary: None,
            keep_phrases: Personal::new(vec![]),
            voices: Personal::new(BTreeMap::new()),
            background: Background::Duck,
            keep_original: false,
            embed_subtitles: true,
        };
        let tracks = vec![TrackRequest { language: film.track.language.clone(), settings }];
        film.dubbing(DubbingCommand::Start(Box::new(Start {
            identity: Sha256::new([1; 32]),
            source: film.keep(b"source", "video/mp4").await,
            name: Personal::new("../Größe \"1\".mp4".to_owned()),
            audio_stream: None,
            source_language: "en".parse().expect("a language"),
            language_assumed: false,
            transcript: Transcript::Recognised,
            delivery: None,
            order: Order::default(),
            tracks,
        })))
        .await;
        film
    }

    /// With a transcript.
    pub async fn transcribed(server: &'a Server) -> Self {
        let film = Self::ordered(server).await;
        film.transcribe().await;
        film
    }

    /// With a result.
    pub async fn published(server: &'a Server) -> Self {
        let film = Self::transcribed(server).await;
        film.begin().await;
        film.make().await;
        film
    }

    pub async fn transcribe(&self) {
        let media = self.keep(b"source", "video/mp4").await;
        self.run_dubbing(
            Stage::Ingest,
            vec![DubbingEvent::SourceIngested(IngestedSource {
                media: media.clone(),
                signed: false,
                container: "video/mp4".to_owned(),
                duration_ms: 10_000,
                picture: Some(Picture { stream: 0, codec: "video/x-h264".to_owned(), width: 64, height: 36 }),
                audio_stream: 0,
                audio_codec: "audio/mpeg".to_owned(),
                audio_channels: 1,
                subtitles: vec![],
            })],
        )
        .await;
        let separated = DubbingEvent::SpeechSeparated(SeparatedSound {
            background: media.clone(),
            speech: media,
            separated: false,
            duration_ms: 10_000,
            loudness: Decibel::from_db(-23.0),
            true_peak: Decibel::from_db(-2.0),
        });
        self.run_dubbing(Stage::Separate, vec![separated]).await;
        self.run_dubbing(Stage::Transcribe, transcript()).await;
    }

    /// The track begins.
    pub async fn begin(&self) {
        let dubbing = self.server.api.aggregates.dubbing(self.id).await.expect("a dubbing").state;
        let settings = dubbing.tracks[&self.track.language].settings.clone();
        self.track(TrackCommand::Start {
            dubbing: self.id,
            source_language: "en".parse().expect("a language"),
            language: self.track.language.clone(),
            settings,
            lines: dubbing.source_lines(),
            inherited: vec![],
        })
        .await;
    }

    /// What was asked for anew reaches the track, as the process manager carries it.
    pub async fn carry(&self) {
        let dubbing = self.server.api.aggregates.dubbing(self.id).await.expect("a dubbing").state;
        let request = dubbing.tracks[&self.track.language].regenerations;
        self.track(TrackCommand::Regenerate { from: None, request, lines: dubbing.source_lines() }).await;
    }

    /// All stages of the track, up to its being settled.
    pub async fn make(&self) {
        self.translate().await;
        self.make_rest().await;
    }

    /// The first stage of the track.
    pub async fn translate(&self) {
        let facts = self.lines().await.into_iter().map(translated).collect();
        self.run_track(Stage::Translate, facts).await;
    }

    async fn lines(&self) -> Vec<UtteranceId> {
        let state = self.server.api.aggregates.track(&self.track).await.expect("a track").state;
        state.lines.keys().copied().collect()
    }

    /// All stages after the first.
    pub async fn make_rest(&self) {
        let ids = self.lines().await;
        let stages = [
            (Stage::AssignVoices, [voice(1, "es"), voice(2, "es+f2")].to_vec()),
            (Stage::Synthesise, ids.iter().map(|id| self.spoken(*id)).collect()),
            (Stage::Fit, ids.iter().flat_map(|id| fitted(*id)).collect()),
        ];
        for (stage, facts) in stages {
            self.run_track(stage, facts).await;
        }
        self.skip(Stage::SyncLips).await;
        self.mix(b"RIFF mixed sound").await;
        self.skip(Stage::Mark).await;
        self.finish().await;
    }

    /// The next run, up to its mix.
    pub async fn remix(&self, sound: &[u8]) {
        self.track(TrackCommand::Flow(FlowCommand::Reopen(Stage::Mix))).await;
        self.mix(sound).await;
    }

    /// A stage fails for good.
    pub async fn park(&self, stage: Stage) {
        let fence = self.start(stage).await;
        let failure = Failure { code: "engine-missing".to_owned(), message: "no".to_owned(), permanent: true };
        let retry_at = Timestamp::from_unix_ms(0);
        self.track(TrackCommand::Flow(FlowCommand::Fail { fence, failure, retry_at })).await;
    }

    /// Mix alone.
    async fn mix(&self, sound: &[u8]) {
        let mixed = TrackEvent::TrackMixed(MixedSound {
            key: Sha256::new([4; 32]),
            sound: self.keep(sound, "audio/wav").await,
            loudness: Decibel::from_db(-23.1),
            true_peak: Decibel::from_db(-2.0),
            loudness_reached: true,
            levels: None,
        });
        self.run_track(Stage::Mix, vec![mixed]).await;
    }

    async fn finish(&self) {
        let media = self.keep(&video(), "video/mp4").await;
        let srt = self.keep(SRT.as_bytes(), "application/x-subrip").await;
        let vtt = self.keep(b"WEBVTT\n\n", "text/vtt").await;
        let report = self.keep(REPORT.as_bytes(), "application/json").await;
        let muxed = MuxedTrack {
            key: Sha256::new([5; 32]),
            media: media.clone(),
            srt: srt.clone(),
            vtt: vtt.clone(),
            video_copied: Some(true),
        };
        self.run_track(Stage::Mux, vec![TrackEvent::TrackMuxed(muxed)]).await;
        let assessed = AssessedTrack {
            report: report.clone(),
            lines_to_attend: 1,
            overlaps: 0,
            loudness: Decibel::from_db(-23.25),
            true_peak: Decibel::from_db(-1.5),
        };
        self.run_track(Stage::Assess, vec![TrackEvent::QualityAssessed(assessed)]).await;
        let signed = SignedTrack {
            media: media.clone(),
            manifest: "urn:c2pa:7".to_owned(),
            manifest_sha256: Sha256::new([6; 32]),
            revision: 31,
        };
        self.run_track(Stage::Sign, vec![TrackEvent::ProvenanceSigned(signed)]).await;
        let published = PublishedTrack { media, srt, vtt, report };
        self.run_track(Stage::Publish, vec![TrackEvent::TrackPublished(published)]).await;
        let language = self.track.language.clone();
        let dubbing = self.server.api.aggregates.dubbing(self.id).await.expect("read").state;
        let request = dubbing.tracks.get(&language).map_or(1, |track| track.requests);
        let outcome = Outcome::NeedsAttention;
        self.dubbing(DubbingCommand::SettleTrack { language, request, outcome }).await;
    }

    /// The dubbing has nothing left to do.
    pub async fn complete(&self) {
        self.run_dubbing(Stage::Clean, vec![]).await;
        self.dubbing(DubbingCommand::Finish).await;
    }

    fn spoken(&self, utterance: UtteranceId) -> TrackEvent {
        TrackEvent::UtteranceSynthesised(SynthesisedUtterance {
            utterance,
            key: Sha256::new([3; 32]),
            rate: Percent::HUNDRED,
            duration_ms: 900,
            speech: Artefact { sha256: Sha256::new([3; 32]), media_type: "audio/wav".to_owned(), bytes: 1 },
        })
    }

    pub async fn keep(&self, bytes: &[u8], media_type: &str) -> Artefact {
        self.server.api.blobs.put_bytes(bytes.to_vec(), media_type).await.expect("a blob")
    }

    pub async fn dubbing(&self, command: DubbingCommand) {
        self.give::<Dubbing>(StreamId::Dubbing(self.id), command).await;
    }

    pub async fn track(&self, command: TrackCommand) {
        self.give::<Track>(StreamId::Track(self.track.clone()), command).await;
    }

    async fn give<A: Aggregate>(&self, stream: StreamId, command: A::Command)
    where
        A::Command: Clone,
        A::Rejection: Error + Send + Sync + 'static,
    {
        let meta = CommandMeta::given(self.tenant.clone(), &self.actor, self.server.api.ids.next());
        self.server.api.aggregates.execute::<A>(&stream, command, &meta).await.expect("accepted");
        self.changed();
    }

    /// What projections would do: forget answers about this dubbing.
    pub fn changed(&self) {
        self.server.api.cache.invalidate(&[Tag::One(self.id.0)]);
    }

    async fn run_dubbing(&self, stage: Stage, facts: Vec<DubbingEvent>) {
        let flow = self.server.api.aggregates.dubbing(self.id).await.expect("a dubbing").state.flow.clone();
        let (request, fence) = ask(&StreamId::Dubbing(self.id), flow.cell(stage), stage);
        self.dubbing(DubbingCommand::Flow(request)).await;
        self.dubbing(DubbingCommand::Flow(FlowCommand::Start(fence))).await;
        self.dubbing(DubbingCommand::Complete { fence, facts, summary: summary(stage) }).await;
    }

    async fn run_track(&self, stage: Stage, facts: Vec<TrackEvent>) {
        let fence = self.start(stage).await;
        self.track(TrackCommand::Complete { fence, facts, summary: summary(stage), reopen: None }).await;
    }

    async fn skip(&self, stage: Stage) {
        let fence = self.start(stage).await;
        let (engine, reason) = ("none".to_owned(), "no engine does this".to_owned());
        self.track(TrackCommand::Flow(FlowCommand::Skip { fence, engine, reason })).await;
    }

    async fn start(&self, stage: Stage) -> Fence {
        let flow = self.server.api.aggregates.track(&self.track).await.expect("a track").state.flow.clone();
        let (request, fence) = ask(&StreamId::Track(self.track.clone()), flow.cell(stage), stage);
        self.track(TrackCommand::Flow(request)).await;
        self.track(TrackCommand::Flow(FlowCommand::Start(fence))).await;
        fence
    }

    /// `/v1/dubbings/ID` and what follows.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/dubbings/{}{rest}", self.id)
    }

    /// The path of the track and what follows.
    pub fn of_track(&self, rest: &str) -> String {
        self.path(&format!("/tracks/es{rest}"))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.server.get(path)
    }

    pub fn send(&self, method: Method, path: &str, body: &str) -> RequestBuilder {
        let request = self.server.ask(method, path).header("content-type", "application/json");
        request.body(body.to_owned())
    }

    /// A body that is JSON, of an answer with this status.
    pub async fn json(&self, request: RequestBuilder, status: u16) -> Value {
        let answer = request.send().await.expect("an answer");
        let (found, body) = (answer.status().as_u16(), answer.bytes().await.expect("a body"));
        self.changed();
        assert_eq!(found, status, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }

    /// The tag of what a path shows.
    pub async fn tag(&self, path: &str) -> String {
        let answer = self.get(path).send().await.expect("an answer");
        answer.headers()["etag"].to_str().expect("a text").to_owned()
    }
}

fn ask(stream: &StreamId, cell: domain::flow::Cell, stage: Stage) -> (FlowCommand, Fence) {
    let fence = Fence { stage, run: cell.run, attempt: cell.attempt + 1 };
    (FlowCommand::Request { stage, work_id: work_id(&stream.to_string(), fence) }, fence)
}

fn summary(stage: Stage) -> StageSummary {
    let producer = Producer { engine: format!("engine-{stage}"), version: "1.2".to_owned(), model_digest: None };
    StageSummary { wall_ms: 5, producers: vec![producer], made: 1, reused: 0 }
}

fn transcript() -> Vec<DubbingEvent> {
    let span = |number: u32| Span::lasting(u64::from(number) * 2_000 - 1_000, 1_000);
    let planned = |number| PlannedUtterance { utterance: UtteranceId(number), span: span(number) };
    let mut facts = vec![DubbingEvent::SpeechSegmented { utterances: (1..=3).map(planned).collect() }];
    facts.extend((1..=3).map(|number| {
        DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
            utterance: UtteranceId(number),
            span: span(number),
            text: Personal::new(format!("hello u{number}")),
            confidence: Some(Percent::new(if number == 2 { 40 } else { 90 })),
            cues: vec![span(number)],
            words: Personal::new(vec![]),
            speaker_name: None,
        })
    }));
    let speaker = |number, name: Option<&str>, says: &[u32]| DubbingEvent::SpeakerIdentified {
        speaker: SpeakerId(number),
        name: name.map(|name| Personal::new(name.to_owned())),
        pitch_hz: None,
        utterances: says.iter().map(|id| UtteranceId(*id)).collect(),
    };
    facts.extend([speaker(1, Some("Ana"), &[1, 3]), speaker(2, None, &[2])]);
    facts
}

fn translated(utterance: UtteranceId) -> TrackEvent {
    TrackEvent::UtteranceTranslated(TranslatedUtterance {
        utterance,
        key: Sha256::new([2; 32]),
        text: Personal::new(format!("hola {utterance}")),
        spoken: Personal::new(format!("hola {utterance}")),
        kept: vec![],
        unknown_words: 0,
        terms: 0,
        terms_missing: 0,
    })
}

fn voice(speaker: u32, voice: &str) -> TrackEvent {
    TrackEvent::VoiceAssigned { speaker: SpeakerId(speaker), voice: voice.to_owned() }
}

/// Each line in its place; the second one is flagged.
fn fitted(utterance: UtteranceId) -> Vec<TrackEvent> {
    let place = TrackEvent::UtteranceFitted(FittedUtterance {
        utterance,
        start_ms: u64::from(utterance.0) * 2_000 - 1_000,
        duration_ms: 900,
        rate: Percent::new(110),
        shift_ms: 0,
    });
    let flagged = TrackEvent::UtteranceFlagged { utterance, stage: Stage::Fit, flag: Flag::NeedsAttention };
    if utterance == UtteranceId(2) { vec![place, flagged] } else { vec![place] }
}

/// An id that names nothing.
pub fn nobody() -> Uuid {
    Uuid::from_u128(0x0198_aaaa_0000_7000_8000_0000_0000_0001)
}
