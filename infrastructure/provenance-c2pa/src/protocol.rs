//! The words between the engine and its sandbox: one JSON request on standard input, one JSON reply on
//! standard output. Deliberately without key material: keys are named by their file.

use crate::error::Failure;
use application::ports::provenance::{Signed, SoftwareAgent, Verification};
use domain::value::{LanguageTag, Sha256};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// What the sandbox is to do. It does one thing and exits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Copy a source with an intake manifest.
    SignSource {
        input: WirePath,
        output: WirePath,
        credential: Credential,
        trust: Trust,
        /// RFC 3339, for the actions.
        when: String,
    },
    /// Copy a finished dub with its manifest.
    SignDub { dub: Box<DubRequest>, credential: Credential, trust: Trust },
    /// Read and check.
    Verify { file: WirePath, trust: Trust },
}

/// What the sandbox has done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    Signed(Signed),
    Verified(Box<Verification>),
    Failed(Failure),
}

/// With what to sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Credential {
    /// The chain, PEM, signing certificate first.
    pub(crate) chain_pem: String,
    /// The file of the private key, PEM (PKCS#8).
    pub(crate) key: WirePath,
    /// The algorithm, as C2PA names it: `es256`.
    pub(crate) algorithm: String,
}

/// Whom to believe.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Trust {
    /// Root of this installation, PEM.
    pub(crate) own_root_pem: Option<String>,
    /// Configured roots, PEM.
    pub(crate) anchors_pem: String,
    /// The user's own signing certificate, PEM: trusted by itself.
    pub(crate) own_certificate_pem: Option<String>,
}

/// [`SignInput`](application::ports::provenance::SignInput) as it travels: paths as bytes, since names
/// of files need not be text.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DubRequest {
    pub(crate) input: WirePath,
    pub(crate) output: WirePath,
    pub(crate) source: WirePath,
    pub(crate) source_media_type: String,
    /// Whether to read the source's manifest; otherwise the source is described without opening it.
    pub(crate) read_source: bool,
    pub(crate) source_sha256: Sha256,
    pub(crate) source_language: LanguageTag,
    pub(crate) target_language: LanguageTag,
    pub(crate) engines: Vec<SoftwareAgent>,
    pub(crate) trained_voice: bool,
    pub(crate) dubbing: String,
    pub(crate) stream: String,
    pub(crate) revision: u64,
    pub(crate) revision_hash: Sha256,
    /// RFC 3339, for the actions.
    pub(crate) when: String,
}

/// A path as its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WirePath(Vec<u8>);

impl WirePath {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }

    pub(crate) fn to_path(&self) -> PathBuf {
        OsString::from_vec(self.0.clone()).into()
    }
}
