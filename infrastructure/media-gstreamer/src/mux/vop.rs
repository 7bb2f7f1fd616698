//! How MPEG-4 part 2 pictures (VOPs) are predicted (ISO/IEC 14496-2 §6.2.5). Only what copying from AVI needs.

/// The start code of a picture.
const VOP: [u8; 4] = [0, 0, 1, 0xb6];

/// Whether a packet holds exactly one picture, and that is not predicted from a later one: then it shows
/// in the order of decoding. Several in one packet is DivX' "packed bitstream", which has such pictures.
pub(super) fn is_in_order(packet: &[u8]) -> bool {
    let mut pictures = packet.windows(5).filter(|window| window.starts_with(&VOP));
    match (pictures.next(), pictures.next()) {
        // The first two bits behind the start code: I, P, B or sprite.
        (Some([.., first]), None) => first >> 6 != 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_in_order;

    #[test]
    fn pictures_predicted_from_later_ones_are_told_apart() {
        let check = |packet: &[u8], expected| assert_eq!(is_in_order(packet), expected, "{packet:x?}");
        check(&[0, 0, 1, 0xb6, 0b0000_0000, 9], true);
        check(&[0, 0, 1, 0xb3, 7, 0, 0, 1, 0xb6, 0b0100_0000, 9], true);
        check(&[0, 0, 1, 0xb6, 0b1000_0000, 9], false);
        check(&[0, 0, 1, 0xb6, 0b0100_0000, 0, 0, 1, 0xb6, 0b1000_0000], false);
        check(&[1, 2, 3], false);
        check(&[], false);
    }
}
