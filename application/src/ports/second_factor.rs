//! The second factor: codes that change with time (TOTP, RFC 6238).
//!
//! Deliberately absent: which codes were used already. The caller remembers the last step that it accepted.

use domain::value::Timestamp;
use std::fmt;

/// Makes secrets, and checks codes made of them.
pub trait SecondFactor: Send + Sync {
    /// A new secret of 160 bits.
    fn new_secret(&self) -> TotpSecret;

    /// What an authenticator app reads, as a link or a QR code: `otpauth://totp/…`. It holds the secret.
    fn enrolment_uri(&self, secret: &TotpSecret, account_label: &str) -> String;

    /// The time step whose code this is: that of `now`, the one before or the one after; `None` when it is of neither.
    /// Spaces in the code are ignored. The caller refuses steps that are not later than the last one it accepted
    /// (RFC 6238, section 5.2).
    fn matches(&self, secret: &TotpSecret, code: &str, now: Timestamp) -> Option<u64>;
}

/// What codes are made of: 160 bits, as RFC 4226 recommends. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; 20]);

impl TotpSecret {
    /// From random bytes, or as it was stored.
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be sealed and stored.
    pub fn expose(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}
