//! Sealing of bytes under a key: authenticated, bound to a context, and the same every time.
//!
//! XChaCha20-Poly1305 with a synthetic nonce: the first 24 bytes of HMAC-SHA-256 over context and
//! plaintext under a key of its own. Equal input gives equal output, so that encoding is
//! deterministic; different input gives a different nonce, so that none is used twice. Deliberately
//! absent: hiding a value's length.

use crate::canon::field;
use application::ports::key_vault::Key;
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use thiserror::Error;

/// Length of an XChaCha20 nonce in bytes.
const NONCE_BYTES: usize = 24;

/// The value is too long for the cipher (256 GiB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the value is too long to be sealed")]
pub struct SealError;

/// What was sealed does not open: it was altered, or key or context are others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the sealed value was altered or belongs elsewhere")]
pub struct OpenError;

/// Seals `plaintext` for `context` (the associated data): nonce (24 bytes), ciphertext, tag (16 bytes).
pub fn seal_bytes(key: &Key, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut message = Vec::with_capacity(context.len() + plaintext.len() + 16);
    field(&mut message, context);
    field(&mut message, plaintext);
    let digest = hmac(&subkey(key, b"dragoman nonce 1"), &message);
    let nonce = digest.first_chunk::<NONCE_BYTES>().map(|bytes| XNonce::from(*bytes)).ok_or(SealError)?;
    let payload = Payload { msg: plaintext, aad: context };
    let ciphertext = cipher(key).encrypt(&nonce, payload).map_err(|_| SealError)?;
    let mut sealed = nonce.to_vec();
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// Opens what [`seal_bytes`] gave, for the same key and context.
pub fn open_bytes(key: &Key, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError)?;
    let payload = Payload { msg: ciphertext, aad: context };
    cipher(key).decrypt(&XNonce::from(*nonce), payload).map_err(|_| OpenError)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&subkey(key, b"dragoman seal 1").into())
}

/// A key for one purpose only, so that nonces and ciphertexts never come from the same key.
fn subkey(key: &Key, purpose: &[u8]) -> [u8; 32] {
    hmac(key.expose(), purpose)
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // The type asks for a whole block as key; HMAC pads a shorter key with zeros (RFC 2104 §2).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::new([byte; 32])
    }

    #[test]
    fn what_is_sealed_opens_again_and_is_the_same_every_time() {
        for plaintext in [&b""[..], b"Good evening.", &[7; 100_000]] {
            let sealed = seal_bytes(&key(1), b"here", plaintext).expect("sealed");
            assert_eq!(sealed, seal_bytes(&key(1), b"here", plaintext).expect("sealed"));
            assert_eq!(sealed.len(), 24 + plaintext.len() + 16);
            assert_eq!(open_bytes(&key(1), b"here", &sealed), Ok(plaintext.to_vec()));
        }
    }

    #[test]
    fn another_key_context_or_text_gives_another_nonce_and_does_not_open() {
        let sealed = seal_bytes(&key(1), b"here", b"Good evening.").expect("sealed");
        for (other_key, context, text) in
            [(2, &b"here"[..], &b"Good evening."[..]), (1, b"there", b"Good evening."), (1, b"here", b"Good evening!")]
        {
            let other = seal_bytes(&key(other_key), context, text).expect("sealed");
            assert_ne!(other[..24], sealed[..24]);
        }
        assert_eq!(open_bytes(&key(2), b"here", &sealed), Err(OpenError));
        assert_eq!(open_bytes(&key(1), b"there", &sealed), Err(OpenError));
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        let sealed = seal_bytes(&key(1), b"here", b"Hi").expect("sealed");
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open_bytes(&key(1), b"here", &altered), Err(OpenError), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(open_bytes(&key(1), b"here", &sealed[..length]), Err(OpenError), "{length} bytes");
        }
    }
}
