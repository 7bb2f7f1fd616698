//! Events of a dubbing.

use super::{Sample, artefact, dubbing_stream, language, personal, sha256, span, track::settings};
use application::ports::event_log::DomainEvent;
use domain::{
    dubbing::{
        Delivery, DubbingEvent, IngestedSource, Order, Outcome, Picture, PlannedUtterance, SeparatedSound, SpokenWord,
        TextTrack, TranscribedUtterance, Transcript, UtterancePart, WhyDropped,
    },
    value::{Decibel, Percent, Personal, SpeakerId, UtteranceId},
};

pub fn samples() -> Vec<Sample> {
    let events = [asked(), found(), said(), corrected(), ended()].concat();
    events.into_iter().map(|event| (dubbing_stream(), DomainEvent::Dubbing(event))).collect()
}

fn delivery() -> Delivery {
    Delivery { folder: personal("/home/ann/videos"), stem: personal("talk"), sidecars: true, overwrite: false }
}

fn asked() -> Vec<DubbingEvent> {
    vec![
        DubbingEvent::VideoGenerationStarted {
            identity: sha256(1),
            source: artefact(2, "video/mp4"),
            name: personal("talk.mp4"),
            audio_stream: Some(1),
            source_language: language("en"),
            language_assumed: true,
            transcript: Transcript::Imported { file: artefact(3, "text/vtt") },
            delivery: Some(delivery()),
            order: Order::default(),
        },
        DubbingEvent::DeliveryChosen { delivery: delivery() },
        DubbingEvent::TrackRequested { language: language("es"), settings: settings() },
    ]
}

fn found() -> Vec<DubbingEvent> {
    vec![
        DubbingEvent::SourceIngested(IngestedSource {
            media: artefact(4, "video/mp4"),
            signed: true,
            container: "video/quicktime".to_owned(),
            duration_ms: 61_440,
            picture: Some(Picture { stream: 1, codec: "video/x-h264".to_owned(), width: 1_280, height: 720 }),
            audio_stream: 1,
            audio_codec: "audio/mpeg".to_owned(),
            audio_channels: 2,
            subtitles: vec![TextTrack { stream: 0, language: Some(language("en")) }],
        }),
        DubbingEvent::SourceRejected {
            code: "no-speech".to_owned(),
            message: "No speech was found: choose another sound with --audio-stream.".to_owned(),
        },
        DubbingEvent::SpeechSeparated(SeparatedSound {
            background: artefact(5, "audio/wav"),
            speech: artefact(6, "audio/wav"),
            separated: true,
            duration_ms: 61_440,
            loudness: Decibel::from_db(-23.05),
            true_peak: Decibel::from_db(-1.2),
        }),
        DubbingEvent::SpeechSegmented {
            utterances: vec![PlannedUtterance { utterance: UtteranceId(1), span: span(480, 2_960) }],
        },
    ]
}

fn said() -> Vec<DubbingEvent> {
    let word = SpokenWord { text: "good".to_owned(), span: span(480, 700), confidence: Percent::new(93) };
    vec![
        DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
            utterance: UtteranceId(1),
            span: span(480, 2_960),
            text: personal("Good evening, Ann."),
            confidence: Some(Percent::new(88)),
            cues: vec![span(480, 2_960)],
            words: Personal::new(vec![word]),
            speaker_name: Some(personal("Ann")),
        }),
        DubbingEvent::UtteranceDropped { utterance: UtteranceId(2), reason: WhyDropped::NoWords },
        DubbingEvent::SpeakerIdentified {
            speaker: SpeakerId(1),
            name: Some(personal("Ann")),
            pitch_hz: Some(196),
            utterances: vec![UtteranceId(1), UtteranceId(3)],
        },
        DubbingEvent::TranscriptImported { cues: 12, left_out: 1 },
    ]
}

fn corrected() -> Vec<DubbingEvent> {
    let part = |start_ms, end_ms, text| UtterancePart { span: span(start_ms, end_ms), text: personal(text) };
    vec![
        DubbingEvent::UtteranceEdited {
            utterance: UtteranceId(1),
            text: Some(personal("Good luck, Ann.")),
            span: Some(span(500, 2_900)),
            speaker: Some(SpeakerId(2)),
        },
        DubbingEvent::UtteranceSplit {
            utterance: UtteranceId(1),
            first: part(500, 1_700, "Good luck,"),
            added: UtteranceId(4),
            second: part(1_700, 2_900, "Ann."),
        },
        DubbingEvent::UtterancesMerged {
            utterance: UtteranceId(1),
            absorbed: UtteranceId(4),
            joined: part(500, 2_900, "Good luck, Ann."),
        },
        DubbingEvent::RegenerationRequested { language: language("pt-BR"), from: None },
    ]
}

fn ended() -> Vec<DubbingEvent> {
    vec![
        DubbingEvent::TrackSettled { language: language("es"), outcome: Outcome::NeedsAttention },
        DubbingEvent::TrackRestored {
            language: language("es"),
            settings: settings(),
            outcome: Outcome::NeedsAttention,
        },
        DubbingEvent::VideoGenerationCompleted { needs_attention: true },
        DubbingEvent::VideoGenerationFailed { code: "disk-full".to_owned() },
        DubbingEvent::VideoGenerationCancelled,
    ]
}
