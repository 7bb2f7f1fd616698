//! What workers report in stories: made up, but of the right shape.

use super::{Random, SECRET, percent, tag};
use domain::{
    dubbing::{
        Delivery, Dubbing, DubbingEvent, Edit, IngestedSource, Order, Picture, PlannedUtterance, SeparatedSound,
        SpokenWord, Start, TrackRequest, TranscribedUtterance, Transcript, WhyDropped,
    },
    flow::Stage,
    track::{
        AssessedTrack, FittedUtterance, Flag, LineChange, MixedSound, MuxedTrack, PublishedTrack, SignedTrack,
        SourceLine, SynthesisedUtterance, Track, TrackCommand, TrackEvent, TrackSettings, TranslatedUtterance,
    },
    value::{
        Artefact, Decibel, DubbingId, LanguageTag, Percent, Personal, ProjectId, Sha256, Span, SpeakerId, TrackId,
        UtteranceId,
    },
};

use uuid::Uuid;

/// Utterances of every source.
const UTTERANCES: u32 = 12;

/// The beginning of a job.
pub(super) fn start(random: &mut Random, job: DubbingId, tracks: Vec<TrackRequest>) -> Start {
    let personal = || Personal::new(SECRET.to_owned());
    Start {
        identity: crate::aggregates::sha256(job.0.as_bytes()),
        source: artefact(random, "video/mp4"),
        name: personal(),
        audio_stream: None,
        source_language: tag("en"),
        language_assumed: random.one_in(2),
        transcript: Transcript::Recognised,
        delivery: Some(Delivery { folder: personal(), stem: personal(), sidecars: true, overwrite: false }),
        order: Order {
            project: random.one_in(2).then(|| ProjectId(Uuid::from_u128(7))),
            client_reference: random.one_in(2).then(|| "order-7".to_owned()),
            ..Order::default()
        },
        tracks,
    }
}

/// The beginning of a track.
pub(super) fn track_start(id: &TrackId, settings: TrackSettings, lines: Vec<SourceLine>) -> TrackCommand {
    let (dubbing, language) = (id.dubbing, id.language.clone());
    TrackCommand::Start { dubbing, source_language: tag("en"), language, settings, lines, inherited: vec![] }
}

/// Other words for a line of the transcript.
pub(super) fn change(utterance: UtteranceId) -> Edit {
    let text = Some(Personal::new(format!("{SECRET} {utterance}")));
    Edit::Change { utterance, text, start_ms: None, end_ms: None, speaker: None }
}

/// A cut through the middle of a line.
pub(super) fn split(dubbing: &Dubbing, utterance: UtteranceId) -> Edit {
    let span = dubbing.utterances.get(&utterance).map(|line| line.span);
    let at_ms = span.map_or(0, |span| span.start_ms() + span.len_ms() / 2);
    let part = || Personal::new(SECRET.to_owned());
    Edit::Split { utterance, at_ms, texts: Box::new([part(), part()]) }
}

/// A line and the one after it.
pub(super) fn merge(dubbing: &Dubbing, utterance: UtteranceId) -> Edit {
    let lines = dubbing.source_lines();
    let mut after = lines.iter().skip_while(|line| line.utterance != utterance).skip(1);
    Edit::Merge { utterance, with: after.next().map_or(utterance, |line| line.utterance) }
}

/// Other words for a line of a track.
pub(super) fn word(utterance: UtteranceId) -> TrackCommand {
    words(utterance, format!("{SECRET} {utterance}"))
}

/// Other words than in any other round.
pub(super) fn word_anew(utterance: UtteranceId, round: usize) -> TrackCommand {
    words(utterance, format!("{SECRET} {utterance}, said in another way for the {round}. time"))
}

fn words(utterance: UtteranceId, text: String) -> TrackCommand {
    let translation = Some(Some(Personal::new(text)));
    let change = LineChange { translation, ..LineChange::default() };
    TrackCommand::Correct { utterance, change, source_revision: 1 }
}

