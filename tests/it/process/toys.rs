//! Engines that need no media: a house of the real stages of a track, over a transcript of four lines.

use super::told::lock;
use application::{
    aggregates::CommandMeta,
    ports::{
        engine::{Engine, EngineError, EngineInfo},
        event_log::StreamId,
        provenance::{ProvenanceSigner, SignInput, Signed, Verification},
    },
    stages::{
        assess::{Assess, Inspection, Inspector},
        assign_voices::AssignVoices,
        fit::Fit,
        handler::{Done, DubbingJob, DubbingStage, StageError, TrackJob, TrackStage},
        ingest::MediaInfo,
        mark::Mark,
        mix::{Mix, MixInput, Mixed, Mixer},
        mux::{Mux, MuxInput, Muxed, Muxer},
        publish::Publish,
        sign::Sign,
        sync_lips::SyncLips,
        synthesise::{Gender, SpeakInput, Speech, Synthesise, Synthesiser, Voice},
        translate::{Route, Sentence, SentencePart, Translate, Translated, Translator},
    },
    worker::Handlers,
};
use async_trait::async_trait;
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingEvent, Edit, IngestedSource, SeparatedSound, TranscribedUtterance},
    flow::{Scope, Stage, rows},
    track::{MixLevels, TrackEvent},
    value::{Artefact, Decibel, LanguageTag, Personal, Sha256, Span, SpeakerId, UtteranceId},
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

/// What happens while a stage of a track is at work, once.
#[derive(Clone, Debug)]
pub enum Meanwhile {
    /// Somebody corrects the transcript.
    Edit(Edit),
    /// Its engine is found missing.
    Missing,
}

/// Real stages; while this one works for the first time, this happens.
pub fn handlers(at: Stage, meanwhile: Meanwhile) -> Handlers {
    let toy = Arc::new(Toy);
    let what = Arc::new(Mutex::new(Some((at, meanwhile))));
    let peak = Decibel::from_db(-1.0);
    let with = |handlers: Handlers, stage: Stage, inner: Arc<dyn TrackStage>| {
        handlers.track(stage, Disturbed { inner, what: Arc::clone(&what) })
    };
    let track: [(Stage, Arc<dyn TrackStage>); 11] = [
        (Stage::Translate, Arc::new(Translate { translator: toy.clone() })),
        (Stage::AssignVoices, Arc::new(AssignVoices { synthesiser: toy.clone() })),
        (Stage::Synthesise, Arc::new(Synthesise { synthesiser: toy.clone() })),
        (Stage::Fit, Arc::new(Fit { limits: domain::fit::Limits::default(), version: "1".to_owned() })),
        (Stage::SyncLips, Arc::new(SyncLips)),
        (Stage::Mix, Arc::new(Mix { mixer: toy.clone(), true_peak_max: peak })),
        (Stage::Mark, Arc::new(Mark)),
        (Stage::Mux, Arc::new(Mux { muxer: toy.clone(), true_peak_max: peak })),
        (Stage::Assess, Arc::new(Assess { inspector: toy.clone() })),
        (Stage::Sign, Arc::new(Sign { signer: toy, trained_voices: vec![] })),
        (Stage::Publish, Arc::new(Publish)),
    ];
    let handlers = rows(Scope::Dubbing).fold(Handlers::default(), |all, row| all.dubbing(row.stage, Heard(row.stage)));
    track.into_iter().fold(handlers, |handlers, (stage, inner)| with(handlers, stage, inner))
}

/// A stage that something happens to.
struct Disturbed {
    inner: Arc<dyn TrackStage>,
    what: Arc<Mutex<Option<(Stage, Meanwhile)>>>,
}

#[async_trait]
impl TrackStage for Disturbed {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let what = lock(&self.what).take_if(|(at, _)| *at == job.attempt.fence.stage);
        match what {
            None => {}
            Some((_, Meanwhile::Edit(edit))) => {
                let meta = CommandMeta::fresh("test", job.attempt.kit.ids.next());
                let (stream, command) = (StreamId::Dubbing(job.id.dubbing), DubbingCommand::Edit(edit));
                job.attempt.kit.aggregates.execute::<Dubbing>(&stream, command, &meta).await?;
            }
            Some((_, Meanwhile::Missing)) => {
                let (engine, package) = ("toy".to_owned(), "toy".to_owned());
                return Err(EngineError::Missing { engine, package }.into());
            }
        }
        self.inner.run(job).await
    }
}

/// A stage of the dubbing, over a source that is always the same: ten seconds, four lines, two speakers.
struct Heard(Stage);

#[async_trait]
impl DubbingStage for Heard {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        let blob = job.attempt.kit.blobs.put_bytes(b"ten seconds".to_vec(), "audio/wav").await?;
        let facts = match self.0 {
            Stage::Ingest => vec![DubbingEvent::SourceIngested(source(blob))],
            Stage::Separate => vec![DubbingEvent::SpeechSeparated(SeparatedSound {
                background: blob.clone(),
                speech: blob,
                separated: false,
                duration_ms: 10_000,
                loudness: Decibel::from_db(-20.0),
                true_peak: Decibel::from_db(-2.0),
            })],
            Stage::Transcribe => transcript(),
            _ => vec![],
        };
        Ok(Done::made(facts, vec![]))
    }
}

