//! What can happen to an asset.

use crate::value::{Artefact, Decibel, LanguageTag, Personal, Producer};
use serde::{Deserialize, Serialize};

/// What has happened to an asset. Names are those of the log; shapes change only through a new version in the event
/// codec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssetEvent {
    /// A file was handed in and is kept.
    AssetUploaded {
        /// The file.
        media: Artefact,
        /// Its name, as its owner calls it.
        name: Personal<String>,
    },
    /// A scanner looked for malware.
    AssetScanned {
        /// The scanner.
        scanner: Producer,
        /// What it says.
        #[serde(flatten)]
        verdict: ScanVerdict,
    },
    /// A scanner was to look for malware and gave no verdict: the file is looked at without one.
    AssetNotScanned {
        /// Why there is none.
        reason: WhyNotScanned,
    },
    /// It can be dubbed.
    AssetValidated(ValidatedAsset),
    /// It cannot, or must not, be dubbed.
    AssetQuarantined(Quarantine),
    /// Its owner does not want it any more: name and file are gone.
    AssetErased,
}

/// What a scanner says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum ScanVerdict {
    /// Nothing was found.
    Clean,
    /// Malware was found.
    Infected {
        /// What the scanner calls it.
        signature: String,
    },
}

/// Why a scanner gave no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyNotScanned {
    /// The file is larger than it looks at.
    TooLarge,
    /// It did not answer.
    NoAnswer,
    /// It answered something else than a verdict, or could not be given the file.
    Failed,
}

/// What an asset holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatedAsset {
    /// MIME type of the container.
    pub container: String,
    /// Length in milliseconds.
    pub duration_ms: u64,
    /// Moving pictures.
    pub video: Vec<AssetVideo>,
    /// Sounds; at least one.
    pub audio: Vec<AssetSound>,
    /// Text tracks.
    pub subtitles: Vec<AssetText>,
    /// Programme loudness of the first sound in LUFS.
    pub loudness: Decibel,
    /// Its true peak in dBTP.
    pub true_peak: Decibel,
}

/// A moving picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetVideo {
    /// Its number among the pictures, from 0.
    pub index: u32,
    /// Caps name: `video/x-h264`.
    pub codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetSound {
    /// Its number among the sounds, from 0.
    pub index: u32,
    /// Caps name: `audio/mpeg`.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples per second.
    pub rate_hz: u32,
    /// Its language, as tagged.
    pub language: Option<LanguageTag>,
}

/// A text track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetText {
    /// Its number among the text tracks, from 0.
    pub index: u32,
    /// Caps name.
    pub codec: String,
    /// Its language, as tagged.
    pub language: Option<LanguageTag>,
}

/// Why an asset was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// What is wrong with it, in kind.
    pub why: WhyQuarantined,
    /// Stable code: `not-media`, `no-audio`, `infected`.
    pub code: String,
    /// One sentence that says what to do.
    pub message: String,
}

/// What is wrong with an asset, in kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyQuarantined {
    /// It is not of a kind that can be dubbed at all, or not what its name says.
    Unsupported,
    /// It is of the right kind, but cannot be dubbed as it is.
    NotDubbable,
    /// It is dangerous.
    Infected,
}
