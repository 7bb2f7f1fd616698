//! How transcribe is done.

use super::{Diariser, EmbeddedSubtitles, RecogniseInput, Recognised, Recogniser, SpeechDetector, VoicePrint, Word};
use crate::{
    ports::engine::EngineError,
    stages::handler::{Done, DubbingJob, DubbingStage, StageError, producer},
    text::{
        restore::restore,
        subtitles::{self, Cue},
    },
};
use async_trait::async_trait;
use domain::{
    dubbing::{DubbingEvent, PlannedUtterance, SpokenWord, TranscribedUtterance, Transcript, WhyDropped},
    segment::{self, Heard},
    value::{Artefact, LanguageTag, Percent, Personal, Producer, Span, SpeakerId, UtteranceId},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc;

/// The handler.
pub struct Transcribe {
    /// Finds speech.
    pub detector: Arc<dyn SpeechDetector>,
    /// Understands it.
    pub recogniser: Arc<dyn Recogniser>,
    /// Tells speakers apart.
    pub diariser: Arc<dyn Diariser>,
    /// Reads text tracks.
    pub subtitles: Arc<dyn EmbeddedSubtitles>,
    /// What makes an utterance.
    pub limits: segment::Limits,
}

/// Results that may wait to be recorded: few, since what waits is lost in a crash.
const WAITING: usize = 4;

#[async_trait]
impl DubbingStage for Transcribe {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        let request = job.dubbing.request.as_ref().ok_or(StageError::Absent("the request"))?;
        match &request.transcript {
            Transcript::Recognised => self.recognise(job, &request.source_language).await,
            Transcript::Imported { file } => {
                let cues = subtitles::parse(&self.imported(job, file).await?)
                    .map_err(|error| EngineError::Rejected { code: "bad-transcript", message: error.to_string() })?;
                self.import(job, cues, vec![]).await
            }
            Transcript::Embedded => {
                let cues = self.embedded(job).await?;
                let reader = producer(&*self.subtitles).await?;
                self.import(job, cues, vec![reader]).await
            }
        }
    }
}

impl Transcribe {
    async fn recognise(&self, job: &DubbingJob, language: &LanguageTag) -> Result<Done<DubbingEvent>, StageError> {
        let speech = speech(job).await?;
        let planned = self.plan(job, &speech).await?;
        let settled = |id: &UtteranceId| job.dubbing.utterances.contains_key(id) || job.dubbing.dropped.contains(id);
        let owed: Vec<_> = planned.iter().filter(|line| !settled(&line.utterance)).copied().collect();
        let mut heard: BTreeMap<UtteranceId, Span> =
            job.dubbing.utterances.values().map(|line| (line.utterance, line.span)).collect();
        let reused = u32::try_from(planned.len() - owed.len()).unwrap_or(u32::MAX);
        let made = self.listen(job, &speech, language, &owed, &mut heard).await?;
        if heard.is_empty() {
            return Err(no_speech().into());
        }
        let (speakers, diariser) = self.speakers_by_sound(&speech, &heard).await?;
        let engines = [producer(&*self.detector).await?, producer(&*self.recogniser).await?, diariser];
        Ok(Done { facts: speakers, producers: engines.into(), made, reused, reopen: None, skipped: None })
    }

    /// The utterances to come: as planned by an earlier attempt, or from where someone speaks.
    async fn plan(&self, job: &DubbingJob, speech: &Path) -> Result<Vec<PlannedUtterance>, StageError> {
        if !job.dubbing.planned.is_empty() {
            return Ok(job.dubbing.planned.clone());
        }
        let spans = self.detector.detect(speech).await?;
        let segments = segment::plan(&spans, &self.limits);
        if segments.is_empty() {
            return Err(no_speech().into());
        }
        let planned: Vec<_> = (1..)
            .zip(segments)
            .map(|(number, segment)| PlannedUtterance { utterance: UtteranceId(number), span: segment.span })
            .collect();
        job.record(vec![DubbingEvent::SpeechSegmented { utterances: planned.clone() }]).await?;
        Ok(planned)
    }

