//! Mux: pictures are copied bit for bit, sounds are in time, the peak holds, and tracks are named.

use crate::packets::{Packet, packets};
use crate::support::{LATE, Wav, lag, make, media, recording, separator, sweep};
use application::ports::engine::EngineError;
use application::stages::assess::Inspector;
use application::stages::mux::{MuxInput, Muxed, Muxer, OriginalSound, SubtitleCue};
use application::stages::separate::{SeparateInput, Separator};
use application::stages::transcribe::EmbeddedSubtitles;
use domain::value::{Decibel, Span};
use std::path::Path;
use tempfile::{TempDir, tempdir};

const PICTURE: &str = "videotestsrc num-buffers=60 ! video/x-raw,width=160,height=120,framerate=30000/1001";
const H264: &str = "x264enc bframes=3 b-adapt=false speed-preset=veryfast key-int-max=30 ! h264parse";

/// A job without extras: the dub is a sweep that sets in at 500 ms.
fn job(folder: &TempDir, source: &Path, dub: &Wav) -> MuxInput {
    let path = |name: &str| folder.path().join(name);
    dub.write(&path("dub.wav"));
    std::fs::create_dir_all(path("scratch")).unwrap();
    MuxInput {
        source: source.to_owned(),
        video_stream: Some(0),
        dub: path("dub.wav"),
        language: "es".parse().unwrap(),
        original: None,
        subtitles: None,
        true_peak_max: Decibel::from_db(-1.0),
        scratch: path("scratch"),
        output: path("out.mp4"),
    }
}

fn picture(folder: &TempDir, name: &str, pipeline: &str) -> std::path::PathBuf {
    let file = folder.path().join(name);
    make(&file, &pipeline.replace("PICTURE", PICTURE).replace("H264", H264));
    file
}

/// The sound of stream `index` of a file, as the product itself decodes it.
async fn sound_of(folder: &TempDir, file: &Path, index: u32) -> Wav {
    let stems = folder.path().join("stems");
    std::fs::create_dir_all(&stems).unwrap();
    let input = SeparateInput { file: file.to_owned(), audio_stream: index, folder: stems };
    Wav::read(&separator().separate(input).await.unwrap().background)
}

/// The outermost boxes of an MP4.
fn boxes(file: &Path) -> Vec<String> {
    let bytes = std::fs::read(file).unwrap();
    let (mut at, mut names) = (0, Vec::new());
    while at + 8 <= bytes.len() {
        names.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    }
    names
}

/// Muxes a picture from `pipeline` and expects its packets in the result, bit for bit and on time.
async fn check_copied(name: &str, demuxer: &str, pipeline: &str) {
    let folder = tempdir().unwrap();
    let source = picture(&folder, name, pipeline);
    let job = job(&folder, &source, &sweep(500, 3_000, 0.5));
    let output = job.output.clone();
    let muxed = media().mux(job).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(muxed.video_copied, Some(true), "{name}");
    let (before, after) = (packets(&source, demuxer, "video_0"), packets(&output, "qtdemux", "video_0"));
    assert_eq!(before.len(), 60, "{name}");
    assert_same(name, &before, &after);
}

fn assert_same(name: &str, before: &[Packet], after: &[Packet]) {
    assert_eq!(before.len(), after.len(), "{name}");
    for (place, (before, after)) in before.iter().zip(after).enumerate() {
        assert!(before.bytes == after.bytes, "{name}: packet {place} differs");
        // Matroska rounds to milliseconds; the track's ticks may round once more.
        assert!(
            before.pts_us.abs_diff(after.pts_us) <= 40,
            "{name}: packet {place} moved: {} {}",
            before.pts_us,
            after.pts_us
        );
    }
}

#[tokio::test]
async fn pictures_are_copied_bit_for_bit() {
    check_copied("h264.mp4", "qtdemux", "mp4mux name=m ! {} PICTURE ! H264 ! m.").await;
    check_copied("h264.mov", "qtdemux", "qtmux name=m ! {} PICTURE ! H264 ! m.").await;
    check_copied("h264.mkv", "matroskademux", "matroskamux name=m ! {} PICTURE ! H264 ! m.").await;
    check_copied("h265.mp4", "qtdemux", "mp4mux name=m ! {} PICTURE ! x265enc speed-preset=ultrafast ! h265parse ! m.")
        .await;
    check_copied(
        "h265.mkv",
        "matroskademux",
        "matroskamux name=m ! {} PICTURE ! x265enc speed-preset=ultrafast ! h265parse ! m.",
    )
    .await;
    check_copied("vp9.webm", "matroskademux", "webmmux name=m ! {} PICTURE ! vp9enc deadline=1 cpu-used=8 ! m.").await;
    check_copied("mpeg4.avi", "avidemux", "avimux name=m ! {} PICTURE ! avenc_mpeg4 ! m.").await;
    check_copied(
        "av1.mkv",
        "matroskademux",
        "matroskamux name=m ! {} PICTURE ! av1enc cpu-used=8 usage-profile=realtime ! av1parse ! m.",
    )
    .await;
}

