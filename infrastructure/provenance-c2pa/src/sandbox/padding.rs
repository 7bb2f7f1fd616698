//! The padding of a COSE signature (C2PA §13.2): the one part of a manifest that neither hash nor
//! signature covers. It must be zeros, so that nothing can hide there. Deliberately no CBOR reader: the
//! two keys and the string behind them have one encoding each.

/// The label of the box that holds a signature; that of the active manifest is the last (C2PA §11.1.4).
const SIGNATURE: &[u8] = b"c2pa.signature\0";

/// Whether the padding of a manifest store's active signature holds nothing but zeros.
pub(crate) fn is_empty(store: &[u8]) -> bool {
    let last = store.windows(SIGNATURE.len()).rposition(|window| window == SIGNATURE);
    last.and_then(|at| store.get(at..)).is_none_or(of_signature)
}

/// The `pad` and `pad2` headers of a signature, where it has them.
fn of_signature(signature: &[u8]) -> bool {
    // Text strings of three and four bytes.
    [&b"\x63pad"[..], b"\x64pad2"].iter().all(|key| {
        let found = signature.windows(key.len()).rposition(|window| window == *key);
        found.and_then(|at| signature.get(at + key.len()..)).is_none_or(zeros)
    })
}

/// A byte string, its length in the first byte or in the one, two or four after it.
fn zeros(value: &[u8]) -> bool {
    let (length, content) = match value {
        [short @ 0x40..=0x57, rest @ ..] => (usize::from(short - 0x40), rest),
        [0x58, a, rest @ ..] => (usize::from(*a), rest),
        [0x59, a, b, rest @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        [0x5a, a, b, c, d, rest @ ..] => (u32::from_be_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return false,
    };
    content.get(..length).is_some_and(|content| content.iter().all(|byte| *byte == 0))
}
