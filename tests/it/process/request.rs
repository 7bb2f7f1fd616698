//! What is asked for in these tests.

use domain::{
    dubbing::{Delivery, Order, Start, TrackRequest, Transcript},
    track::{Background, TrackSettings},
    value::{Artefact, LanguageTag, Personal, Sha256},
};
use std::collections::BTreeMap;

/// A language by its tag.
pub fn language(tag: &str) -> LanguageTag {
    tag.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// These languages, all made in the same way.
pub fn requests(languages: &[&str]) -> Vec<TrackRequest> {
    let settings = TrackSettings {
        glossary: None,
        keep_phrases: Personal::new(vec![]),
        voices: Personal::new(BTreeMap::new()),
        background: Background::Duck,
        keep_original: false,
        embed_subtitles: false,
    };
    languages.iter().map(|tag| TrackRequest { language: language(tag), settings: settings.clone() }).collect()
}

/// A language made in a way that concerns its translation.
pub fn otherwise(tag: &str) -> Vec<TrackRequest> {
    let mut requests = requests(&[tag]);
    requests.iter_mut().for_each(|track| track.settings.keep_phrases = Personal::new(vec!["Webb".to_owned()]));
    requests
}

/// A dubbing in these languages.
pub fn start(languages: &[&str]) -> Start {
    Start {
        identity: Sha256::new([1; 32]),
        source: Artefact { sha256: Sha256::new([2; 32]), media_type: "video/mp4".to_owned(), bytes: 1 },
        name: Personal::new("talk.mp4".to_owned()),
        audio_stream: None,
        source_language: language("en"),
        language_assumed: false,
        transcript: Transcript::Recognised,
        order: Order::default(),
        delivery: Some(Delivery {
            folder: Personal::new("/out".to_owned()),
            stem: Personal::new("talk".to_owned()),
            sidecars: true,
            overwrite: false,
        }),
        tracks: requests(languages),
    }
}
