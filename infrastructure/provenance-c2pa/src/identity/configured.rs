//! The user's certificate and key: which algorithm they are, and whether they fit each other and what
//! C2PA asks of a signing certificate. Deliberately without conversion of keys.

use super::{credential_error, read_pem};
use crate::{
    error::Failure,
    protocol::{Credential, WirePath},
};
use c2pa::{
    crypto::cose::{CertificateTrustPolicy, check_certificate_profile, check_end_entity_certificate_profile},
    status_tracker::StatusTracker,
};
use rcgen::{KeyPair, PublicKeyData};
use std::path::Path;
use x509_parser::{
    certificate::X509Certificate,
    pem::Pem,
    prelude::{FromDer, X509Error},
    public_key::PublicKey,
};

/// Reads chain and key and checks that they can sign.
pub(super) fn credential(certificate: &Path, key: &Path) -> Result<Credential, Failure> {
    let chain_pem = read_pem(certificate, "the signing certificate")?;
    let key_pem = read_pem(key, "the signing key")?;
    let chain = certificates(&chain_pem)?;
    let Some(leaf) = chain.first() else { return Err(credential_error("the signing certificate's file is empty")) };
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(not_x509)?;
    let algorithm = algorithm_of(&parsed)?;
    if public_key_of(&key_pem)? != parsed.public_key().raw {
        return Err(credential_error("the signing key does not belong to the signing certificate"));
    }
    check_profile(&chain)?;
    Ok(Credential { chain_pem, key: WirePath::new(key), algorithm: algorithm.to_owned() })
}

/// The first certificate of a chain, PEM.
pub(super) fn signing_certificate(chain_pem: &str) -> Result<String, Failure> {
    const END: &str = "-----END CERTIFICATE-----";
    let end = chain_pem.find(END).ok_or_else(|| credential_error("the signing certificate is not PEM"))?;
    Ok(chain_pem.chars().take(end + END.len()).chain(['\n']).collect())
}

/// All certificates of a PEM text, DER, in their order.
pub(super) fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let mut found = Vec::new();
    for block in Pem::iter_from_buffer(pem.as_bytes()) {
        let block = block.map_err(|_| credential_error("a file of certificates is not PEM"))?;
        if block.label == "CERTIFICATE" {
            X509Certificate::from_der(&block.contents).map_err(not_x509)?;
            found.push(block.contents);
        }
    }
    match found.is_empty() {
        true => Err(credential_error("a file of certificates holds none")),
        false => Ok(found),
    }
}

/// C2PA §13.2 names the algorithms; the key's type and size decide between them.
fn algorithm_of(certificate: &X509Certificate<'_>) -> Result<&'static str, Failure> {
    const ED25519: &str = "1.3.101.112";
    let key = certificate.public_key();
    if key.algorithm.algorithm.to_id_string() == ED25519 {
        return Ok("ed25519");
    }
    match key.parsed().map_err(|_| credential_error("the signing certificate's key cannot be read"))? {
        PublicKey::EC(point) if point.key_size() == 256 => Ok("es256"),
        PublicKey::EC(point) if point.key_size() == 384 => Ok("es384"),
        PublicKey::RSA(_) => Ok("ps256"),
        _ => Err(credential_error("the signing key must be P-256, P-384, Ed25519 or RSA")),
    }
}

/// The public half of a private key, as the structure that a certificate holds.
fn public_key_of(key_pem: &str) -> Result<Vec<u8>, Failure> {
    let pair = KeyPair::from_pem(key_pem).map_err(|_| {
        credential_error(
            "the signing key cannot be read; it must be PEM with PKCS#8 and without a password \
             (openssl pkcs8 -topk8 -nocrypt)",
        )
    })?;
    Ok(pair.subject_public_key_info())
}

/// C2PA §14.5.1: what signing certificates and those above them must say. A root that is sent along is
/// left out: self-signed certificates are never part of the profile.
fn check_profile(chain: &[Vec<u8>]) -> Result<(), Failure> {
    let policy = CertificateTrustPolicy::default();
    let mut log = StatusTracker::default();
    let mut issuer_wanted: Option<Vec<u8>> = None;
    for (place, der) in chain.iter().enumerate() {
        let (_, certificate) = X509Certificate::from_der(der).map_err(not_x509)?;
        if issuer_wanted.is_some_and(|wanted| wanted != certificate.subject().as_raw()) {
            return Err(credential_error("the signing certificate's chain is not in order, each signed by the next"));
        }
        let self_signed = certificate.subject() == certificate.issuer();
        let verdict = match place {
            0 => check_end_entity_certificate_profile(der, &policy, &mut log, None),
            _ if self_signed => Ok(()),
            _ => check_certificate_profile(der, &policy, &mut log, None),
        };
        if let Err(error) = verdict {
            return Err(credential_error(&format!(
                "certificate {} of the signing chain does not fit the C2PA profile: {error} (wanted: valid now, \
                 digitalSignature, extended key usage emailProtection or C2PA signing, authority key identifier)",
                place + 1
            )));
        }
        issuer_wanted = Some(certificate.issuer().as_raw().to_vec());
    }
    Ok(())
}

fn not_x509(_: x509_parser::nom::Err<X509Error>) -> Failure {
    credential_error("a certificate cannot be read")
}
