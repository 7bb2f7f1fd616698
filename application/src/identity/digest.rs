//! Secrets and digests: what is handed out, and what is kept of it.

use super::Whence;
use crate::aggregates::sha256;
use domain::value::Sha256;
use hmac::{Hmac, KeyInit, Mac};
use std::{fmt, str::FromStr};

/// Longest address of a mailbox (RFC 5321), in bytes.
const EMAIL_BYTES_MAX: usize = 254;

/// Keys of digests, derived from one key of the installation. Never shown.
#[derive(Clone)]
pub struct IdentityKeys([u8; 32]);

impl IdentityKeys {
    /// From a key that nobody else has.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// What an address is found by.
    pub(super) fn email(&self, email: &Email) -> Sha256 {
        self.digest("e-mail", email.0.as_bytes())
    }

    /// What a network address is recognised by.
    pub(super) fn address(&self, whence: &Whence) -> Sha256 {
        self.digest("address", whence.address.as_deref().unwrap_or_default().as_bytes())
    }

    /// The refresh token that follows on another one: always the same, so that a repetition is answered as the first
    /// time, and nobody can tell it without the key.
    pub(super) fn successor(&self, refresh_token: &str) -> String {
        let bytes = self.digest("refresh token", refresh_token.as_bytes());
        format!("{REFRESH}{bytes}")
    }

    fn digest(&self, purpose: &str, text: &[u8]) -> Sha256 {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new(&block.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text);
        Sha256::new(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKeys(…)")
    }
}

/// What keys for programs begin with.
pub(super) const KEY: &str = "dgk_";
/// What refresh tokens begin with.
const REFRESH: &str = "dgr_";
/// What tickets begin with.
const TICKET: &str = "dgt_";

/// A new refresh token.
pub(super) fn refresh_token(secret: [u8; 32]) -> String {
    format!("{REFRESH}{}", Sha256::new(secret))
}

/// A new ticket.
pub(super) fn ticket(secret: [u8; 32]) -> String {
    format!("{TICKET}{}", Sha256::new(secret))
}

/// What is kept of a secret that is handed out.
pub(super) fn kept(secret: &str) -> Sha256 {
    sha256(secret.as_bytes())
}

/// An address of a mailbox, in lower case: nobody tells two apart by that.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

/// The text is no address of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEmail;

impl fmt::Display for InvalidEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an e-mail address is written like ana@example.org")
    }
}

impl std::error::Error for InvalidEmail {}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let (mailbox, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let is_sound = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c))
        };
        let is_domain = is_sound(domain) && !domain.starts_with(['.', '-']) && !domain.ends_with(['.', '-']);
        if is_sound(mailbox) && is_domain && text.len() <= EMAIL_BYTES_MAX { Ok(Self(text)) } else { Err(InvalidEmail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_mailboxes_are_told_from_other_texts() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(text.parse::<Email>().ok().map(|email| email.0), expected.map(str::to_owned), "{text}");
        };
        check(" Ana.Diaz@Example.ORG ", Some("ana.diaz@example.org"));
        check("ana+dub@localhost", Some("ana+dub@localhost"));
        for text in
            ["", "ana", "@example.org", "ana@", "a b@example.org", "ana@example.org\r\nBcc: x@y", "a@b@c", "ana@.org"]
        {
            check(text, None);
        }
        check(&format!("{}@example.org", "a".repeat(250)), None);
    }

    #[test]
    fn digests_depend_on_key_purpose_and_text() {
        let (one, other) = (IdentityKeys::new([1; 32]), IdentityKeys::new([2; 32]));
        let token = refresh_token([3; 32]);
        assert_eq!(one.successor(&token), one.successor(&token));
        assert_ne!(one.successor(&token), other.successor(&token));
        assert_ne!(one.digest("e-mail", b"a"), one.digest("address", b"a"));
        assert_ne!(one.successor(&token), token);
        assert!(!format!("{one:?}").contains('1'));
    }
}
