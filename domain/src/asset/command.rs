//! What can be asked of an asset, and which rules that can break.

use super::{Quarantine, ScanVerdict, ValidatedAsset, WhyNotScanned};
use crate::value::{Artefact, Personal, Producer};
use std::fmt;

/// What can be asked of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssetCommand {
    /// A file was handed in and is kept.
    Register {
        /// The file.
        media: Artefact,
        /// Its name, as its owner calls it.
        name: Personal<String>,
    },
    /// A scanner looked for malware.
    RecordScan {
        /// The scanner.
        scanner: Producer,
        /// What it says.
        verdict: ScanVerdict,
    },
    /// A scanner was to look for malware and gave no verdict.
    RecordNotScanned(WhyNotScanned),
    /// It can be dubbed.
    Validate(Box<ValidatedAsset>),
    /// It cannot, or must not, be dubbed.
    Quarantine(Quarantine),
    /// It is not wanted any more.
    Erase,
}

/// Which rule a command to an asset broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetRejection {
    /// Nobody handed it in.
    Unknown,
    /// It was handed in already, with other content.
    AlreadyRegistered,
    /// It has been looked at already.
    AlreadyChecked,
    /// It was erased.
    Erased,
}

impl fmt::Display for AssetRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AssetRejection::Unknown => "there is no such asset",
            AssetRejection::AlreadyRegistered => "the asset was handed in already, with other content",
            AssetRejection::AlreadyChecked => "the asset has been looked at already",
            AssetRejection::Erased => "the asset was erased",
        })
    }
}

impl std::error::Error for AssetRejection {}
