//! Signatures of deliveries, after Standard Webhooks 1.0.0 (<https://www.standardwebhooks.com>).
//!
//! What is signed is `{webhook-id}.{webhook-timestamp}.{body}`. While a secret is being replaced, a delivery is signed
//! with the old one and the new one, and receivers are content with either. Deliberately absent: where secrets are
//! kept.

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::value::Timestamp;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use thiserror::Error;

/// Name of the header that says which message it is, so that receivers can tell repetitions.
pub const ID_HEADER: &str = "webhook-id";
/// Name of the header that says when this attempt was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// Name of the header with the signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// What a shared secret's text begins with.
const SHARED: &str = "whsec_";
/// What a private key's text begins with.
const PRIVATE: &str = "whsk_";
/// What a public key's text begins with.
const PUBLIC: &str = "whpk_";
/// How many bytes a shared secret has, after the standard.
const SHARED_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How deliveries are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureVersion {
    /// With a secret that both sides know: HMAC-SHA256.
    #[default]
    V1,
    /// With a private key whose public half receivers have: Ed25519.
    V1a,
}

impl SignatureVersion {
    /// Its name, as it stands before signatures: `v1a`.
    pub const fn name(self) -> &'static str {
        match self {
            SignatureVersion::V1 => "v1",
            SignatureVersion::V1a => "v1a",
        }
    }
}

/// What deliveries are signed with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// Known to both sides: HMAC-SHA256, signatures `v1`.
    Shared(Vec<u8>),
    /// Known here only; receivers have the public key: Ed25519, signatures `v1a`.
    Pair(Box<SigningKey>),
}

/// The text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a secret for webhooks is `whsec_` with 24 to 64 bytes, or `whsk_` with a key of Ed25519, in Base64")]
pub struct InvalidSecret;

impl SigningSecret {
    /// A secret that both sides know, from random bytes.
    pub fn shared(random: [u8; 32]) -> Self {
        Self(Kind::Shared(random.to_vec()))
    }

    /// A pair of keys, from random bytes.
    pub fn pair(random: [u8; 32]) -> Self {
        Self(Kind::Pair(Box::new(SigningKey::from_bytes(&random))))
    }

    /// One for signatures of this version, from random bytes.
    pub fn drawn(version: SignatureVersion, random: [u8; 32]) -> Self {
        match version {
            SignatureVersion::V1 => Self::shared(random),
            SignatureVersion::V1a => Self::pair(random),
        }
    }

    /// The version of its signatures.
    pub fn version(&self) -> SignatureVersion {
        match &self.0 {
            Kind::Shared(_) => SignatureVersion::V1,
            Kind::Pair(_) => SignatureVersion::V1a,
        }
    }

    /// From the text that [`SigningSecret::expose`] gives. A private key may be without its public half.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let decoded = |encoded: &str| BASE64_STANDARD.decode(encoded).map_err(|_| InvalidSecret);
        if let Some(encoded) = text.strip_prefix(SHARED) {
            let bytes = decoded(encoded)?;
            return if SHARED_BYTES.contains(&bytes.len()) {
                Ok(Self(Kind::Shared(bytes)))
            } else {
                Err(InvalidSecret)
            };
        }
        let bytes = decoded(text.strip_prefix(PRIVATE).ok_or(InvalidSecret)?)?;
        let key = match <[u8; 64]>::try_from(bytes.as_slice()) {
            Ok(both) => SigningKey::from_keypair_bytes(&both).map_err(|_| InvalidSecret)?,
            Err(_) => SigningKey::from_bytes(&bytes.try_into().map_err(|_| InvalidSecret)?),
        };
        Ok(Self(Kind::Pair(Box::new(key))))
    }

    /// Its text, to be kept sealed: `whsec_…`, or `whsk_…` with both halves of the pair.
    pub fn expose(&self) -> String {
        match &self.0 {
            Kind::Shared(bytes) => format!("{SHARED}{}", BASE64_STANDARD.encode(bytes)),
            Kind::Pair(key) => format!("{PRIVATE}{}", BASE64_STANDARD.encode(key.to_keypair_bytes())),
        }
    }

    /// The text that a receiver verifies with: the shared secret itself, or `whpk_…`, which is no secret.
    pub fn for_receiver(&self) -> String {
        match &self.0 {
            Kind::Shared(_) => self.expose(),
            Kind::Pair(key) => format!("{PUBLIC}{}", BASE64_STANDARD.encode(key.verifying_key().to_bytes())),
        }
    }

    /// The signature of these bytes, with its version.
    fn sign(&self, content: &[u8]) -> String {
        match &self.0 {
            Kind::Shared(secret) => self.versioned(&hmac(secret, content)),
            Kind::Pair(key) => self.versioned(&key.sign(content).to_bytes()),
        }
    }

    fn versioned(&self, signature: &[u8]) -> String {
        format!("{},{}", self.version().name(), BASE64_STANDARD.encode(signature))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Shared(_) => "SigningSecret(shared)",
            Kind::Pair(_) => "SigningSecret(pair)",
        })
    }
}

