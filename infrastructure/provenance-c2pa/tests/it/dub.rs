//! A finished dub: what its manifest says, and what it leaves alone.

use crate::kit::{body_of, boxes, bytes, contains, house, packets, recording, sha256};
use application::ports::provenance::{ProvenanceSigner, Verdict, VerifiedIngredient};
use serde_json::json;

#[tokio::test]
async fn a_dub_of_a_signed_source_tells_its_history() {
    let house = house();
    let source = house.path("intake.mp4");
    assert!(house.signer.sign_source(&house.video("clip.mp4"), &source).await.expect("signed"));
    let dub = house.dub_of(&house.video("mixed.mp4"), &source, "out.mp4");

    let signed = house.signer.sign_dub(dub.clone()).await.expect("signed");

    let told = house.signer.verify(&dub.output).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
    assert_eq!(told.failures, Vec::<String>::new());
    assert!(told.signer.as_deref().is_some_and(|signer| signer.contains("Dragoman")), "{told:?}");
    assert!(told.signed_at.is_some());
    let names: Vec<&str> = told.actions.iter().map(|action| action.action.as_str()).collect();
    assert_eq!(names, ["c2pa.opened", "c2pa.translated", "c2pa.dubbed"]);
    assert_eq!(told.actions[1].parameters, Some(json!({ "sourceLanguage": "en", "targetLanguage": "es" })));
    assert_eq!(told.actions[1].software_agent.as_deref(), Some("apertium 3.8.3"));
    assert_eq!(told.actions[2].software_agent.as_deref(), Some("espeak-ng 1.51"));
    assert_eq!(told.actions[2].digital_source_type.as_deref(), Some("composite"));
    assert_eq!(told.ingredients, [VerifiedIngredient { relationship: "parentOf".to_owned(), signed: true }]);
    let history = told.dubbing.expect("the namespaced assertion");
    assert_eq!(history["dubbing"], json!(dub.dubbing));
    assert_eq!(history["track_stream"], json!(dub.stream));
    assert_eq!(history["revision"], json!(41));
    assert_eq!(history["revision_hash"], json!(dub.revision_hash));
    assert_eq!(history["source_sha256"], json!(dub.source_sha256));
    assert!(signed.manifest.starts_with("urn:c2pa:"), "{signed:?}");
}

#[tokio::test]
async fn a_trained_voice_is_named_as_such() {
    let house = house();
    let video = house.video("clip.mp4");
    let dub = house.dub_of(&video, &video, "out.mp4");

    house
        .signer
        .sign_dub(application::ports::provenance::SignInput { trained_voice: true, ..dub.clone() })
        .await
        .expect("signed");

    let told = house.signer.verify(&dub.output).await.expect("verified");
    assert_eq!(told.actions[2].digital_source_type.as_deref(), Some("compositeWithTrainedAlgorithmicMedia"));
    assert_eq!(told.ingredients, [VerifiedIngredient { relationship: "parentOf".to_owned(), signed: false }]);
}

#[tokio::test]
async fn picture_and_sound_are_untouched_and_moov_stays_first() {
    let house = house();
    for input in [house.video("clip.mp4"), house.sound("clip.m4a")] {
        let dub = house.dub_of(&input, &input, "out.mp4");

        house.signer.sign_dub(dub.clone()).await.expect("signed");

        let (before, after) = (bytes(&input), bytes(&dub.output));
        assert_eq!(body_of(&before, "mdat"), body_of(&after, "mdat"));
        assert_eq!(packets(&input), packets(&dub.output));
        let order: Vec<String> = boxes(&after).into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(order[..3], ["ftyp", "uuid", "free"]);
        let place = |kind: &str| order.iter().position(|found| found == kind).expect("the box");
        assert!(place("moov") < place("mdat"), "{order:?}");
        let told = house.signer.verify(&dub.output).await.expect("verified");
        assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
    }
}

#[tokio::test]
async fn a_manifest_names_no_file_and_no_machine() {
    let house = house();
    let source = house.path("intake of Wilhelmine.mp4");
    house.signer.sign_source(&house.video("Wilhelmine's talk.mp4"), &source).await.expect("signed");
    let dub = house.dub_of(&house.video("Wilhelmine mixed.mp4"), &source, "Wilhelmine out.mp4");

    house.signer.sign_dub(dub.clone()).await.expect("signed");

    let file = bytes(&dub.output);
    let manifest = body_of(&file, "uuid");
    let folder = house.folder.path().file_name().and_then(|name| name.to_str()).expect("a name");
    let host = bytes("/etc/hostname".as_ref());
    let host = host.trim_ascii();
    for name in [&b"Wilhelmine"[..], folder.as_bytes(), b"/tmp", b"dc:title"] {
        assert!(!contains(manifest, name), "{}", String::from_utf8_lossy(name));
    }
    assert!(host.len() < 4 || !contains(manifest, host), "the host's name");
    assert!(contains(manifest, b"org.dragoman.dubbing") && contains(manifest, b"allActionsIncluded"));
    assert!(contains(manifest, b"specVersion") && contains(manifest, b"created_assertions"));
    assert!(!contains(manifest, b"thumbnail"));
}

#[tokio::test]
async fn an_unsigned_source_of_another_container_is_an_ingredient_without_manifest() {
    let house = house();
    let webm = house.media("clip.webm", "videotestsrc num-buffers=10 ! vp8enc ! webmmux");
    let dub = house.dub_of(&house.video("mixed.mp4"), &webm, "out.mp4");

    house.signer.sign_dub(dub.clone()).await.expect("signed");

    let told = house.signer.verify(&dub.output).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
    assert_eq!(told.ingredients, [VerifiedIngredient { relationship: "parentOf".to_owned(), signed: false }]);
}

#[tokio::test]
async fn the_manifest_digest_is_that_of_the_store_in_the_file() {
    let house = house();
    let video = house.video("clip.mp4");
    let dub = house.dub_of(&video, &video, "out.mp4");

    let signed = house.signer.sign_dub(dub.clone()).await.expect("signed");

    // The store begins after the extended type, version and flags, purpose and offset of the merkle box.
    let file = bytes(&dub.output);
    let body = body_of(&file, "uuid");
    let store = &body[16 + 4 + "manifest\0".len() + 8..];
    assert_eq!(signed.manifest_sha256, sha256(store));
}

#[tokio::test]
async fn a_recording_of_nasa_is_signed_and_plays_as_before() {
    let Some(recording) = recording("nasa_13013.mp4") else { return };
    let house = house();
    let source = house.path("intake.mp4");
    assert!(house.signer.sign_source(&recording, &source).await.expect("signed"));
    let dub = house.dub_of(&source, &source, "out.mp4");

    house.signer.sign_dub(dub.clone()).await.expect("signed");

    assert_eq!(packets(&recording), packets(&dub.output));
    let told = house.signer.verify(&dub.output).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
}
