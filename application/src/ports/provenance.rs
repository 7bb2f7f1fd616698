//! Provenance that travels in the file: signing it, and saying what a file's provenance tells.

use super::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::value::{LanguageTag, Sha256};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Signs files with C2PA manifests and verifies them. Memory does not grow with the file.
#[async_trait]
pub trait ProvenanceSigner: Engine {
    /// Signs the source at intake, so that it can be an ingredient with hashes of its own: copies
    /// `input` to `output` with a manifest. `Ok(false)`, and no output, when the container cannot be
    /// signed (MKV, WebM …).
    async fn sign_source(&self, input: &Path, output: &Path) -> Result<bool, EngineError>;

    /// Copies the finished `input` to `output` with the dub's manifest. Always last to touch a file.
    async fn sign_dub(&self, input: SignInput) -> Result<Signed, EngineError>;

    /// Reads and checks the provenance of any file, in a process that a hostile manifest cannot leave.
    async fn verify(&self, file: &Path) -> Result<Verification, EngineError>;
}

/// What the dub's manifest says. Nothing in it is personal and none of it is speech.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignInput {
    /// The finished file, MP4 or M4A.
    pub input: PathBuf,
    /// The file to write.
    pub output: PathBuf,
    /// The source as kept: signed at intake when `source_signed`.
    pub source: PathBuf,
    /// MIME type of the source.
    pub source_media_type: String,
    /// Whether the source carries the intake manifest.
    pub source_signed: bool,
    /// Digest of the source as the user gave it.
    pub source_sha256: Sha256,
    /// Language of the source.
    pub source_language: LanguageTag,
    /// Language of the dub.
    pub target_language: LanguageTag,
    /// Engines that shaped the file, for `softwareAgent`.
    pub engines: Vec<SoftwareAgent>,
    /// Whether the speech was made by a trained model, or by rules (espeak-ng).
    pub trained_voice: bool,
    /// The dubbing's id.
    pub dubbing: String,
    /// The track's stream.
    pub stream: String,
    /// Revision of that stream up to which the history is told here.
    pub revision: u64,
    /// Hash of the event at that revision: whoever has the log can check it.
    pub revision_hash: Sha256,
}

/// A program that took part, and in what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftwareAgent {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The stage it ran: `translate`.
    pub stage: String,
}

/// What came out of signing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Label of the active manifest.
    pub manifest: String,
    /// Digest of the manifest store's bytes.
    pub manifest_sha256: Sha256,
}

/// What a file's provenance tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence for people.
    pub summary: String,
    /// Who signed: common name and organisation of the certificate.
    pub signer: Option<String>,
    /// When, RFC 3339, as the manifest claims.
    pub signed_at: Option<String>,
    /// The actions of the active manifest, in order: `c2pa.opened`, `c2pa.translated`, `c2pa.dubbed`.
    pub actions: Vec<VerifiedAction>,
    /// Title-less ingredients: relationship and whether each came with a manifest that holds.
    pub ingredients: Vec<VerifiedIngredient>,
    /// The namespaced assertion, as JSON: dubbing, stream, revision, hash, digest of the source.
    pub dubbing: Option<serde_json::Value>,
    /// Status codes of the validation that failed: `assertion.bmffHash.mismatch`.
    pub failures: Vec<String>,
}

/// Whether the file and its signature hold, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No manifest.
    Unsigned,
    /// Holds, signed by this installation's own certificate.
    SignedByThisInstallation,
    /// Holds, signed under a root that was configured as trusted.
    Trusted,
    /// Holds, by someone who is not known here.
    UnknownSigner,
    /// File or manifest were changed after signing.
    Broken,
}

/// An action of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedAction {
    /// `c2pa.dubbed`.
    pub action: String,
    /// Its software agent, name and version.
    pub software_agent: Option<String>,
    /// Its parameters.
    pub parameters: Option<serde_json::Value>,
    /// Its digital source type, last segment: `compositeWithTrainedAlgorithmicMedia`.
    pub digital_source_type: Option<String>,
}

/// An ingredient of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedIngredient {
    /// `parentOf`.
    pub relationship: String,
    /// Whether it carries a manifest of its own.
    pub signed: bool,
}