/// The headers of a delivery that is sent at this moment, signed with each of the secrets, in their order.
pub fn signed_headers(secrets: &[SigningSecret], id: &str, now: Timestamp, body: &str) -> Vec<(String, String)> {
    let seconds = (now.unix_ms() / 1_000).to_string();
    let content = format!("{id}.{seconds}.{body}");
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(content.as_bytes())).collect();
    let headers = [(ID_HEADER, id.to_owned()), (TIMESTAMP_HEADER, seconds), (SIGNATURE_HEADER, signatures.join(" "))];
    headers.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

fn hmac(secret: &[u8], content: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac.chain_update(content).finalize().into_bytes().into(),
        // HMAC takes keys of any length.
        Err(_) => [0; 32],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A signature that others computed: the test vectors of the reference libraries and of Svix's server.
    #[track_caller]
    fn check(secret: &str, id: &str, seconds: u64, body: &str, expected: &str) {
        let secret = SigningSecret::parse(secret).unwrap();
        let headers = signed_headers(&[secret], id, Timestamp::from_unix_ms(seconds * 1_000 + 999), body);
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!(header("webhook-signature"), expected);
        assert_eq!((header("webhook-id"), header("webhook-timestamp")), (id.to_owned(), seconds.to_string()));
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const KEY: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const SEED: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
    const V1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const V1A: &str = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;

    #[test]
    fn signatures_are_those_of_the_standard() {
        check(SECRET, ID, 1_614_265_330, BODY, V1);
        check(KEY, ID, 1_614_265_330, BODY, V1A);
        check(SEED, ID, 1_614_265_330, BODY, V1A);
        check(
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        );
    }

    #[test]
    fn several_secrets_sign_in_their_order() {
        let secrets = [KEY, SECRET].map(|text| SigningSecret::parse(text).unwrap());
        let headers = signed_headers(&secrets, ID, Timestamp::from_unix_ms(1_614_265_330_000), BODY);
        assert_eq!(headers[2].1, format!("{V1A} {V1}"));
    }

    #[test]
    fn secrets_come_back_from_their_texts() {
        for secret in [SigningSecret::shared([7; 32]), SigningSecret::pair([7; 32])] {
            assert_eq!(SigningSecret::parse(&secret.expose()), Ok(secret));
        }
        assert_eq!(SigningSecret::parse(SEED).unwrap().expose(), KEY);
        let public = SigningSecret::parse(KEY).unwrap().for_receiver();
        assert_eq!(public, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
        assert_eq!(SigningSecret::parse(SECRET).unwrap().for_receiver(), SECRET);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let base64 = |bytes: usize| BASE64_STANDARD.encode(vec![1; bytes]);
        let mut texts: Vec<String> =
            ["", "whsec_", "whsk_", "whsec_!", "whsec_AAAA ", "WHSEC_AAAA"].map(Into::into).into();
        // Too short, too long, another kind, halves that do not belong together.
        texts.extend([23, 65].map(|bytes| format!("whsec_{}", base64(bytes))));
        texts.extend([31, 33, 63, 64, 65].map(|bytes| format!("whsk_{}", base64(bytes))));
        texts.extend([format!("whpk_{}", base64(32)), base64(32)]);
        for text in texts {
            assert_eq!(SigningSecret::parse(&text), Err(InvalidSecret), "{text}");
        }
        assert!(SigningSecret::parse(&format!("whsec_{}", base64(24))).is_ok());
        assert!(SigningSecret::parse(&format!("whsec_{}", base64(64))).is_ok());
    }

    #[test]
    fn secrets_are_never_shown() {
        let shown = format!("{:?}", [SECRET, KEY].map(|text| SigningSecret::parse(text).unwrap()));
        assert_eq!(shown, "[SigningSecret(shared), SigningSecret(pair)]");
    }
}
