//! What the child may do: a hang, a crash or babble of media code ends as a clear error, never here.

use crate::support::{code, make, media_within};
use application::ports::engine::{Engine, EngineError};
use application::stages::assess::Inspector;
use application::stages::ingest::MediaProber;
use application::stages::separate::{SeparateInput, Separator};
use child_process::LocalChildren;
use media_gstreamer::{GstMedia, MediaLimits, NoSeparator, SandboxProgram};
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::tempdir;

/// The adapter over a child that behaves as `script` says.
fn media_over(script: &str) -> GstMedia {
    let sandbox = SandboxProgram { program: "sh".into(), args: vec!["-c".into(), script.into()] };
    let limits = MediaLimits { probe_wall: Duration::from_millis(300), ..MediaLimits::default() };
    GstMedia::new(Arc::new(LocalChildren::default()), sandbox, limits)
}

async fn probed_by(script: &str) -> Result<(), EngineError> {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.wav");
    make(&file, "audiotestsrc num-buffers=10 ! wavenc ! {}");
    media_over(script).probe(&file).await.map(|_| ())
}

#[tokio::test]
async fn a_large_file_is_given_the_same_time_by_all_who_look() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("large.wav");
    silence(&file, 200 << 20);
    // What remains is the time that its size gives: ten seconds.
    let media = media_within(MediaLimits { probe_wall: Duration::ZERO, ..MediaLimits::default() });
    let found = media.probe(&file).await.unwrap();
    assert_eq!(media.inspect(&file).await.unwrap().media.duration_ms, found.duration_ms);
    let stems = folder.path().join("stems");
    std::fs::create_dir(&stems).unwrap();
    let input = SeparateInput { file, audio_stream: 0, folder: stems };
    NoSeparator::new(media).separate(input).await.unwrap();
}

/// A WAV of so many bytes of silence, which take no room: 192 kHz, stereo, 16 bit.
fn silence(path: &Path, bytes: u32) {
    let long = |number: u32| number.to_le_bytes().to_vec();
    let shorts = |one: u16, other: u16| [one.to_le_bytes(), other.to_le_bytes()].concat();
    let format = [shorts(1, 2), long(192_000), long(192_000 * 4), shorts(4, 16)].concat();
    let riff = [b"RIFF".to_vec(), long(bytes + 36), b"WAVEfmt ".to_vec(), long(16)].concat();
    let header = [riff, format, b"data".to_vec(), long(bytes)].concat();
    std::fs::write(path, &header).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(header.len() as u64 + u64::from(bytes)).unwrap();
}

#[tokio::test]
async fn a_hang_is_the_files_fault() {
    assert_eq!(code(probed_by("cat > /dev/null; sleep 600").await), "undecodable");
}

#[tokio::test]
async fn a_crash_is_the_files_fault() {
    assert_eq!(code(probed_by("cat > /dev/null; kill -SEGV $$").await), "undecodable");
}

#[tokio::test]
async fn one_death_alone_is_not() {
    let folder = tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!(
        "cat > /dev/null; [ -e '{0}' ] && echo '{{\"Ok\":\"1.2.3\"}}' && exit; : > '{0}'; kill -KILL $$",
        seen.display()
    );
    assert_eq!(media_over(&script).describe().await.unwrap().version, "1.2.3");
    assert!(seen.exists(), "the first child died");
}

#[tokio::test]
async fn babble_is_bounded() {
    assert_eq!(
        code(probed_by("cat > /dev/null; while :; do echo 0123456789012345678901234567890123456789; done").await),
        "undecodable"
    );
}

#[tokio::test]
async fn a_child_that_does_not_understand_may_be_tried_again() {
    for script in ["cat > /dev/null; exit 2", "cat > /dev/null; echo nonsense", "cat > /dev/null"] {
        let result = probed_by(script).await;
        assert!(matches!(result, Err(EngineError::Transient { .. })), "{script}: {result:?}");
    }
}

#[tokio::test]
async fn chatter_before_the_reply_does_no_harm() {
    let info =
        media_over("cat > /dev/null; echo 'a library speaks'; echo '{\"Ok\":\"1.2.3\"}'").describe().await.unwrap();
    assert_eq!(info.version, "1.2.3");
}

#[tokio::test]
async fn what_the_child_misses_is_named_with_its_package() {
    let script =
        r#"cat > /dev/null; echo '{"Err":{"missing":{"element":"x264enc","package":"gstreamer1.0-plugins-ugly"}}}'"#;
    match probed_by(script).await {
        Err(EngineError::Missing { package, .. }) => assert_eq!(package, "gstreamer1.0-plugins-ugly"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let sandbox = SandboxProgram { program: "no-such-program".into(), args: Vec::new() };
    let media = GstMedia::new(Arc::new(LocalChildren::default()), sandbox, MediaLimits::default());
    assert!(matches!(media.describe().await, Err(EngineError::Missing { .. })));
}