#[tokio::test]
async fn a_byte_stream_keeps_its_frames_and_times() {
    let folder = tempdir().unwrap();
    let source = picture(&folder, "a.ts", "mpegtsmux name=m ! {} PICTURE ! H264 ! m.");
    let job = job(&folder, &source, &sweep(0, 2_000, 0.5));
    let output = job.output.clone();
    media().mux(job).await.unwrap();
    let times: Vec<_> = packets(&output, "qtdemux", "video_0").iter().map(|it| it.pts_us).collect();
    let mut sorted = times.clone();
    sorted.sort_unstable();
    assert_eq!(times.len(), 60);
    assert_ne!(times, sorted, "frames stay in decoding order");
    assert!(sorted.windows(2).all(|two| (two[1] - two[0]).abs_diff(33_367) < 200), "{sorted:?}");
}

#[tokio::test]
async fn what_mp4_cannot_hold_becomes_h264() {
    for (name, pipeline) in [
        // MP4 could hold these packets, but AVI does not tell when those with B-frames show.
        ("bframes.avi", "avimux name=m ! {} PICTURE ! avenc_mpeg4 max-bframes=2 ! m."),
        ("vp8.webm", "webmmux name=m ! {} PICTURE ! vp8enc deadline=1 ! m."),
        ("theora.ogg", "oggmux name=m ! {} PICTURE ! theoraenc ! m."),
        ("jpeg.avi", "avimux name=m ! {} PICTURE ! jpegenc ! m."),
        (
            "odd.mkv",
            "matroskamux name=m ! {} videotestsrc num-buffers=60 ! video/x-raw,width=161,height=121,framerate=30000/1001 ! videoconvert ! vp8enc deadline=1 ! m.",
        ),
    ] {
        let folder = tempdir().unwrap();
        let source = picture(&folder, name, pipeline);
        let job = job(&folder, &source, &sweep(500, 2_000, 0.5));
        let output = job.output.clone();
        let muxed = media().mux(job).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(muxed.video_copied, Some(false), "{name}");
        let seen = media().inspect(&output).await.unwrap().media;
        let formats: Vec<_> = seen.video.iter().map(|it| (it.codec.as_str(), it.width, it.height)).collect();
        assert_eq!(formats, [("video/x-h264", 160, 120)], "{name}");
        assert_eq!(packets(&output, "qtdemux", "video_0").len(), 60, "{name}");
    }
}

#[tokio::test]
async fn the_encoded_sound_is_where_the_wav_has_it() {
    let folder = tempdir().unwrap();
    let source = picture(&folder, "a.mp4", "mp4mux name=m ! {} PICTURE ! H264 ! m.");
    // Shorter and longer than the picture's 2 s, one and two channels, a length that is no whole packet.
    for (length_ms, channels) in [(1_000, 1), (3_003, 1), (2_501, 2)] {
        let mono = sweep(100, length_ms, 0.5);
        let samples = mono.samples.iter().flat_map(|sample| vec![*sample; channels]).collect();
        let dub = Wav { channels: channels as u16, samples, ..mono };
        let job = job(&folder, &source, &dub);
        let output = job.output.clone();
        media().mux(job).await.unwrap();
        let heard = sound_of(&folder, &output, 0).await;
        assert_eq!(heard.channels, dub.channels);
        assert!(
            (heard.duration_ms() - dub.duration_ms()).abs() < 1.0,
            "{} of {} ms",
            heard.duration_ms(),
            dub.duration_ms()
        );
        let lag = lag(&dub.first_channel(), &heard.first_channel(), 10_000, 2_100);
        assert_eq!(lag, 0, "late by {lag} frames");
    }
}

#[tokio::test]
async fn a_picture_that_starts_late_stays_late() {
    let folder = tempdir().unwrap();
    for (name, demuxer, muxer) in [("late.mp4", "qtdemux", "mp4mux"), ("late.mkv", "matroskademux", "matroskamux")] {
        let tone = "audiotestsrc num-buffers=140 samplesperbuffer=1024 ! audio/x-raw,rate=48000 ! avenc_aac ! m.";
        let source =
            picture(&folder, name, &format!("{muxer} name=m ! {{}} PICTURE ! H264 ! identity name=late ! m. {tone}"));
        let job = job(&folder, &source, &sweep(500, 3_000, 0.5));
        let output = job.output.clone();
        media().mux(job).await.unwrap();
        let (before, after) = (packets(&source, demuxer, "video_0"), packets(&output, "qtdemux", "video_0"));
        assert!(before[0].pts_us.abs_diff(LATE.useconds()) < 90_000, "{name}: {}", before[0].pts_us);
        assert_same(name, &before, &after);
        let heard = sound_of(&folder, &output, 0).await;
        assert!((heard.onset_ms() - 500.0).abs() < 3.0, "{name}: the sound sets in at {}", heard.onset_ms());
    }
}

