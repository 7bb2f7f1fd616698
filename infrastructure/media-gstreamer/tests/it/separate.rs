//! Separate: both stems on the media's timeline, whatever the container does.

use crate::support::{Wav, code, make, media, media_within, recording, separator, sweep};
use application::ports::engine::EngineError;
use application::stages::separate::{SeparateInput, Separator, Stems};
use media_gstreamer::MediaLimits;
use std::path::Path;
use tempfile::tempdir;

async fn separate(file: &Path, audio_stream: u32, folder: &Path) -> Result<Stems, EngineError> {
    let input = SeparateInput { file: file.to_owned(), audio_stream, folder: folder.to_owned() };
    separator().separate(input).await
}

/// Puts a sweep that sets in at 500 ms through `pipeline` and expects it there in both stems.
async fn check(name: &str, pipeline: &str, onset_ms: f64, tolerance_ms: f64) {
    let folder = tempdir().unwrap();
    let source = folder.path().join("source.wav");
    sweep(500, 2_500, 0.5).write(&source);
    let file = folder.path().join(name);
    let input = format!("filesrc location=\"{}\" ! wavparse ! audioconvert ! audioresample", source.display());
    make(&file, &pipeline.replace("SOUND", &input));
    let stems = separate(&file, 0, folder.path()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let (background, speech) = (Wav::read(&stems.background), Wav::read(&stems.speech));
    assert_eq!((background.rate_hz, background.channels), (48_000, stems.channels), "{name}");
    assert_eq!((speech.rate_hz, speech.channels), (16_000, 1), "{name}");
    for (stem, wav) in [("background", &background), ("speech", &speech)] {
        assert!((wav.onset_ms() - onset_ms).abs() <= tolerance_ms, "{name}, {stem}: sets in at {} ms", wav.onset_ms());
    }
    assert!((background.duration_ms() - speech.duration_ms()).abs() < 1.0, "{name}");
    assert!((background.duration_ms() - stems.duration_ms as f64).abs() <= 1.0, "{name}");
    assert!(!stems.separated);
}

#[tokio::test]
async fn sound_stays_where_it_was() {
    check("a.wav", "SOUND ! wavenc ! {}", 500.0, 2.0).await;
    check("a.flac", "SOUND ! flacenc ! {}", 500.0, 2.0).await;
    check("a.mkv", "SOUND ! flacenc ! matroskamux ! {}", 500.0, 2.0).await;
    check("a.opus", "SOUND ! opusenc ! oggmux ! {}", 500.0, 8.0).await;
    check("a.webm", "SOUND ! opusenc ! webmmux ! {}", 500.0, 8.0).await;
    check("a.avi", "SOUND ! audio/x-raw,format=S16LE ! avimux ! {}", 500.0, 2.0).await;
    // These encoders' delay is written nowhere in the file: 1,024 and 1,105 frames.
    check("a.m4a", "SOUND ! avenc_aac ! mp4mux ! {}", 521.3, 4.0).await;
    check("a.mp3", "SOUND ! lamemp3enc ! xingmux ! {}", 511.0, 30.0).await;
    check("tagged.mp3", "SOUND ! lamemp3enc ! xingmux ! taginject tags=title=x ! id3v2mux ! {}", 511.0, 30.0).await;
}

#[tokio::test]
async fn many_channels_are_mixed_down_to_two() {
    check("six.flac", "SOUND ! audio/x-raw,channels=6,channel-mask=(bitmask)0x3f ! flacenc ! {}", 500.0, 2.0).await;
    check(
        "four.wav",
        "SOUND ! audio/x-raw,format=S16LE,channels=4,channel-mask=(bitmask)0x33 ! wavenc ! {}",
        500.0,
        2.0,
    )
    .await;
}

#[tokio::test]
async fn a_late_start_is_padded_with_silence() {
    // Given a picture from 0 on and a sound that begins 700 ms later.
    let picture =
        "videotestsrc num-buffers=80 ! video/x-raw,width=64,height=64,framerate=25/1 ! x264enc ! h264parse ! m.";
    for (name, muxer, encoder) in [("late.mkv", "matroskamux", "flacenc"), ("late.mp4", "mp4mux", "avenc_alac")] {
        let late = format!("SOUND ! {encoder} ! identity name=late ! m.");
        check(name, &format!("{muxer} name=m ! {{}} {picture} {late}"), 1_200.0, 3.0).await;
    }
}

#[tokio::test]
async fn a_hole_in_the_sound_is_filled() {
    // Given a second of tone, two seconds of nothing, a second of tone, with honest time stamps.
    let folder = tempdir().unwrap();
    let file = folder.path().join("hole.mkv");
    let tone = "audiotestsrc wave=square samplesperbuffer=480";
    make(
        &file,
        &format!(
            "matroskamux name=m ! {{}} concat name=c adjust-base=false ! audioconvert ! audio/x-raw,format=S16LE ! m. \
         {tone} num-buffers=100 ! audio/x-raw,rate=48000,channels=1 ! queue ! c. \
         {tone} num-buffers=100 timestamp-offset=3000000000 ! audio/x-raw,rate=48000,channels=1 ! queue ! c."
        ),
    );
    // When it is decoded
    let stems = separate(&file, 0, folder.path()).await.unwrap();
    // Then the second tone sounds at 3 s, and silence lies between.
    let sound = Wav::read(&stems.background).first_channel();
    let loud =
        |from_ms: usize, to_ms: usize| sound[from_ms * 48..to_ms * 48].iter().any(|sample| sample.abs() > 1_000.0);
    assert!((3_980..=4_020).contains(&stems.duration_ms), "{}", stems.duration_ms);
    assert!(loud(0, 900) && !loud(1_100, 2_900) && loud(3_050, 3_950));
}

#[tokio::test]
async fn loudness_and_peak_are_measured() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tone.wav");
    make(
        &file,
        "audiotestsrc num-buffers=480 freq=997 samplesperbuffer=1000 volume=0.1 ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! wavenc ! {}",
    );
    let stems = separate(&file, 0, folder.path()).await.unwrap();
    // A stereo sine at −20 dBFS reads −20.0 LUFS (BS.1770: −3.01 for the sine, +3.01 for two channels).
    assert!((stems.loudness.db() + 20.0).abs() < 0.2, "{:?}", stems.loudness);
    assert!((stems.true_peak.db() + 20.0).abs() < 0.2, "{:?}", stems.true_peak);
}

