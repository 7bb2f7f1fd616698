//! The diariser on real voices: flite's, in alternation and alone, and public recordings.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, also in its helper functions")]

use application::stages::transcribe::Diariser;
use domain::value::Span;
use engine_diarise_spectral::SpectralEngine;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

const SENTENCES: [&str; 8] = [
    "The spacecraft left the harbour of the earth in the early morning.",
    "On board there were two telescopes and a small computer.",
    "Nobody knew how long the journey would take.",
    "Everyone hoped for the best, and nobody slept.",
    "In winter the whole family slept in one room.",
    "Water had to be carried from the well every day.",
    "Today we will look at how people lived two hundred years ago.",
    "Children worked in the fields from the age of six.",
];

/// Writes a recording in which the voices speak one sentence each in turn, with pauses; returns the stretches.
fn recording(folder: &Path, voices: &[&str], sentences: usize) -> (PathBuf, Vec<Span>) {
    let path = folder.join("speech.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    let mut spans = Vec::new();
    for (number, voice) in voices.iter().cycle().take(sentences).enumerate() {
        let part = folder.join("part.wav");
        let text = SENTENCES[(number / voices.len()) % SENTENCES.len()];
        let spoken = Command::new("flite").args(["-voice", voice, "-t", text, "-o"]).arg(&part).status();
        assert!(spoken.expect("flite is installed").success());
        let start_ms = u64::from(writer.duration()) / 16;
        for sample in hound::WavReader::open(&part).unwrap().samples::<i16>() {
            writer.write_sample(sample.unwrap()).unwrap();
        }
        spans.push(Span::try_new(start_ms, u64::from(writer.duration()) / 16).unwrap());
        (0..8_000).for_each(|_| writer.write_sample(0i16).unwrap());
    }
    writer.finalize().unwrap();
    (path, spans)
}

fn engine() -> SpectralEngine {
    SpectralEngine::new(Arc::default())
}

async fn check(voices: &[&str], sentences: usize, expected: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let (path, spans) = recording(folder.path(), voices, sentences);
    let told = engine().diarise(&path, &spans).await.unwrap();
    println!("{voices:?}: pitches {:?}", told.voices.iter().map(|voice| voice.pitch_hz).collect::<Vec<_>>());
    assert_eq!(told.speaker_of, expected, "{voices:?}");
    assert_eq!(told.voices.len(), expected.iter().max().unwrap() + 1);
}

#[tokio::test]
async fn two_voices_in_turn_are_told_apart() {
    for other in ["slt", "awb", "rms"] {
        check(&["kal16", other], 8, &[0, 1, 0, 1, 0, 1, 0, 1]).await;
    }
    check(&["slt", "awb"], 4, &[0, 1, 0, 1]).await;
    check(&["rms", "slt"], 8, &[0, 1, 0, 1, 0, 1, 0, 1]).await;
}

#[tokio::test]
async fn three_voices_in_turn_are_told_apart() {
    check(&["kal16", "slt", "awb"], 12, &[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]).await;
}

#[tokio::test]
async fn one_voice_is_one_speaker() {
    for voice in ["kal16", "slt", "awb", "rms"] {
        check(&[voice], 8, &[0; 8]).await;
    }
}

#[tokio::test]
async fn voices_of_known_speakers_have_their_own_pitch() {
    let folder = tempfile::tempdir().unwrap();
    let (path, spans) = recording(folder.path(), &["kal16", "slt"], 6);
    let groups =
        [spans.iter().copied().step_by(2).collect(), spans.iter().copied().skip(1).step_by(2).collect(), vec![]];
    let voices = engine().describe_voices(&path, &groups).await.unwrap();
    let pitches: Vec<Option<f32>> = voices.iter().map(|voice| voice.pitch_hz).collect();
    let [Some(low), Some(high), None] = pitches[..] else { panic!("{pitches:?}") };
    assert!((75.0..115.0).contains(&low) && (150.0..200.0).contains(&high), "{pitches:?}");
}

#[tokio::test]
async fn silence_and_stretches_past_the_end_are_one_speaker_without_pitch() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = recording(folder.path(), &[], 0);
    let spans = [Span::lasting(0, 500), Span::lasting(90_000, 1_000)];
    let told = engine().diarise(&path, &spans).await.unwrap();
    assert_eq!((told.speaker_of, told.voices.len()), (vec![0, 0], 1));
    assert_eq!(told.voices[0].pitch_hz, None);
    let nothing = engine().diarise(&path, &[]).await.unwrap();
    assert!(nothing.speaker_of.is_empty() && nothing.voices.is_empty());
}

#[tokio::test]
async fn what_is_no_speech_wav_is_refused_without_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret-name.wav");
    std::fs::write(&path, b"RIFF....WAVEjunk").unwrap();
    let error = engine().diarise(&path, &[Span::lasting(0, 100)]).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret-name"), "{error}");
}

/// Public recordings of one speaker each, cut into stretches of 2.5 s.
#[tokio::test]
async fn recordings_of_one_person_are_one_speaker() {
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/media");
    for (file, decode) in [
        ("jfk.flac", "flacparse ! flacdec"),
        ("nasa_13013.mp4", "qtdemux name=d d.audio_1 ! queue ! aacparse ! avdec_aac"),
    ] {
        let source = media.join(file);
        if !source.exists() {
            println!("SKIPPED: ../shared/media/{file} is not there");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let wav = folder.path().join("speech.wav");
        let (from, to) = (format!("location=\"{}\"", source.display()), format!("location=\"{}\"", wav.display()));
        let mut gst = Command::new("gst-launch-1.0");
        gst.args(["-q", "filesrc", &from, "!"]).args(decode.split(' '));
        gst.args(["!", "audioconvert", "!", "audioresample", "!", "audio/x-raw,rate=16000,channels=1,format=S16LE"]);
        assert!(gst.args(["!", "wavenc", "!", "filesink", &to]).status().unwrap().success());
        let spans: Vec<Span> = (0..4).map(|part| Span::lasting(300 + part * 2_500, 2_500)).collect();
        let told = engine().diarise(&wav, &spans).await.unwrap();
        println!("{file}: {:?} {:?}", told.speaker_of, told.voices);
        assert_eq!(told.speaker_of, [0; 4], "{file}");
    }
}