#[tokio::test]
async fn a_sound_that_starts_first_does_not_move_the_picture() {
    // Given a Matroska in which the picture's packets come first but show after the sound's start.
    let folder = tempdir().unwrap();
    let tone = "audiotestsrc num-buffers=140 samplesperbuffer=1024 ! audio/x-raw,rate=48000 ! opusenc ! m.";
    let source = picture(
        &folder,
        "a.mkv",
        &format!("matroskamux name=m ! {{}} PICTURE ! H264 ! identity name=late ! m. {tone}"),
    );
    let job = job(&folder, &source, &sweep(500, 3_000, 0.5));
    let output = job.output.clone();
    assert_eq!(media().mux(job).await.unwrap().video_copied, Some(true));
    assert_same("a.mkv", &packets(&source, "matroskademux", "video_0"), &packets(&output, "qtdemux", "video_0"));
}

#[tokio::test]
async fn tracks_carry_languages_and_the_dub_comes_first() {
    let folder = tempdir().unwrap();
    let source = picture(&folder, "a.mp4", "mp4mux name=m ! {} PICTURE ! H264 ! m.");
    let cue = |start: u64, end: u64, text: &str| SubtitleCue {
        span: Span::try_new(start, end).unwrap(),
        text: text.to_owned(),
    };
    let cues = vec![cue(400, 1_200, "¡Hola!\n¿Qué tal?"), cue(1_200, 1_900, "a < b & c"), cue(2_500, 3_000, "Adiós")];
    let mut job = job(&folder, &source, &sweep(500, 3_000, 0.5));
    sweep(900, 3_000, 0.5).write(&folder.path().join("original.wav"));
    job.original = Some(OriginalSound { wav: folder.path().join("original.wav"), language: "en".parse().unwrap() });
    job.subtitles = Some(cues.clone());
    job.language = "pt-BR".parse().unwrap();
    let output = job.output.clone();
    // When both sounds and the text are muxed
    media().mux(job).await.unwrap();
    // Then each has its language, the dub comes first, and the text reads as it was given.
    let seen = media().inspect(&output).await.unwrap().media;
    let tag = |tag: &Option<domain::value::LanguageTag>| tag.as_ref().map(|tag| tag.as_str().to_owned());
    assert_eq!(
        seen.audio.iter().map(|it| tag(&it.language)).collect::<Vec<_>>(),
        [Some("pt".into()), Some("en".into())]
    );
    assert_eq!(seen.subtitles.iter().map(|it| tag(&it.language)).collect::<Vec<_>>(), [Some("pt".into())]);
    assert!((sound_of(&folder, &output, 0).await.onset_ms() - 500.0).abs() < 3.0);
    assert!((sound_of(&folder, &output, 1).await.onset_ms() - 900.0).abs() < 3.0);
    assert_eq!(media().read(&output, 0).await.unwrap(), cues);
    assert_eq!(sound_switches(&output), [true, false], "only the dub is on");
}

/// For each sound track, whether it is on (the first bit of `tkhd`'s flags).
fn sound_switches(file: &Path) -> Vec<bool> {
    let bytes = std::fs::read(file).unwrap();
    let find = |name: &[u8], from: usize| bytes[from..].windows(4).position(|four| four == name).map(|at| from + at);
    let (mut switches, mut from) = (Vec::new(), 0);
    while let Some(head) = find(b"tkhd", from) {
        let handler = find(b"hdlr", head).unwrap();
        if &bytes[handler + 12..handler + 16] == b"soun" {
            switches.push(bytes[head + 7] & 1 == 1);
        }
        from = handler;
    }
    switches
}