#[tokio::test]
async fn the_chosen_stream_is_the_one_that_is_decoded() {
    let Some(file) = recording("nasa_13013.mp4") else { return };
    let folder = tempdir().unwrap();
    let (one, two) = (folder.path().join("1"), folder.path().join("2"));
    std::fs::create_dir(&one).unwrap();
    std::fs::create_dir(&two).unwrap();
    let first = separate(&file, 0, &one).await.unwrap();
    let second = separate(&file, 1, &two).await.unwrap();
    assert_ne!(first.loudness, second.loudness);
    assert!((13_000..13_100).contains(&second.duration_ms), "{second:?}");
    assert_eq!(code(separate(&file, 2, folder.path()).await), "no-stream");
}

#[tokio::test]
async fn the_same_input_gives_the_same_bytes() {
    let Some(file) = recording("jfk.flac") else { return };
    let folder = tempdir().unwrap();
    let first = separate(&file, 0, folder.path()).await.unwrap();
    let bytes = |stems: &Stems| (std::fs::read(&stems.background).unwrap(), std::fs::read(&stems.speech).unwrap());
    let before = bytes(&first);
    let again = separate(&file, 0, folder.path()).await.unwrap();
    assert_eq!(first, again);
    assert!(before == bytes(&again));
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.wav");
    sweep(0, 3_000, 0.5).write(&file);
    std::os::unix::fs::symlink("/dev/full", folder.path().join("background.wav")).unwrap();
    let result = separate(&file, 0, folder.path()).await;
    assert!(matches!(result, Err(EngineError::Exhausted { .. })), "{result:?}");
}

#[tokio::test]
async fn a_sound_without_end_is_cut_off_by_the_limit() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("far.mkv");
    let tone = "audiotestsrc samplesperbuffer=480 num-buffers=100";
    make(
        &file,
        &format!(
            "matroskamux streamable=true name=m ! {{}} concat name=c adjust-base=false ! audioconvert ! audio/x-raw,format=S16LE ! m. \
         {tone} ! audio/x-raw,rate=48000,channels=1 ! queue ! c. \
         {tone} timestamp-offset=900000000000 ! audio/x-raw,rate=48000,channels=1 ! queue ! c."
        ),
    );
    let limits = MediaLimits { duration_ms_max: 60_000, ..MediaLimits::default() };
    let input = SeparateInput { file, audio_stream: 0, folder: folder.path().to_owned() };
    let result = media_gstreamer::NoSeparator::new(media_within(limits)).separate(input).await;
    assert_eq!(code(result), "over-limit");
    drop(media());
}
