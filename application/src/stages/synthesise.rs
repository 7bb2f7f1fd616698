//! Synthesise: the translated lines, spoken.

use super::handler::{Done, StageError, TrackJob, TrackStage, memo_key, producer};
use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::{
    flow::Stage,
    track::{Flag, SynthesisedUtterance, TrackEvent},
    value::{Artefact, LanguageTag, Percent, Producer, UtteranceId},
};
use futures::{StreamExt, future::ready, stream};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Speaks.
#[async_trait]
pub trait Synthesiser: Engine {
    /// Voices for a language, or all when `None`; the first of each gender is the default choice.
    async fn voices(&self, language: Option<&LanguageTag>) -> Result<Vec<Voice>, EngineError>;

    /// Every voice that may speak a language when it is asked for by name: those for it, and those for other regional
    /// forms of it.
    async fn speaking(&self, language: &LanguageTag) -> Result<Vec<Voice>, EngineError> {
        let (mut voices, all) = (self.voices(Some(language)).await?, self.voices(None).await?);
        voices.extend(all.into_iter().filter(|voice| voice.language.primary() == language.primary()));
        Ok(voices)
    }

    /// Speaks one line. Silence at both ends is trimmed; the result is what came out, measured.
    async fn speak(&self, line: SpeakInput) -> Result<Speech, EngineError>;
}

/// A voice of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Voice {
    /// The engine's name for it, as `--voice SPEAKER=VOICE` takes it: `es+f2`.
    pub name: String,
    /// The language it speaks.
    pub language: LanguageTag,
    /// How it sounds.
    pub gender: Gender,
}

/// How a voice sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gender {
    /// Low.
    Male,
    /// High.
    Female,
}

/// A line to speak.
#[derive(Clone, Debug)]
pub struct SpeakInput {
    /// The text, in the voice's language.
    pub text: String,
    /// Name of the voice.
    pub voice: String,
    /// Speed against the voice's own, 50 to 200 %.
    pub rate: Percent,
}

/// A spoken line.
#[derive(Clone, Debug)]
pub struct Speech {
    /// A complete WAV file: signed 16 bit, 48 kHz, mono, correct header.
    pub wav: Vec<u8>,
    /// Length in milliseconds, rounded up.
    pub duration_ms: u64,
}

/// How often a line is tried before it is flagged.
const TRIES: u32 = 3;

/// The handler.
pub struct Synthesise {
    /// Speaks.
    pub synthesiser: Arc<dyn Synthesiser>,
}

/// What became of a line.
enum Spoken {
    Made,
    Reused,
    Flagged,
}

/// A line as the memo remembers it.
#[derive(Serialize, Deserialize)]
struct Memo {
    speech: Artefact,
    duration_ms: u64,
}

/// One line at one rate.
struct Order {
    utterance: UtteranceId,
    text: String,
    voice: String,
    rate: Percent,
}

#[async_trait]
impl TrackStage for Synthesise {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let speaker = producer(&*self.synthesiser).await?;
        let Some(orders) = orders(job)? else {
            return Ok(without_voices(speaker));
        };
        let ordered = orders.len();
        // A stopping process begins no new line and waits for those that are being spoken.
        let mut spoken = stream::iter(orders)
            .take_while(|_| ready(!job.attempt.is_stopping()))
            .map(|order| self.speak(job, order, &speaker))
            .buffer_unordered(job.attempt.kit.cores);
        let (mut made, mut reused, mut flagged) = (0, 0, 0_u32);
        while let Some(line) = spoken.next().await {
            match line? {
                Spoken::Made => made += 1,
                Spoken::Reused => reused += 1,
                Spoken::Flagged => flagged += 1,
            }
        }
        drop(spoken);
        if ((made + reused + flagged) as usize) < ordered {
            return Err(StageError::Stopped);
        }
        if flagged > 0 && made + reused == 0 {
            // Not one line: that is not the lines' fault.
            let detail = "not one line could be spoken".to_owned();
            return Err(EngineError::Transient { operation: "speak", detail, retry_after: None }.into());
        }
        Ok(Done { facts: vec![], producers: vec![speaker], made, reused, reopen: None, skipped: None })
    }
}