    /// Recognises what is owed and records each utterance as soon as it is understood.
    async fn listen(
        &self,
        job: &DubbingJob,
        speech: &Path,
        language: &LanguageTag,
        owed: &[PlannedUtterance],
        heard: &mut BTreeMap<UtteranceId, Span>,
    ) -> Result<u32, StageError> {
        if owed.is_empty() {
            return Ok(0);
        }
        let spans: BTreeMap<UtteranceId, Span> = owed.iter().map(|line| (line.utterance, line.span)).collect();
        let input = RecogniseInput {
            speech: speech.to_owned(),
            language: language.clone(),
            utterances: owed.iter().map(|line| (line.utterance, line.span)).collect(),
            scratch: job.attempt.scratch.folder().await?.to_owned(),
        };
        let (sender, mut results) = mpsc::channel::<Recognised>(WAITING);
        let record = async {
            let mut made = 0;
            while let Some(result) = results.recv().await {
                let Some(span) = spans.get(&result.utterance) else {
                    continue;
                };
                let fact = understood(*span, result);
                if let DubbingEvent::UtteranceTranscribed(line) = &fact {
                    heard.insert(line.utterance, line.span);
                }
                job.record(vec![fact]).await?;
                made += 1;
                if results.is_empty() {
                    // All that was understood is reported; what is being recognised now begins anew.
                    job.attempt.safe_point()?;
                }
            }
            Ok::<u32, StageError>(made)
        };
        let recognise = async { Ok(self.recogniser.recognise(input, sender).await?) };
        let ((), made) = tokio::try_join!(recognise, record)?;
        Ok(made)
    }

    async fn imported(&self, job: &DubbingJob, file: &Artefact) -> Result<Vec<u8>, StageError> {
        let bytes = job.attempt.kit.blobs.get_bytes(&file.sha256).await?;
        bytes.ok_or(StageError::Absent("the transcript"))
    }

    /// The text track in the spoken language, else the first.
    async fn embedded(&self, job: &DubbingJob) -> Result<Vec<Cue>, StageError> {
        let request = job.dubbing.request.as_ref().ok_or(StageError::Absent("the request"))?;
        let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
        let spoken = request.source_language.primary();
        let in_language = |track: &&domain::dubbing::TextTrack| {
            track.language.as_ref().is_some_and(|language| language.primary() == spoken)
        };
        let track = source.subtitles.iter().find(in_language).or_else(|| source.subtitles.first());
        let track = track.ok_or_else(|| EngineError::Rejected {
            code: "no-subtitles",
            message: "the source has no text track; give a transcript file, or leave --transcript out".to_owned(),
        })?;
        let raw = self.subtitles.read(&job.attempt.file(&source.media).await?, track.stream).await?;
        // One reader for all text: what comes from a text track is read like a file of it.
        let cues = subtitles::parse(subtitles::srt::write(&raw).as_bytes())
            .map_err(|error| EngineError::Rejected { code: "bad-transcript", message: error.to_string() })?;
        Ok(cues)
    }

    async fn import(
        &self,
        job: &DubbingJob,
        cues: Vec<Cue>,
        mut producers: Vec<Producer>,
    ) -> Result<Done<DubbingEvent>, StageError> {
        let sound_ms = job.dubbing.sound.as_ref().ok_or(StageError::Absent("the decoded sound"))?.duration_ms;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let all = count(cues.len());
        let inside: Vec<_> =
            cues.into_iter().filter(|cue| cue.span.start_ms() < sound_ms).map(as_segment_cue).collect();
        let lines = segment::join_cues(&inside, &self.limits);
        if lines.is_empty() {
            return Err(no_lines().into());
        }
        let mut facts = vec![DubbingEvent::TranscriptImported { cues: all, left_out: all - count(inside.len()) }];
        let lines: Vec<_> = (1..).map(UtteranceId).zip(lines).collect();
        facts.extend(lines.iter().map(|(id, line)| transcribed(*id, line)));
        let speech = speech(job).await?;
        if lines.iter().any(|(_, line)| line.speaker.is_some()) {
            facts.extend(self.speakers_by_name(&speech, &lines).await?);
        } else {
            let spans = lines.iter().map(|(id, line)| (*id, line.span)).collect();
            facts.extend(self.speakers_by_sound(&speech, &spans).await?.0);
        }
        producers.push(producer(&*self.diariser).await?);
        Ok(Done { facts, producers, made: count(lines.len()), reused: 0, reopen: None, skipped: None })
    }

    async fn speakers_by_sound(
        &self,
        speech: &Path,
        lines: &BTreeMap<UtteranceId, Span>,
    ) -> Result<(Vec<DubbingEvent>, Producer), StageError> {
        let spans: Vec<Span> = lines.values().copied().collect();
        let diarisation = self.diariser.diarise(speech, &spans).await?;
        let facts = (1..).zip(&diarisation.voices).enumerate().map(|(index, (number, voice))| {
            let says = lines.keys().zip(&diarisation.speaker_of).filter(|(_, speaker)| **speaker == index);
            identified(SpeakerId(number), None, *voice, says.map(|(id, _)| *id).collect())
        });
        Ok((facts.collect(), producer(&*self.diariser).await?))
    }

