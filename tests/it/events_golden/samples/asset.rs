//! Events of an asset.

use super::{Sample, artefact, language, personal, producer};
use application::ports::event_log::{DomainEvent, StreamId};
use domain::{
    asset::{
        AssetEvent, AssetSound, AssetText, AssetVideo, Quarantine, ScanVerdict, ValidatedAsset, WhyNotScanned,
        WhyQuarantined,
    },
    value::{AssetId, Decibel},
};
use uuid::Uuid;

pub fn samples() -> Vec<Sample> {
    let stream = StreamId::Asset(AssetId(Uuid::from_u128(0x0198_7f00_0000_7000_8000_0000_0000_0002)));
    events().into_iter().map(|event| (stream.clone(), DomainEvent::Asset(event))).collect()
}

fn events() -> Vec<AssetEvent> {
    vec![
        AssetEvent::AssetUploaded { media: artefact(0x30, "video/mp4"), name: personal("talk of Ann.mp4") },
        AssetEvent::AssetScanned {
            scanner: producer(),
            verdict: ScanVerdict::Infected { signature: "Eicar-Signature".to_owned() },
        },
        AssetEvent::AssetNotScanned { reason: WhyNotScanned::TooLarge },
        AssetEvent::AssetValidated(ValidatedAsset {
            container: "video/quicktime".to_owned(),
            duration_ms: 61_440,
            video: vec![AssetVideo { index: 0, codec: "video/x-h264".to_owned(), width: 1_280, height: 720 }],
            audio: vec![AssetSound {
                index: 0,
                codec: "audio/mpeg".to_owned(),
                channels: 2,
                rate_hz: 48_000,
                language: Some(language("en")),
            }],
            subtitles: vec![AssetText { index: 0, codec: "text/x-raw".to_owned(), language: Some(language("en")) }],
            loudness: Decibel::from_db(-23.05),
            true_peak: Decibel::from_db(-1.2),
        }),
        AssetEvent::AssetQuarantined(Quarantine {
            why: WhyQuarantined::NotDubbable,
            code: "no-audio".to_owned(),
            message: "The source has no sound; there is nothing to dub.".to_owned(),
        }),
        AssetEvent::AssetErased,
    ]
}
