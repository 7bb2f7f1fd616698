//! Intake: what a source's manifest says, and which sources get none.

use crate::kit::{body_of, boxes, bytes, house, packets};
use application::ports::provenance::{ProvenanceSigner, Verdict, VerifiedIngredient};
use c2pa::{Builder, Context, EphemeralSigner, Reader};
use serde_json::json;
use std::{fs::File, path::Path};

#[tokio::test]
async fn a_source_is_opened_not_created_and_stays_as_it_was() {
    let house = house();
    let input = house.video("clip.mp4");
    let output = house.path("intake.mp4");

    assert!(house.signer.sign_source(&input, &output).await.expect("signed"));

    let told = house.signer.verify(&output).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
    let names: Vec<&str> = told.actions.iter().map(|action| action.action.as_str()).collect();
    assert_eq!(names, ["c2pa.opened"]);
    assert_eq!(told.ingredients, [VerifiedIngredient { relationship: "parentOf".to_owned(), signed: false }]);
    assert_eq!(packets(&input), packets(&output));
}

#[tokio::test]
async fn moov_after_the_samples_stays_there() {
    let house = house();
    let input = house.media("slow.mp4", "videotestsrc num-buffers=50 ! x264enc ! mp4mux faststart=false");
    let output = house.path("intake.mp4");

    assert!(house.signer.sign_source(&input, &output).await.expect("signed"));

    let kinds = |path: &Path| -> Vec<String> { boxes(&bytes(path)).into_iter().map(|(kind, ..)| kind).collect() };
    let mut wanted = kinds(&input);
    wanted.splice(1..1, ["uuid".to_owned(), "free".to_owned()]);
    assert_eq!(kinds(&output), wanted);
    assert_eq!(packets(&input), packets(&output));
    let told = house.signer.verify(&output).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
}

#[tokio::test]
async fn quicktime_is_signed_too() {
    let house = house();
    let input = house.media("clip.mov", "videotestsrc num-buffers=50 ! x264enc ! qtmux");
    let output = house.path("intake.mov");

    assert!(house.signer.sign_source(&input, &output).await.expect("signed"));

    assert_eq!(packets(&input), packets(&output));
    let told = house.signer.verify(&output).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
}

#[tokio::test]
async fn containers_that_cannot_be_signed_give_no_output() {
    let house = house();
    let inputs = [
        house.media("clip.webm", "videotestsrc num-buffers=10 ! vp8enc ! webmmux"),
        house.media("clip.mkv", "videotestsrc num-buffers=10 ! x264enc ! matroskamux"),
        house.media("clip.avi", "videotestsrc num-buffers=10 ! x264enc ! avimux"),
        house.media("clip.wav", "audiotestsrc num-buffers=10 ! wavenc"),
        house.media(
            "fragments.mp4",
            "videotestsrc num-buffers=50 ! x264enc key-int-max=10 ! mp4mux fragment-duration=500",
        ),
    ];
    for input in inputs {
        let output = house.path("intake");

        assert!(!house.signer.sign_source(&input, &output).await.expect("answered"), "{input:?}");

        assert!(!output.exists() && !house.path("intake.part").exists(), "{input:?}");
        let told = house.signer.verify(&input).await.expect("verified");
        assert_eq!(told.verdict, Verdict::Unsigned, "{input:?}");
    }
}

#[tokio::test]
async fn a_strangers_manifest_is_kept_as_parent_through_intake_and_dub() {
    let house = house();
    let theirs = house.path("theirs.mp4");
    sign_as_stranger(&house.video("clip.mp4"), &theirs);
    let stranger = label(&theirs);
    let intake = house.path("intake.mp4");

    assert!(house.signer.sign_source(&theirs, &intake).await.expect("signed"));
    let dub = house.dub_of(&house.video("mixed.mp4"), &intake, "out.mp4");
    house.signer.sign_dub(dub.clone()).await.expect("signed");

    for file in [&intake, &dub.output] {
        let told = house.signer.verify(file).await.expect("verified");
        assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
        assert_eq!(told.ingredients, [VerifiedIngredient { relationship: "parentOf".to_owned(), signed: true }]);
        let kept = body_of(&bytes(file), "uuid").windows(stranger.len()).any(|window| window == stranger.as_bytes());
        assert!(kept, "the stranger's manifest");
    }
    assert_eq!(boxes(&bytes(&intake)).iter().filter(|(kind, ..)| kind == "uuid").count(), 1, "the old box is gone");
    assert_eq!(packets(&theirs), packets(&intake));
}

#[tokio::test]
async fn intake_of_a_file_signed_here_already_chains() {
    let house = house();
    let once = house.path("once.mp4");
    let twice = house.path("twice.mp4");
    house.signer.sign_source(&house.video("clip.mp4"), &once).await.expect("signed");

    assert!(house.signer.sign_source(&once, &twice).await.expect("signed"));

    let told = house.signer.verify(&twice).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
    assert_eq!(told.ingredients, [VerifiedIngredient { relationship: "parentOf".to_owned(), signed: true }]);
}

/// Signs with the library's own throw-away signer, in the library's own way.
pub fn sign_as_stranger(input: &Path, output: &Path) {
    let definition = json!({
        "claim_generator_info": [{ "name": "someone else", "version": "1" }],
        "assertions": [{
            "label": "c2pa.actions.v2",
            "created": true,
            "data": { "actions": [{
                "action": "c2pa.created",
                "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
            }] },
        }],
    });
    let mut builder = Builder::from_context(Context::new()).with_definition(definition).expect("a definition");
    let signer = EphemeralSigner::new("stranger.test").expect("a signer");
    builder.sign_file(&signer, input, output).expect("signed");
}

fn label(file: &Path) -> String {
    let reader = Reader::from_context(Context::new())
        .with_stream("video/mp4", File::open(file).expect("the file"))
        .expect("a manifest");
    reader.active_label().expect("a label").to_owned()
}