/// Another voice and another rate for a line of a track.
pub(super) fn direct(utterance: UtteranceId) -> TrackCommand {
    let (voice, rate) = (Some(Some("es+f4".to_owned())), Some(Some(percent(110))));
    let change = LineChange { translation: None, voice, rate };
    TrackCommand::Correct { utterance, change, source_revision: 1 }
}

/// All that a stage of a dubbing reports.
pub(super) fn of_dubbing(random: &mut Random, stage: Stage) -> Vec<DubbingEvent> {
    match stage {
        Stage::Ingest => vec![DubbingEvent::SourceIngested(IngestedSource {
            media: artefact(random, "video/mp4"),
            signed: true,
            container: "video/quicktime".to_owned(),
            duration_ms: 60_000 + random.below(1_000),
            picture: random.one_in(2).then(|| Picture {
                stream: 0,
                codec: "video/x-h264".to_owned(),
                width: 1280,
                height: 720,
            }),
            audio_stream: 0,
            audio_codec: "audio/mpeg".to_owned(),
            audio_channels: 2,
            subtitles: vec![],
        })],
        Stage::Separate => vec![DubbingEvent::SpeechSeparated(SeparatedSound {
            background: artefact(random, "audio/wav"),
            speech: artefact(random, "audio/wav"),
            separated: false,
            duration_ms: 60_000,
            loudness: Decibel::from_db(-23.0),
            true_peak: Decibel::from_db(-2.0),
        })],
        Stage::Transcribe => transcript(random),
        _ => vec![],
    }
}

fn transcript(random: &mut Random) -> Vec<DubbingEvent> {
    let span = |number: u32| Span::lasting(u64::from(number) * 4_000, 3_000);
    let planned = |number: u32| PlannedUtterance { utterance: UtteranceId(number), span: span(number) };
    let mut facts = vec![DubbingEvent::SpeechSegmented { utterances: (1..=UTTERANCES).map(planned).collect() }];
    for number in 1..=UTTERANCES {
        let utterance = UtteranceId(number);
        let confidence = percent(50 + random.below(50));
        facts.push(if number.is_multiple_of(6) {
            DubbingEvent::UtteranceDropped { utterance, reason: WhyDropped::Implausible }
        } else {
            DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
                utterance,
                span: span(number),
                text: Personal::new(SECRET.to_owned()),
                confidence: Some(confidence),
                cues: vec![span(number)],
                words: Personal::new(vec![SpokenWord { text: SECRET.to_owned(), span: span(number), confidence }]),
                speaker_name: Some(Personal::new(SECRET.to_owned())),
            })
        });
    }
    for number in 1..=2 {
        let says = |id: &u32| id % 2 == number % 2 && !id.is_multiple_of(6);
        facts.push(DubbingEvent::SpeakerIdentified {
            speaker: SpeakerId(number),
            name: Some(Personal::new(SECRET.to_owned())),
            pitch_hz: Some(120),
            utterances: (1..=UTTERANCES).filter(says).map(UtteranceId).collect(),
        });
    }
    facts
}

/// All that a stage of a track reports.
pub(super) fn of_track(random: &mut Random, stage: Stage, track: &Track) -> Vec<TrackEvent> {
    let lines: Vec<UtteranceId> = track.lines.keys().copied().collect();
    let to = track.header.as_ref().map_or_else(|| tag("es"), |header| header.language.clone());
    match stage {
        Stage::Translate => translation(random, &lines, to),
        Stage::AssignVoices => (1..=2).map(|speaker| voice(random, speaker)).collect(),
        Stage::Synthesise => lines.iter().map(|line| spoken(random, *line)).collect(),
        Stage::Fit => lines.iter().flat_map(|line| fitted(random, *line)).collect(),
        Stage::Mix => vec![TrackEvent::TrackMixed(MixedSound {
            key: digest(random),
            sound: artefact(random, "audio/wav"),
            loudness: Decibel::from_db(-23.1),
            true_peak: Decibel::from_db(-2.0),
            loudness_reached: random.one_in(2),
            levels: None,
        })],
        Stage::Mux => vec![TrackEvent::TrackMuxed(MuxedTrack {
            key: digest(random),
            media: artefact(random, "video/mp4"),
            srt: artefact(random, "application/x-subrip"),
            vtt: artefact(random, "text/vtt"),
            video_copied: random.one_in(2).then_some(true),
        })],
        Stage::Assess => vec![TrackEvent::QualityAssessed(AssessedTrack {
            report: artefact(random, "application/json"),
            lines_to_attend: 0,
            overlaps: 0,
            loudness: Decibel::from_db(-23.45),
            true_peak: Decibel::from_db(-1.07),
        })],
        Stage::Sign => vec![TrackEvent::ProvenanceSigned(SignedTrack {
            media: artefact(random, "video/mp4"),
            manifest: "urn:c2pa:0".to_owned(),
            manifest_sha256: digest(random),
            revision: 9,
        })],
        Stage::Publish => vec![TrackEvent::TrackPublished(PublishedTrack {
            media: artefact(random, "video/mp4"),
            srt: artefact(random, "application/x-subrip"),
            vtt: artefact(random, "text/vtt"),
            report: artefact(random, "application/json"),
        })],
        _ => vec![],
    }
}