    /// Lines without a name, among others that have one, are said by whoever spoke last.
    async fn speakers_by_name(
        &self,
        speech: &Path,
        lines: &[(UtteranceId, segment::CueUtterance)],
    ) -> Result<Vec<DubbingEvent>, StageError> {
        let mut speakers: Vec<(String, Vec<UtteranceId>, Vec<Span>)> = Vec::new();
        let mut last = lines.iter().find_map(|(_, line)| line.speaker.clone()).unwrap_or_default();
        for (id, line) in lines {
            if let Some(name) = &line.speaker {
                last.clone_from(name);
            }
            match speakers.iter_mut().find(|(name, ..)| *name == last) {
                Some((_, ids, spans)) => {
                    ids.push(*id);
                    spans.push(line.span);
                }
                None => speakers.push((last.clone(), vec![*id], vec![line.span])),
            }
        }
        let groups: Vec<Vec<Span>> = speakers.iter().map(|(.., spans)| spans.clone()).collect();
        let voices = self.diariser.describe_voices(speech, &groups).await?;
        let numbered = (1..).map(SpeakerId).zip(speakers).zip(voices);
        Ok(numbered.map(|((speaker, (name, ids, _)), voice)| identified(speaker, Some(name), voice, ids)).collect())
    }
}

async fn speech(job: &DubbingJob) -> Result<PathBuf, StageError> {
    let sound = job.dubbing.sound.as_ref().ok_or(StageError::Absent("the decoded sound"))?;
    job.attempt.file(&sound.speech).await
}

fn no_speech() -> EngineError {
    let message =
        "no speech was found; if someone does speak, give a transcript (`--transcript` of `dragoman dub`)".to_owned();
    EngineError::Rejected { code: "no-speech", message }
}

fn no_lines() -> EngineError {
    let message = "no line of the transcript lies within the source; check its times".to_owned();
    EngineError::Rejected { code: "no-speech", message }
}

fn identified(
    speaker: SpeakerId,
    name: Option<String>,
    voice: VoicePrint,
    utterances: Vec<UtteranceId>,
) -> DubbingEvent {
    let pitch_hz = voice.pitch_hz.map(|hz| hz.round().clamp(0.0, 2_000.0) as u32);
    DubbingEvent::SpeakerIdentified { speaker, name: name.map(Personal::new), pitch_hz, utterances }
}

fn as_segment_cue(cue: Cue) -> segment::Cue {
    segment::Cue { span: cue.span, text: cue.text, speaker: cue.speaker }
}

fn transcribed(utterance: UtteranceId, line: &segment::CueUtterance) -> DubbingEvent {
    DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
        utterance,
        span: line.span,
        text: Personal::new(line.text.clone()),
        confidence: None,
        cues: line.cues.clone(),
        words: Personal::new(vec![]),
        speaker_name: line.speaker.clone().map(Personal::new),
    })
}

/// What was heard as a fact: words with capitals and stops, or that it was no speech.
fn understood(span: Span, result: Recognised) -> DubbingEvent {
    let utterance = result.utterance;
    if result.words.is_empty() {
        return DubbingEvent::UtteranceDropped { utterance, reason: WhyDropped::NoWords };
    }
    let heard: Vec<Heard> = result
        .words
        .iter()
        .map(|word| Heard { text: &word.text, span: word.span, confidence: word.confidence })
        .collect();
    if !segment::is_plausible(&heard, span) {
        return DubbingEvent::UtteranceDropped { utterance, reason: WhyDropped::Implausible };
    }
    let mean = heard.iter().map(|word| word.confidence).sum::<f32>() / heard.len() as f32;
    let percent = |confidence: f32| Percent::new((confidence.clamp(0.0, 1.0) * 100.0).round() as u16);
    let text = restore(&with_gaps(&result.words));
    let words = result.words.into_iter().map(|word| SpokenWord {
        text: word.text,
        span: word.span,
        confidence: percent(word.confidence),
    });
    DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
        utterance,
        span,
        text: Personal::new(text),
        confidence: Some(percent(mean)),
        cues: vec![span],
        words: Personal::new(words.collect()),
        speaker_name: None,
    })
}

/// Each word with the silence after it, in milliseconds.
fn with_gaps(words: &[Word]) -> Vec<(String, u64)> {
    let gaps = words.windows(2).map(|pair| match pair {
        [word, next] => word.span.gap_ms(next.span),
        _ => 0,
    });
    words.iter().map(|word| word.text.clone()).zip(gaps.chain([0])).collect()
}