fn source(media: Artefact) -> IngestedSource {
    IngestedSource {
        media,
        signed: false,
        container: "audio/wav".to_owned(),
        duration_ms: 10_000,
        picture: None,
        audio_stream: 0,
        audio_codec: "audio/x-raw".to_owned(),
        audio_channels: 1,
        subtitles: vec![],
    }
}

fn transcript() -> Vec<DubbingEvent> {
    let said = |(id, start_ms, text): (u32, u64, &str)| {
        let span = Span::lasting(start_ms, 1_000);
        DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
            utterance: UtteranceId(id),
            span,
            text: Personal::new(text.to_owned()),
            confidence: None,
            cues: vec![span],
            words: Personal::new(vec![]),
            speaker_name: None,
        })
    };
    let by = |speaker: u32, lines: &[u32]| DubbingEvent::SpeakerIdentified {
        speaker: SpeakerId(speaker),
        name: None,
        pitch_hz: None,
        utterances: lines.iter().map(|id| UtteranceId(*id)).collect(),
    };
    let lines = [(1, 0, "One."), (2, 1_500, "Two, too."), (3, 3_000, "Three."), (4, 4_500, "Four.")];
    lines.into_iter().map(said).chain([by(1, &[1, 3, 4]), by(2, &[2])]).collect()
}

/// All engines in one: what it makes can be read.
struct Toy;

#[async_trait]
impl Engine for Toy {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Ok(EngineInfo {
            name: "toy".to_owned(),
            purpose: "tests".to_owned(),
            version: "1".to_owned(),
            languages: vec![],
            licence: "MIT".to_owned(),
            model_digest: None,
        })
    }
}

#[async_trait]
impl Translator for Toy {
    async fn route(&self, from: &LanguageTag, to: &LanguageTag) -> Result<Route, EngineError> {
        Ok(Route { languages: vec![from.clone(), to.clone()], modes: vec![format!("{from}-{to}")] })
    }

    async fn translate(&self, _: &Route, sentences: &[Sentence]) -> Result<Vec<Translated>, EngineError> {
        let shout = |part: &SentencePart| match part {
            SentencePart::Text(text) => text.to_uppercase(),
            SentencePart::Fixed(text) => text.clone(),
        };
        let translated = |sentence: &Sentence| Translated {
            text: sentence.parts.iter().map(shout).collect::<Vec<_>>().join(" "),
            unknown: vec![],
        };
        Ok(sentences.iter().map(translated).collect())
    }
}

#[async_trait]
impl Synthesiser for Toy {
    async fn voices(&self, _: Option<&LanguageTag>) -> Result<Vec<Voice>, EngineError> {
        let language: LanguageTag = "es".parse().unwrap_or_else(|error| panic!("{error}"));
        let voice = |name: &str| Voice { name: name.to_owned(), language: language.clone(), gender: Gender::Male };
        Ok(["ann", "bob", "cem"].map(voice).to_vec())
    }

    async fn speak(&self, line: SpeakInput) -> Result<Speech, EngineError> {
        let duration_ms = line.text.len() as u64 * 50 * 100 / u64::from(line.rate.get());
        Ok(Speech { wav: format!("{}: {}", line.voice, line.text).into_bytes(), duration_ms })
    }
}

#[async_trait]
impl Mixer for Toy {
    async fn mix(&self, input: MixInput) -> Result<Mixed, EngineError> {
        let mut sound = String::new();
        for line in &input.lines {
            sound.push_str(&std::fs::read_to_string(&line.wav).unwrap_or_else(|error| panic!("{error}")));
            sound.push('\n');
        }
        write(&input.output, &sound);
        let levels = MixLevels { basis: input.basis, lines_mdb: 0, gain_mdb: 0, ceiling_mdb: 0, trim_mdb: 0 };
        let (loudness, true_peak) = (input.loudness, Decibel::from_db(-2.0));
        Ok(Mixed { loudness, true_peak, loudness_reached: true, levels })
    }
}

#[async_trait]
impl Muxer for Toy {
    async fn mux(&self, input: MuxInput) -> Result<Muxed, EngineError> {
        copy(&input.dub, &input.output);
        Ok(Muxed { video_copied: None, attenuation: Decibel::from_db(0.0) })
    }
}

#[async_trait]
impl Inspector for Toy {
    async fn inspect(&self, _: &Path) -> Result<Inspection, EngineError> {
        let media = MediaInfo {
            container: "audio/mp4".to_owned(),
            duration_ms: 10_000,
            video: vec![],
            audio: vec![],
            subtitles: vec![],
        };
        let (loudness, true_peak) = (Decibel::from_db(-20.0), Decibel::from_db(-2.0));
        Ok(Inspection { media, sound_ms: 10_000, loudness, true_peak, silences: vec![] })
    }
}

#[async_trait]
impl ProvenanceSigner for Toy {
    async fn sign_source(&self, _: &Path, _: &Path) -> Result<bool, EngineError> {
        Ok(false)
    }

    async fn sign_dub(&self, input: SignInput) -> Result<Signed, EngineError> {
        copy(&input.input, &input.output);
        Ok(Signed { manifest: "urn:c2pa:toy".to_owned(), manifest_sha256: Sha256::new([7; 32]) })
    }

    async fn verify(&self, _: &Path) -> Result<Verification, EngineError> {
        Err(EngineError::Exhausted { message: "toys verify nothing".to_owned() })
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{error}"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap_or_else(|error| panic!("{error}"));
}
