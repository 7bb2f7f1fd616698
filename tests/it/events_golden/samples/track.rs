//! Events of a track.

use super::{Sample, artefact, dubbing_id, language, personal, sha256, span, track_stream};
use application::ports::event_log::DomainEvent;
use domain::{
    flow::Stage,
    track::{
        AssessedTrack, Background, DeliveredFile, FittedUtterance, Flag, MixedSound, MuxedTrack, PublishedTrack, Role,
        SignedTrack, SourceLine, SynthesisedUtterance, TrackEvent, TrackSettings, TranslatedUtterance,
    },
    value::{Decibel, Percent, Personal, SpeakerId, UtteranceId},
};

pub fn samples() -> Vec<Sample> {
    let events = [begun(), lines(), files()].concat();
    events.into_iter().map(|event| (track_stream(), DomainEvent::Track(event))).collect()
}

pub fn settings() -> TrackSettings {
    TrackSettings {
        glossary: Some(artefact(0x10, "text/csv")),
        keep_phrases: Personal::new(vec!["Good luck, Ann".to_owned()]),
        voices: Personal::new([("Ann".to_owned(), "es-la+f2".to_owned())].into()),
        background: Background::Duck,
        keep_original: true,
        embed_subtitles: false,
    }
}

fn first_line(number: u32) -> SourceLine {
    SourceLine { utterance: UtteranceId(number), revision: 1 }
}

fn begun() -> Vec<TrackEvent> {
    vec![
        TrackEvent::TrackStarted {
            dubbing: dubbing_id(),
            source_language: language("en"),
            language: language("pt-BR"),
            settings: settings(),
            lines: vec![first_line(1), first_line(3)],
        },
        TrackEvent::TrackRevised { settings: settings() },
        TrackEvent::TranslationEdited {
            utterance: UtteranceId(3),
            text: Some(personal("Boa sorte, Ann.")),
            source_revision: 2,
        },
        TrackEvent::LineDirected {
            utterance: UtteranceId(3),
            voice: Some("pt-br+f3".to_owned()),
            rate: Some(Percent::new(110)),
        },
        TrackEvent::RegenerationStarted {
            request: 2,
            lines: vec![first_line(1), SourceLine { utterance: UtteranceId(3), revision: 2 }],
        },
        TrackEvent::RunCalledOff { settings: settings() },
        TrackEvent::TranslationRouted {
            languages: vec![language("en"), language("es"), language("pt-BR")],
            modes: vec!["eng-spa".to_owned(), "es-pt_BR".to_owned()],
        },
        TrackEvent::VoiceAssigned { speaker: SpeakerId(1), voice: "pt-br+f2".to_owned() },
    ]
}

fn lines() -> Vec<TrackEvent> {
    vec![
        TrackEvent::UtteranceTranslated(TranslatedUtterance {
            utterance: UtteranceId(1),
            key: sha256(0x11),
            text: personal("Boa noite, Ann."),
            spoken: personal("Boa noite, Ann."),
            kept: vec![span(1_900, 2_960)],
            unknown_words: 1,
            terms: 2,
            terms_missing: 1,
        }),
        TrackEvent::UtteranceSynthesised(SynthesisedUtterance {
            utterance: UtteranceId(1),
            key: sha256(0x12),
            rate: Percent::new(117),
            duration_ms: 2_310,
            speech: artefact(0x13, "audio/wav"),
        }),
        TrackEvent::SpeechRateChosen { utterance: UtteranceId(1), rate: Percent::new(120) },
        TrackEvent::UtteranceFitted(FittedUtterance {
            utterance: UtteranceId(1),
            start_ms: 400,
            duration_ms: 2_310,
            rate: Percent::new(120),
            shift_ms: -80,
        }),
        TrackEvent::UtteranceFlagged { utterance: UtteranceId(1), stage: Stage::Fit, flag: Flag::OutlastsPicture },
    ]
}

fn files() -> Vec<TrackEvent> {
    let (media, srt, vtt) =
        (artefact(0x20, "video/mp4"), artefact(0x21, "application/x-subrip"), artefact(0x22, "text/vtt"));
    let report = artefact(0x23, "application/json");
    let (loudness, true_peak) = (Decibel::from_db(-22.9), Decibel::from_db(-1.0));
    vec![
        TrackEvent::TrackMixed(MixedSound {
            key: sha256(0x24),
            sound: artefact(0x25, "audio/wav"),
            loudness,
            true_peak,
            loudness_reached: true,
            levels: None,
        }),
        TrackEvent::TrackMuxed(MuxedTrack {
            key: sha256(0x26),
            media: media.clone(),
            srt: srt.clone(),
            vtt: vtt.clone(),
            video_copied: Some(true),
        }),
        TrackEvent::QualityAssessed(AssessedTrack {
            report: report.clone(),
            lines_to_attend: 1,
            overlaps: 0,
            loudness,
            true_peak,
        }),
        TrackEvent::ProvenanceSigned(SignedTrack {
            media: media.clone(),
            manifest: "urn:c2pa:00000000-0000-4000-8000-000000000001".to_owned(),
            manifest_sha256: sha256(0x27),
            revision: 40,
        }),
        TrackEvent::TrackPublished(PublishedTrack { media, srt, vtt, report }),
        TrackEvent::TrackDelivered {
            files: vec![DeliveredFile {
                role: Role::Video,
                path: personal("/home/ann/videos/talk.pt-BR.mp4"),
                sha256: sha256(0x20),
            }],
        },
        TrackEvent::TrackWithdrawn,
    ]
}