#[tokio::test]
async fn the_index_comes_first_and_sound_alone_is_enough() {
    let folder = tempdir().unwrap();
    let source = picture(&folder, "a.mp4", "mp4mux name=m ! {} PICTURE ! H264 ! m.");
    let with_picture = job(&folder, &source, &sweep(500, 3_000, 0.5));
    let sound_alone = MuxInput { video_stream: None, output: folder.path().join("out.m4a"), ..with_picture.clone() };
    for job in [with_picture, sound_alone] {
        let (output, is_copied) = (job.output.clone(), job.video_stream.map(|_| true));
        let muxed = media().mux(job).await.unwrap();
        assert_eq!(muxed, Muxed { video_copied: is_copied, attenuation: Decibel::from_db(0.0) });
        let names = boxes(&output);
        let place = |name: &str| names.iter().position(|it| it == name).unwrap();
        assert!(place("moov") < place("mdat"), "{names:?}");
        let seen = media().inspect(&output).await.unwrap();
        assert_eq!((seen.media.video.len(), seen.media.audio.len()), (usize::from(is_copied.is_some()), 1));
        assert!((2_999..=3_001).contains(&seen.sound_ms), "{}", seen.sound_ms);
    }
    assert_eq!(
        std::fs::read_dir(folder.path().join("scratch"))
            .unwrap()
            .filter(|it| { it.as_ref().unwrap().file_name() == "faststart" })
            .count(),
        0,
        "the index' scratch file is gone"
    );
}

#[tokio::test]
async fn the_decoded_peak_stays_within_the_limit() {
    // Given a square wave at full scale, which every encoder overshoots.
    let folder = tempdir().unwrap();
    let samples = (0..96_000).map(|frame| if frame / 40 % 2 == 0 { 32_000 } else { -32_000 }).collect();
    let dub = Wav { rate_hz: 48_000, channels: 1, samples };
    let mut job = job(&folder, Path::new(""), &dub);
    job.video_stream = None;
    job.output = folder.path().join("out.m4a");
    let output = job.output.clone();
    let muxed = media().mux(job).await.unwrap();
    let seen = media().inspect(&output).await.unwrap();
    assert!(seen.true_peak <= Decibel::from_db(-1.0), "{:?}", seen.true_peak);
    assert!(seen.true_peak >= Decibel::from_db(-2.0), "not lower than needed: {:?}", seen.true_peak);
    assert!(muxed.attenuation > Decibel::from_db(0.5), "{muxed:?}");
}

#[tokio::test]
async fn dead_air_is_found_in_the_finished_file() {
    let folder = tempdir().unwrap();
    let mut dub = sweep(0, 7_000, 0.5);
    dub.samples[2_000 * 48..5_000 * 48].fill(0);
    let mut job = job(&folder, Path::new(""), &dub);
    job.video_stream = None;
    job.output = folder.path().join("out.m4a");
    let output = job.output.clone();
    media().mux(job).await.unwrap();
    let silences = media().inspect(&output).await.unwrap().silences;
    assert_eq!(silences.len(), 1, "{silences:?}");
    assert!(silences[0].start_ms().abs_diff(2_000) < 60 && silences[0].end_ms().abs_diff(5_000) < 60, "{silences:?}");
}

#[tokio::test]
async fn the_same_input_gives_the_same_file() {
    let folder = tempdir().unwrap();
    let source = picture(&folder, "a.mp4", "mp4mux name=m ! {} PICTURE ! H264 ! m.");
    let job = job(&folder, &source, &sweep(500, 3_000, 0.5));
    media().mux(job.clone()).await.unwrap();
    let first = std::fs::read(&job.output).unwrap();
    media().mux(job.clone()).await.unwrap();
    assert!(first == std::fs::read(&job.output).unwrap());
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let folder = tempdir().unwrap();
    let source = picture(&folder, "a.mp4", "mp4mux name=m ! {} PICTURE ! H264 ! m.");
    let plain = job(&folder, &source, &sweep(500, 3_000, 0.5));
    let output_full = MuxInput { output: "/dev/full".into(), ..plain.clone() };
    let result = media().mux(output_full).await;
    assert!(matches!(result, Err(EngineError::Exhausted { .. })), "{result:?}");
    std::os::unix::fs::symlink("/dev/full", plain.scratch.join("dub.aac-packets")).ok();
    std::fs::remove_file(plain.scratch.join("dub.aac-packets")).unwrap();
    std::os::unix::fs::symlink("/dev/full", plain.scratch.join("dub.aac-packets")).unwrap();
    let result = media().mux(plain).await;
    assert!(matches!(result, Err(EngineError::Exhausted { .. })), "{result:?}");
}

#[tokio::test]
async fn every_stream_of_a_recording_is_copied_bit_for_bit() {
    let Some(source) = recording("nasa_13013.mp4") else { return };
    for stream in [0, 1] {
        let folder = tempdir().unwrap();
        let mut job = job(&folder, &source, &sweep(500, 15_000, 0.5));
        job.video_stream = Some(stream);
        let output = job.output.clone();
        assert_eq!(media().mux(job).await.unwrap().video_copied, Some(true));
        let before = packets(&source, "qtdemux", &format!("video_{stream}"));
        assert!(before.len() > 300);
        assert_same("recording", &before, &packets(&output, "qtdemux", "video_0"));
    }
}
