//! One flipped byte, wherever it lies.

use crate::kit::{boxes, bytes, contains, house};
use application::ports::provenance::{ProvenanceSigner, Verdict};
use std::fs;

/// How many places of each part are tried, evenly spread.
const PLACES: usize = 24;

#[tokio::test]
async fn a_flipped_byte_in_samples_index_or_manifest_breaks_the_file() {
    let house = house();
    let source = house.path("intake.mp4");
    house.signer.sign_source(&house.video("clip.mp4"), &source).await.expect("signed");
    let dub = house.dub_of(&house.video("mixed.mp4"), &source, "out.mp4");
    house.signer.sign_dub(dub.clone()).await.expect("signed");
    let whole = bytes(&dub.output);
    let broken = house.path("broken.mp4");

    for kind in ["mdat", "moov", "uuid"] {
        let (_, start, end) = boxes(&whole).into_iter().find(|(found, ..)| found == kind).expect(kind);
        // The manifest's box begins with what makes it one: see the test on cut-out provenance.
        let start = if kind == "uuid" { start + 64 } else { start };
        for place in (0..PLACES).map(|step| start + (end - start - 1) * step / (PLACES - 1)) {
            let mut changed = whole.clone();
            changed[place] ^= 0x01;
            fs::write(&broken, &changed).expect("written");

            let told = house.signer.verify(&broken).await;

            let refused = told.as_ref().is_err_and(|error| error.to_string().contains("damaged"));
            let verdict = told.as_ref().ok().map(|told| told.verdict);
            assert!(verdict == Some(Verdict::Broken) || refused, "{kind} at {}: {told:?}", place - start);
        }
    }
}

#[tokio::test]
async fn the_failure_names_what_does_not_match() {
    let house = house();
    let video = house.video("clip.mp4");
    let dub = house.dub_of(&video, &video, "out.mp4");
    house.signer.sign_dub(dub.clone()).await.expect("signed");
    let mut changed = bytes(&dub.output);
    let last = changed.len() - 1;
    changed[last] ^= 0x80;
    fs::write(&dub.output, &changed).expect("written");

    let told = house.signer.verify(&dub.output).await.expect("verified");

    assert_eq!(told.verdict, Verdict::Broken);
    assert_eq!(told.failures, ["assertion.bmffHash.mismatch"]);
    assert_eq!(told.actions.len(), 3, "what it claims is still told");
}

#[tokio::test]
async fn a_file_cut_short_or_with_something_behind_it_is_broken() {
    let house = house();
    let video = house.video("clip.mp4");
    let dub = house.dub_of(&video, &video, "out.mp4");
    house.signer.sign_dub(dub.clone()).await.expect("signed");
    let whole = bytes(&dub.output);
    let extra = [&whole[..], b"\0\0\0\x10udtaevil...."].concat();

    for (name, changed) in [("cut", &whole[..whole.len() - 5000]), ("longer", &extra[..])] {
        fs::write(&dub.output, changed).expect("written");

        let told = house.signer.verify(&dub.output).await.expect("verified");

        assert_eq!(told.verdict, Verdict::Broken, "{name}: {told:?}");
    }
}

#[tokio::test]
async fn provenance_that_is_cut_out_leaves_an_unsigned_file() {
    let house = house();
    let video = house.video("clip.mp4");
    let dub = house.dub_of(&video, &video, "out.mp4");
    house.signer.sign_dub(dub.clone()).await.expect("signed");
    let mut changed = bytes(&dub.output);
    let (_, start, _) = boxes(&changed).into_iter().find(|(kind, ..)| kind == "uuid").expect("uuid");
    changed[start - 4..start].copy_from_slice(b"free");
    fs::write(&dub.output, &changed).expect("written");

    let told = house.signer.verify(&dub.output).await.expect("verified");

    assert_eq!(told.verdict, Verdict::Unsigned);
    assert!(contains(&changed, b"org.dragoman.dubbing"), "the bytes are still there, and count for nothing");
}
