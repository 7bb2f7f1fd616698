//! Boxes, offsets, padding and first bytes of made-up files, sound and damaged.

use super::{
    boxes::{self, BoxAt},
    layout, offsets, padding,
    sniff::{self, Container},
};
use crate::error::Failure;
use std::io::Cursor;

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

fn nested(path: &[&[u8; 4]], body: Vec<u8>) -> Vec<u8> {
    path.iter().rev().fold(body, |body, kind| boxed(kind, &body))
}

/// A film with two tables of offsets, both to the first byte of its samples.
fn film(data: &[u8]) -> (Vec<u8>, u64) {
    let build = |at: u64| {
        let small = boxed(b"stco", &[&[0; 4][..], &1_u32.to_be_bytes(), &(at as u32).to_be_bytes()].concat());
        let large = boxed(b"co64", &[&[0; 4][..], &1_u32.to_be_bytes(), &at.to_be_bytes()].concat());
        let path = [b"trak", b"mdia", b"minf", b"stbl"];
        let moov = boxed(b"moov", &[nested(&path, small), nested(&path, large)].concat());
        [boxed(b"ftyp", b"isom\0\0\0\0"), moov].concat()
    };
    let at = build(0).len() as u64 + 8;
    ([build(at), boxed(b"mdat", data)].concat(), at)
}

fn listed(file: &[u8]) -> Result<Vec<BoxAt>, Failure> {
    boxes::between(&mut Cursor::new(file), 0, file.len() as u64)
}

#[test]
fn both_widths_of_offsets_follow_the_samples() {
    let (film, at) = film(b"samples and more of them");
    let found = listed(&film).expect("boxes");
    let layout = layout::plan(&found, 1000).expect("a plan");
    let mut copy = Cursor::new(film.clone());

    offsets::correct(&mut copy, found[1], &layout).expect("corrected");

    let copy = copy.into_inner();
    let moved = at + 1000;
    assert!(copy.windows(4).any(|window| window == (moved as u32).to_be_bytes()));
    assert!(copy.windows(8).any(|window| window == moved.to_be_bytes()));
    assert!(!copy.windows(4).any(|window| window == (at as u32).to_be_bytes()));
}

#[test]
fn layouts_that_cannot_be_signed_are_refused() {
    let (plain, _) = film(b"samples and more of them");
    let cases = [
        ("plain", plain.clone(), true),
        ("two mdat", [&plain[..], &boxed(b"mdat", b"more samples than that")].concat(), false),
        ("fragments", [&plain[..], &boxed(b"moof", b"")].concat(), false),
        ("no ftyp", plain[16..].to_vec(), false),
        ("no samples", film(b"").0, false),
        ("items", [&plain[..], &boxed(b"meta", b"")].concat(), false),
    ];
    for (name, file, signable) in cases {
        let plan = layout::plan(&listed(&file).expect(name), 1000);
        assert_eq!(plan.is_ok(), signable, "{name}");
    }
}

#[test]
fn absolute_offsets_of_other_kinds_are_refused_and_bad_tables_are_damage() {
    let run = |stbl: Vec<u8>| {
        let moov = nested(&[b"moov", b"trak", b"mdia", b"minf", b"stbl"], stbl);
        let file = [boxed(b"ftyp", b"isom\0\0\0\0"), moov, boxed(b"mdat", &[7; 32])].concat();
        let found = listed(&file).expect("boxes");
        let layout = layout::plan(&found, 1000).expect("a plan");
        offsets::correct(&mut Cursor::new(file), found[1], &layout)
    };
    assert!(matches!(run(boxed(b"saio", &[0; 12])), Err(Failure::Unsupported)));
    assert!(matches!(run(boxed(b"stco", &[0xff; 12])), Err(Failure::Damaged)));
    assert!(matches!(run(boxed(b"stco", &[0; 4])), Err(Failure::Damaged)));
}

#[test]
fn boxes_that_reach_beyond_their_file_are_damage() {
    let (film, _) = film(b"samples and more of them");
    for cut in 1..film.len() {
        // A cut between two boxes leaves whole boxes, and a few bytes too short for one are let be.
        let whole = listed(&film[..film.len() - cut]);
        let end = whole.as_ref().ok().and_then(|found| found.last().map(BoxAt::end)).unwrap_or_default();
        assert!(whole.is_err() || (film.len() - cut) as u64 - end < 8, "{cut}");
    }
    assert!(matches!(listed(b"\0\0\0\x04ftypisom"), Err(Failure::Damaged)));
    assert!(matches!(listed(b"\0\0\0\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xff"), Err(Failure::Damaged)));
}

#[test]
fn containers_are_known_by_their_first_bytes() {
    let check = |head: &[u8], wanted: Option<Container>| {
        let found = sniff::container(&mut Cursor::new(head)).expect("read");
        assert_eq!(found, wanted, "{}", String::from_utf8_lossy(head));
    };
    check(b"\0\0\0\x18ftypisom", Some(Container::IsoMedia("video/mp4")));
    check(b"\0\0\0\x18ftypM4A ", Some(Container::IsoMedia("audio/mp4")));
    check(b"\0\0\0\x18ftypqt  ", Some(Container::IsoMedia("video/quicktime")));
    check(b"RIFF....WAVEfmt ", Some(Container::Readable("audio/wav")));
    check(b"RIFF....AVI LIST", Some(Container::Readable("video/avi")));
    check(b"\x1a\x45\xdf\xa3....", Some(Container::Bare));
    check(b"\xff\xfb\x90\x64", Some(Container::Readable("audio/mpeg")));
    check(b"\xff\xfe#\0!\0", None);
    check(b"RIFF....JUNK", None);
    check(b"hello", None);
    check(b"", None);
}

#[test]
fn padding_must_be_zeros() {
    let check = |signature: &[u8], wanted: bool| {
        // Padding of an earlier manifest is covered by the hash of its signature.
        let store = [b"c2pa.signature\0\x63pad\x41\x07 c2pa.signature\0", signature].concat();
        assert_eq!(padding::is_empty(&store), wanted, "{signature:02x?}");
    };
    check(b"no padding at all", true);
    check(b"\xa1\x63pad\x43\0\0\0\xf6", true);
    check(b"\xa1\x63pad\x43\0\x01\0\xf6", false);
    check(b"\xa1\x63pad\x58\x02\0\0\xf6", true);
    check(b"\xa1\x63pad\x59\0\x02\0\x09\xf6", false);
    check(b"\xa1\x63pad\x43\0\0\0\x64pad2\x41\x05", false);
    check(b"\xa1\x63pad\x43\0", false);
    check(b"\xa1\x63pad\x05", false);
    assert!(padding::is_empty(b"no signature at all"));
}
