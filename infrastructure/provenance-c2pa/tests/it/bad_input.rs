//! Files that are no media, damaged, missing, or written to where there is no room.

use crate::kit::{House, bytes, config, house};
use application::ports::{
    engine::EngineError,
    provenance::{ProvenanceSigner, Verdict, VerifiedIngredient},
};
use child_process::LocalChildren;
use provenance_c2pa::{C2paSigner, SandboxProgram};
use std::{fs, sync::Arc};

fn code(error: &EngineError) -> &'static str {
    match error {
        EngineError::Rejected { code, .. } => code,
        EngineError::Missing { .. } => "missing",
        EngineError::Exhausted { .. } => "exhausted",
        EngineError::Transient { .. } => "transient",
    }
}

#[tokio::test]
async fn what_is_no_media_is_refused_with_a_sentence() {
    let house = house();
    let cases: [(&str, &[u8], &str); 4] = [
        ("empty.mp4", b"", "not-media"),
        ("letter.mp4", b"Dear Wilhelmine, this is no film.", "not-media"),
        ("page.mp4", b"<!doctype html><title>no film</title>", "not-media"),
        ("torn.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp41\0\0\x10\0moov", "damaged"),
    ];
    for (name, content, wanted) in cases {
        let file = house.path(name);
        fs::write(&file, content).expect("written");

        let error = house.signer.verify(&file).await.expect_err(name);

        assert_eq!(code(&error), wanted, "{name}");
        assert!(!error.to_string().contains("Wilhelmine") && !error.to_string().contains(name), "{error}");
    }
    for missing in [house.path("nowhere.mp4"), house.folder.path().to_owned()] {
        assert_eq!(code(&house.signer.verify(&missing).await.expect_err("missing")), "unreadable");
    }
}

#[tokio::test]
async fn a_film_without_its_end_is_not_signed_and_leaves_nothing() {
    let house = house();
    let whole = bytes(&house.video("clip.mp4"));
    let torn = house.path("torn.mp4");
    fs::write(&torn, &whole[..whole.len() / 2]).expect("written");
    let output = house.path("intake.mp4");

    assert!(!house.signer.sign_source(&torn, &output).await.expect("answered"));

    let dub = house.dub_of(&torn, &torn, "out.mp4");
    assert_eq!(code(&house.signer.sign_dub(dub).await.expect_err("damaged")), "damaged");
    let names = fs::read_dir(house.folder.path()).expect("a folder");
    assert_eq!(names.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file())).count(), 2);
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let house = house();
    let video = house.video("clip.mp4");
    let dub = house.dub_of(&video, &video, "out.mp4");
    // Writing to this device fails as on a disk without room.
    std::os::unix::fs::symlink("/dev/full", house.path("out.mp4.part")).expect("a link");

    let error = house.signer.sign_dub(dub.clone()).await.expect_err("no room");

    assert_eq!(code(&error), "exhausted", "{error}");
    assert!(!dub.output.exists());
}

/// A sandbox that is a shell script, to die at will; `$SANDBOX` is the real one.
fn scripted(house: &House, script: &str) -> C2paSigner {
    let script = format!("SANDBOX={}; {script}", env!("CARGO_BIN_EXE_provenance-sandbox"));
    let sandbox = SandboxProgram { program: "sh".into(), args: vec!["-c".into(), script.into()] };
    C2paSigner::new(config(&house.path("scripted")), Arc::new(LocalChildren::default()), sandbox)
}

#[tokio::test]
async fn a_file_that_takes_the_reader_down_is_not_trusted_and_not_signed() {
    let house = house();
    let video = house.video("clip.mp4");
    for script in ["cat >/dev/null; kill -SEGV $$", "cat >/dev/null; kill -ABRT $$", "cat >/dev/null; exit 101"] {
        let signer = scripted(&house, script);

        assert_eq!(code(&signer.verify(&video).await.expect_err(script)), "provenance-unreadable");
        assert!(!signer.sign_source(&video, &house.path("intake.mp4")).await.expect(script));
    }
}

#[tokio::test]
async fn a_dub_is_signed_without_the_manifest_that_takes_the_reader_down() {
    let house = house();
    let source = house.path("intake.mp4");
    house.signer.sign_source(&house.video("clip.mp4"), &source).await.expect("signed");
    let dub = house.dub_of(&house.video("mixed.mp4"), &source, "out.mp4");
    let signer = scripted(
        &house,
        r#"request=$(cat); case "$request" in
           *'"read_source":true'*) kill -SEGV $$ ;;
           *) printf %s "$request" | $SANDBOX ;;
           esac"#,
    );

    signer.sign_dub(dub.clone()).await.expect("signed");

    let told = signer.verify(&dub.output).await.expect("verified");
    assert_eq!(told.verdict, Verdict::SignedByThisInstallation, "{told:?}");
    assert_eq!(told.ingredients, [VerifiedIngredient { relationship: "parentOf".to_owned(), signed: false }]);
}

#[tokio::test]
async fn a_sandbox_that_is_killed_or_talks_nonsense_may_be_tried_again() {
    let house = house();
    let video = house.video("clip.mp4");
    for script in ["cat >/dev/null; kill -KILL $$", "cat >/dev/null; echo nonsense", "echo '{}' | $SANDBOX"] {
        assert_eq!(code(&scripted(&house, script).verify(&video).await.expect_err(script)), "transient");
    }
}

#[tokio::test]
async fn names_that_are_not_text_are_no_trouble() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let house = house();
    let odd = house.folder.path().join(OsStr::from_bytes(b"-f\xffilm \"x\".mp4"));
    fs::rename(house.video("clip.mp4"), &odd).expect("renamed");
    let output = house.folder.path().join(OsStr::from_bytes(b"out\xfe.mp4"));

    assert!(house.signer.sign_source(&odd, &output).await.expect("signed"));

    house.signer.verify(&output).await.expect("verified");
}