/// Somebody speaks who was not known when voices were given: first they get one.
fn without_voices(speaker: Producer) -> Done<TrackEvent> {
    let (facts, reopen) = (vec![], Some(Stage::AssignVoices));
    Done { facts, producers: vec![speaker], made: 0, reused: 0, reopen, skipped: None }
}

/// Lines that have something to say, each at its voice's own rate and at the planner's, or at the one that a person
/// chose; `None` when one of them has no voice yet.
fn orders(job: &TrackJob) -> Result<Option<Vec<Order>>, StageError> {
    let mut orders = Vec::new();
    for (utterance, _, line) in job.lines() {
        let Some(translation) = &line.translation else {
            continue;
        };
        let text = translation.spoken.reveal().ok_or(StageError::Erased)?;
        if text.is_empty() {
            continue;
        }
        let speaker = job.dubbing.speaker_of(utterance).ok_or(StageError::Absent("the speaker of a line"))?;
        let Some(voice) = line.direction.made_with.as_ref().or(job.track.voices.get(&speaker)) else {
            return Ok(None);
        };
        // A person's rate is the only one; else the voice's own, and what the planner asks for besides.
        let own = line.direction.rate.unwrap_or(Percent::HUNDRED);
        let planned = line.rate.filter(|rate| line.direction.rate.is_none() && *rate != own);
        for rate in [Some(own), planned].into_iter().flatten() {
            orders.push(Order { utterance, text: text.clone(), voice: voice.clone(), rate });
        }
    }
    Ok(Some(orders))
}

impl Synthesise {
    async fn speak(&self, job: &TrackJob, order: Order, speaker: &Producer) -> Result<Spoken, StageError> {
        let key = memo_key(Stage::Synthesise, &(&order.text, &order.voice, order.rate, speaker))?;
        let known = job.track.lines.get(&order.utterance).and_then(|line| line.speech_at(order.rate));
        if let Some(known) = known.filter(|known| known.key == key)
            && job.attempt.has(&known.speech).await?
        {
            // Said already, in an attempt that did not end or before something else changed.
            return Ok(Spoken::Reused);
        }
        let fact = |memo: Memo| {
            TrackEvent::UtteranceSynthesised(SynthesisedUtterance {
                utterance: order.utterance,
                key,
                rate: order.rate,
                duration_ms: memo.duration_ms,
                speech: memo.speech,
            })
        };
        if let Some(memo) = job.attempt.recall::<Memo>(&key).await?
            && job.attempt.hold(&memo.speech).await?
        {
            job.record(vec![fact(memo)]).await?;
            return Ok(Spoken::Reused);
        }
        let Some(speech) = self.try_to_speak(&order).await? else {
            let flagged = TrackEvent::UtteranceFlagged {
                utterance: order.utterance,
                stage: Stage::Synthesise,
                flag: Flag::NotSpoken,
            };
            job.record(vec![flagged]).await?;
            return Ok(Spoken::Flagged);
        };
        let memo = Memo {
            speech: job.attempt.kit.blobs.put_bytes(speech.wav, "audio/wav").await?,
            duration_ms: speech.duration_ms,
        };
        job.attempt.remember(&key, &memo).await?;
        job.record(vec![fact(memo)]).await?;
        Ok(Spoken::Made)
    }

    /// `None` when the engine cannot say this line: it is flagged, and the others go on.
    async fn try_to_speak(&self, order: &Order) -> Result<Option<Speech>, EngineError> {
        for _ in 0..TRIES {
            let line = SpeakInput { text: order.text.clone(), voice: order.voice.clone(), rate: order.rate };
            match self.synthesiser.speak(line).await {
                Ok(speech) => return Ok(Some(speech)),
                Err(EngineError::Rejected { .. }) => return Ok(None),
                Err(EngineError::Transient { .. }) => {}
                Err(error @ (EngineError::Missing { .. } | EngineError::Exhausted { .. })) => return Err(error),
            }
        }
        Ok(None)
    }
}
