//! Time and randomness: the only ways to get them.

use domain::value::Timestamp;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Makes ids that nobody can guess, and numbers for jitter.
pub trait Ids: Send + Sync {
    /// A UUIDv7 of now.
    fn next(&self) -> Uuid;

    /// An evenly drawn number below `bound`.
    fn below(&self, bound: u64) -> u64;

    /// 256 random bits, for a secret.
    fn secret(&self) -> [u8; 32];
}
