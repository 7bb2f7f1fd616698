//! What is known of an asset, and the fold over its events.

use super::{AssetEvent, Quarantine, ValidatedAsset, WhyNotScanned};
use crate::value::{Artefact, Personal};
use serde::{Deserialize, Serialize};

/// What is known of an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// What was handed in; `None` before that, and after erasure.
    pub uploaded: Option<Uploaded>,
    /// Why a scanner that was to look at it gave no verdict; `None` once it did, or when none was to.
    pub not_scanned: Option<WhyNotScanned>,
    /// Where it stands.
    pub phase: Phase,
}

/// What was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    /// The file.
    pub media: Artefact,
    /// Its name, as its owner calls it.
    pub name: Personal<String>,
}

/// Where an asset stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nobody handed it in.
    #[default]
    Absent,
    /// It waits to be looked at; whether a scanner found it clean.
    Uploaded {
        /// A scanner found nothing.
        scanned: bool,
    },
    /// It can be dubbed.
    Ready(Box<ValidatedAsset>),
    /// It cannot.
    Quarantined(Quarantine),
    /// It is gone.
    Erased,
}

impl Asset {
    /// The only writer of an asset's state.
    pub fn evolve(&mut self, event: &AssetEvent) {
        match event {
            AssetEvent::AssetUploaded { media, name } => {
                self.uploaded = Some(Uploaded { media: media.clone(), name: name.clone() });
                self.phase = Phase::Uploaded { scanned: false };
            }
            AssetEvent::AssetScanned { .. } => {
                self.not_scanned = None;
                self.phase = Phase::Uploaded { scanned: true };
            }
            AssetEvent::AssetNotScanned { reason } => self.not_scanned = Some(*reason),
            AssetEvent::AssetValidated(found) => self.phase = Phase::Ready(Box::new(found.clone())),
            AssetEvent::AssetQuarantined(why) => self.phase = Phase::Quarantined(why.clone()),
            AssetEvent::AssetErased => *self = Self { phase: Phase::Erased, ..Self::default() },
        }
    }
}
