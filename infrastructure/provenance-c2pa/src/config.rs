//! What the signer has to be told. Deliberately without defaults that touch the environment.

use application::ports::clock::Clock;
use std::{ffi::OsString, fmt, path::PathBuf, sync::Arc};

/// Where the certificates are, and whom to trust beside them.
#[derive(Clone)]
pub struct SigningConfig {
    /// Folder in the data directory that holds this installation's authority, certificate and keys.
    /// Made when it is missing, readable by its owner only.
    pub home: PathBuf,
    /// The user's certificate chain, PEM, the signing certificate first; `None` signs with a
    /// certificate that this installation makes for itself.
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate, PEM (PKCS#8).
    pub key: Option<PathBuf>,
    /// Roots whose signatures count as trusted, PEM, one or more certificates a file.
    pub trust_anchors: Vec<PathBuf>,
    /// The clock: certificates' validity and the `when` of actions depend on it.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for SigningConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningConfig")
            .field("home", &self.home)
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("trust_anchors", &self.trust_anchors)
            .finish_non_exhaustive()
    }
}

/// How to start the process that reads and signs files: a program that calls
/// [`sandbox_main`](crate::sandbox_main) and exits with what it returns.
#[derive(Clone, Debug)]
pub struct SandboxProgram {
    /// The program, usually the running binary itself.
    pub program: PathBuf,
    /// Its arguments, usually a hidden subcommand. Neither keys nor names of files go here.
    pub args: Vec<OsString>,
}
