//! With which certificate this installation signs: the user's when one is configured, else its own.
//! Deliberately without any reading of media or manifests: this is the trusted side.

mod configured;
mod local;
#[cfg(test)]
mod tests;

use crate::{
    config::SigningConfig,
    error::Failure,
    protocol::{Credential, Trust, WirePath},
};
use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

/// What to sign with, and whom to believe; made or read by [`obtain`].
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) credential: Credential,
    pub(crate) trust: Trust,
}

/// Reads the configured certificate, or this installation's own, which is made at the first call.
pub(crate) fn obtain(config: &SigningConfig) -> Result<Identity, Failure> {
    let credential = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => configured::credential(certificate, key)?,
        (None, None) => {
            let now = UNIX_EPOCH + Duration::from_millis(config.clock.now().unix_ms());
            let signer = local::obtain(&config.home, now)?;
            Credential {
                chain_pem: signer.certificate_pem,
                key: WirePath::new(&signer.key),
                algorithm: "es256".to_owned(),
            }
        }
        (Some(_), None) => return Err(credential_error("a signing certificate is configured without its key")),
        (None, Some(_)) => return Err(credential_error("a signing key is configured without its certificate")),
    };
    Ok(Identity { credential, trust: trust(config)? })
}

/// Whom to believe, without making anything: reading what others signed needs no certificate of one's own.
pub(crate) fn trust(config: &SigningConfig) -> Result<Trust, Failure> {
    let own_certificate_pem = match &config.certificate {
        Some(file) => Some(configured::signing_certificate(&read_pem(file, "the signing certificate")?)?),
        None => None,
    };
    Ok(Trust { own_root_pem: local::existing_root(&config.home)?, anchors_pem: anchors(config)?, own_certificate_pem })
}

fn anchors(config: &SigningConfig) -> Result<String, Failure> {
    let mut all = String::new();
    for file in &config.trust_anchors {
        let pem = read_pem(file, "a file of trust anchors")?;
        configured::certificates(&pem)?;
        all.push_str(&pem);
        all.push('\n');
    }
    Ok(all)
}

fn read_pem(file: &Path, what: &str) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| credential_error(&format!("{what} cannot be read: {}", error.kind())))
}

fn credential_error(message: &str) -> Failure {
    Failure::Credential(message.to_owned())
}
