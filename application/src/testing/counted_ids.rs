//! Ids that are counted.

use crate::ports::clock::Ids;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Version 7 and the variant of RFC 9562, in their places.
const SHAPE: u128 = 0x7000_8000_0000_0000_0000;

/// Ids of version 7, each one above the last; numbers below a bound in turn.
#[derive(Debug, Default)]
pub struct CountedIds(AtomicU64);

impl CountedIds {
    /// How many ids and numbers were drawn.
    pub fn drawn(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Ids for CountedIds {
    fn next(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        // The count stands where the random part is, below the variant's two bits.
        Uuid::from_u128(SHAPE | u128::from(number & (u64::MAX >> 2)))
    }

    fn below(&self, bound: u64) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst).checked_rem(bound).unwrap_or(0)
    }

    fn secret(&self) -> [u8; 32] {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        crate::aggregates::sha256(&number.to_be_bytes()).as_bytes().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_7_and_ascend() {
        let ids = CountedIds::default();
        let drawn: Vec<Uuid> = (0..100).map(|_| ids.next()).collect();
        assert!(drawn.is_sorted_by(|one, next| one < next));
        assert!(drawn.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        assert_eq!((ids.below(7), ids.below(0), ids.drawn()), (100 % 7, 0, 102));
    }
}
