//! The detector on speech, on music, on speech over music, and on what is no recording at all.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helper functions"
)]

mod tunes;

use application::{
    ports::engine::{Engine, EngineError},
    stages::transcribe::SpeechDetector,
};
use domain::value::Span;
use engine_segment_earshot::{EarshotConfig, EarshotEngine};
use std::{path::Path, sync::Arc};
use tempfile::tempdir;

const TEXT: &str =
    "The spacecraft left the harbour of the earth in the early morning. On board there were two telescopes.";

async fn detect(wav: &Path) -> Vec<Span> {
    EarshotEngine::new(EarshotConfig::default(), Arc::default()).detect(wav).await.unwrap()
}

async fn detect_in(samples: &[i16]) -> Vec<Span> {
    let folder = tempdir().unwrap();
    let wav = folder.path().join("sound.wav");
    tunes::write(&wav, samples);
    detect(&wav).await
}

fn total_ms(spans: &[Span]) -> u64 {
    spans.iter().map(|span| span.len_ms()).sum()
}

/// The share of the speech (`at` in milliseconds) that was found.
fn found(spans: &[Span], at: Span) -> f64 {
    let common = |span: &Span| span.end_ms().min(at.end_ms()).saturating_sub(span.start_ms().max(at.start_ms()));
    spans.iter().map(common).sum::<u64>() as f64 / at.len_ms() as f64
}

#[tokio::test]
async fn speech_between_silences_is_found_where_it_is() {
    for voice in ["kal16", "awb", "slt", "rms"] {
        let folder = tempdir().unwrap();
        let speech = tunes::speech(folder.path(), voice, TEXT);
        let silence = vec![0; 32_000];
        let spans = detect_in(&[&silence[..], &speech, &silence, &speech, &silence].concat()).await;
        println!("{voice}: {spans:?}");
        let length_ms = speech.len() as u64 / 16;
        for start_ms in [2_000, 4_000 + length_ms] {
            // flite itself is silent for about 0.2 s at either end.
            let spoken = Span::lasting(start_ms + 300, length_ms - 600);
            assert!(found(&spans, spoken) > 0.85, "{voice}: {spans:?}");
        }
        assert!(total_ms(&spans) <= 2 * length_ms, "{voice}: silence was taken for speech: {spans:?}");
        assert!(spans.windows(2).all(|pair| pair[0].gap_ms(pair[1]) >= 100), "{voice}: {spans:?}");
    }
}

#[tokio::test]
async fn music_and_noise_alone_give_next_to_nothing() {
    for name in tunes::ALL {
        for seed in 11..=14 {
            let spans = detect_in(&tunes::tune(name, seed, 30.0)).await;
            println!("{name} {seed}: {} ms of 30000", total_ms(&spans));
            assert!(total_ms(&spans) <= 600, "{name} {seed}: {spans:?}");
        }
    }
    assert_eq!(detect_in(&vec![0; 480_000]).await, []);
}

#[tokio::test]
async fn speech_over_quiet_music_is_found() {
    let folder = tempdir().unwrap();
    for voice in ["kal16", "awb"] {
        let speech = tunes::speech(folder.path(), voice, TEXT);
        let spoken = Span::lasting(300, speech.len() as u64 / 16 - 600);
        // kal16, the thinnest of the voices, is lost under a violin; `docs.md` says so.
        let violin = (voice != "kal16").then_some("violin");
        for name in ["piano", "strings", "cello", "band"].into_iter().chain(violin) {
            let spans = detect_in(&tunes::over(&speech, &tunes::tune(name, 1, 10.0), 0.1)).await;
            println!("{voice} over {name}: {:.2}", found(&spans, spoken));
            assert!(found(&spans, spoken) > 0.85, "{voice} over {name}: {spans:?}");
        }
    }
}

#[tokio::test]
async fn speech_after_loud_music_is_found_and_the_music_is_not() {
    let folder = tempdir().unwrap();
    let speech = tunes::speech(folder.path(), "kal16", TEXT);
    let music = tunes::tune("piano", 1, 20.0);
    let spans = detect_in(&[&music[..], &speech, &music].concat()).await;
    let length_ms = speech.len() as u64 / 16;
    assert!(found(&spans, Span::lasting(20_300, length_ms - 600)) > 0.85, "{spans:?}");
    assert!(total_ms(&spans) < length_ms + 4_000, "{spans:?}");
}

#[tokio::test]
async fn a_word_in_silence_far_from_other_speech_is_found() {
    let folder = tempdir().unwrap();
    let silence = vec![0; 15 * 16_000];
    let word = tunes::speech(folder.path(), "awb", "I don't know.");
    let speech = tunes::speech(folder.path(), "awb", TEXT);
    let spans = detect_in(&[&speech[..], &silence, &word, &silence].concat()).await;
    let start_ms = (speech.len() + silence.len()) as u64 / 16;
    assert!(found(&spans, Span::lasting(start_ms + 300, 600)) > 0.85, "{spans:?}");
}

#[tokio::test]
async fn recordings_give_their_speech() {
    for (file, spoken_ms) in [("jfk.flac", 7_000..10_500), ("nasa_13013.mp4", 10_000..12_000)] {
        let folder = tempdir().unwrap();
        let Some(wav) = tunes::recording(folder.path(), file) else { continue };
        let spans = detect(&wav).await;
        println!("{file}: {} ms: {spans:?}", total_ms(&spans));
        assert!(spoken_ms.contains(&total_ms(&spans)), "{file}: {spans:?}");
    }
}

#[tokio::test]
async fn an_empty_recording_and_one_shorter_than_a_frame_hold_no_speech() {
    assert_eq!(detect_in(&[]).await, []);
    assert_eq!(detect_in(&[1_000; 100]).await, []);
}

#[tokio::test]
async fn what_is_no_speech_wav_is_refused_without_its_name() {
    let folder = tempdir().unwrap();
    let stereo = folder.path().join("secret-stereo.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    hound::WavWriter::create(&stereo, spec).unwrap().finalize().unwrap();
    let junk = folder.path().join("secret-junk.wav");
    std::fs::write(&junk, [7; 300]).unwrap();
    let cut = folder.path().join("secret-cut.wav");
    tunes::write(&cut, &[0; 16_000]);
    let whole = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &whole[..10_001]).unwrap();
    let engine = EarshotEngine::new(EarshotConfig::default(), Arc::default());
    for path in [&stereo, &junk, &cut] {
        let error = engine.detect(path).await.unwrap_err();
        assert!(matches!(error, EngineError::Rejected { code: "not-speech-wav", .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    let missing = engine.detect(&folder.path().join("secret-missing.wav")).await.unwrap_err();
    assert!(matches!(missing, EngineError::Transient { .. }) && !missing.to_string().contains("secret"));
}

#[tokio::test]
async fn it_names_the_version_that_is_linked() {
    let info = EarshotEngine::new(EarshotConfig::default(), Arc::default()).describe().await.unwrap();
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock")).unwrap();
    assert!(lock.contains(&format!("name = \"earshot\"\nversion = \"{}\"", info.version)), "{}", info.version);
}
