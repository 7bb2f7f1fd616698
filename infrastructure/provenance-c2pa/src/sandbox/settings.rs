//! How the C2PA library is set up here: no network, no thumbnails, no actions of its own making.

use crate::{error::Failure, protocol::Credential};
use c2pa::{BoxedSigner, Context, Settings, Signer, SigningAlg, create_signer};
use serde_json::json;

/// Whom one reading of a file believes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Believed<'a> {
    /// Roots, PEM, one text or several joined.
    pub(crate) roots_pem: &'a str,
    /// A signing certificate believed by itself, PEM.
    pub(crate) certificate_pem: Option<&'a str>,
}

/// A context for reading.
pub(crate) fn reading(believed: Believed<'_>) -> Result<Context, Failure> {
    let mut trust = serde_json::Map::new();
    if !believed.roots_pem.trim().is_empty() {
        trust.insert("user_anchors".to_owned(), believed.roots_pem.into());
    }
    if let Some(certificate) = believed.certificate_pem {
        trust.insert("allowed_list".to_owned(), certificate.into());
    }
    let settings = json!({
        "trust": trust,
        "core": { "allowed_network_hosts": [], "decode_identity_assertions": false },
        "verify": {
            "verify_after_reading": true,
            "verify_trust": true,
            "verify_after_sign": false,
            "ocsp_fetch": false,
            "remote_manifest_fetch": false,
        },
        "builder": {
            "thumbnail": { "enabled": false },
            "actions": {
                "auto_created_action": { "enabled": false },
                "auto_opened_action": { "enabled": false },
                "auto_placed_action": { "enabled": false },
            },
        },
    });
    let settings = Settings::new().with_json(&settings.to_string())?;
    Ok(Context::new().with_settings(settings)?)
}

/// A context that reads a manifest just signed, without checking the file against it once more.
pub(crate) fn unchecked() -> Result<Context, Failure> {
    let settings = Settings::new().with_json(&json!({ "verify": { "verify_after_reading": false } }).to_string())?;
    Ok(Context::new().with_settings(settings)?)
}

/// A context for signing.
pub(crate) fn signing(believed: Believed<'_>, credential: &Credential) -> Result<Context, Failure> {
    let unusable = |_| Failure::Credential("the signing certificate and key cannot be used".to_owned());
    let key = std::fs::read(credential.key.to_path())
        .map_err(|error| Failure::Credential(format!("the signing key cannot be read: {}", error.kind())))?;
    let algorithm: SigningAlg = credential.algorithm.parse().map_err(|_| Failure::Protocol)?;
    let signer = create_signer::from_keys(credential.chain_pem.as_bytes(), &key, algorithm, None).map_err(unusable)?;
    Ok(reading(believed)?.with_signer(Lean(signer)))
}

/// A signer that reserves what its signature needs. The library's reserves 10 KiB for time stamps and
/// revocation answers, which are never asked for here, and pads every manifest with them.
struct Lean(BoxedSigner);

/// A signature of RSA with 4096 bits, and the headers of COSE around it and the certificates.
const SIGNATURE_BYTES_MAX: usize = 512 + 256;

impl Signer for Lean {
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        self.0.sign(data)
    }

    fn alg(&self) -> SigningAlg {
        self.0.alg()
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        self.0.certs()
    }

    fn reserve_size(&self) -> usize {
        let certificates = self.0.certs().unwrap_or_default();
        certificates.iter().map(|der| der.len() + 8).sum::<usize>() + SIGNATURE_BYTES_MAX
    }
}