fn translation(random: &mut Random, lines: &[UtteranceId], to: LanguageTag) -> Vec<TrackEvent> {
    let routed = TrackEvent::TranslationRouted { languages: vec![tag("en"), to], modes: vec!["eng-spa".to_owned()] };
    let mut facts = vec![routed];
    for line in lines {
        facts.push(TrackEvent::UtteranceTranslated(TranslatedUtterance {
            utterance: *line,
            key: digest(random),
            text: Personal::new(SECRET.to_owned()),
            spoken: Personal::new(SECRET.to_owned()),
            kept: vec![],
            unknown_words: u32::try_from(random.below(3)).unwrap_or(0),
            terms: 2,
            terms_missing: 0,
        }));
        facts.extend(maybe_flag(random, *line, Stage::Translate, &[Flag::UnknownWord, Flag::MissingTerm]));
    }
    facts
}

fn voice(random: &mut Random, speaker: u32) -> TrackEvent {
    let voice = format!("voice-{}", random.below(3));
    TrackEvent::VoiceAssigned { speaker: SpeakerId(speaker), voice }
}

fn spoken(random: &mut Random, utterance: UtteranceId) -> TrackEvent {
    if random.one_in(60) {
        return TrackEvent::UtteranceFlagged { utterance, stage: Stage::Synthesise, flag: Flag::NotSpoken };
    }
    TrackEvent::UtteranceSynthesised(SynthesisedUtterance {
        utterance,
        key: digest(random),
        rate: Percent::HUNDRED,
        duration_ms: 1_000 + random.below(3_000),
        speech: artefact(random, "audio/wav"),
    })
}

fn fitted(random: &mut Random, utterance: UtteranceId) -> Vec<TrackEvent> {
    if random.one_in(5) {
        return vec![TrackEvent::SpeechRateChosen { utterance, rate: percent(100 + random.below(30)) }];
    }
    let fitted = TrackEvent::UtteranceFitted(FittedUtterance {
        utterance,
        start_ms: u64::from(utterance.0) * 4_000,
        duration_ms: 1_000 + random.below(3_000),
        rate: percent(100 + random.below(30)),
        shift_ms: 300 - i64::try_from(random.below(600)).unwrap_or(0),
    });
    let flags = [Flag::Late, Flag::Hurried, Flag::NeedsAttention];
    [fitted].into_iter().chain(maybe_flag(random, utterance, Stage::Fit, &flags)).collect()
}

fn maybe_flag(random: &mut Random, utterance: UtteranceId, stage: Stage, of: &[Flag]) -> Option<TrackEvent> {
    let flag = random.pick(of).copied().filter(|_| random.one_in(12))?;
    Some(TrackEvent::UtteranceFlagged { utterance, stage, flag })
}

/// A file that nobody has.
pub(super) fn artefact(random: &mut Random, media_type: &str) -> Artefact {
    Artefact { sha256: digest(random), media_type: media_type.to_owned(), bytes: 1 + random.below(1 << 40) }
}

fn digest(random: &mut Random) -> Sha256 {
    crate::aggregates::sha256(&random.below(u64::MAX).to_le_bytes())
}
