//! Subtitles: the cues inside a container, as plain text at their times.

use crate::support::{code, media, recording, run};
use application::stages::mux::SubtitleCue;
use application::stages::transcribe::EmbeddedSubtitles;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;
use std::path::Path;
use tempfile::tempdir;

/// Makes a file with one text stream of `(start, length, packet)` in milliseconds.
fn make_text(file: &Path, muxer: &str, caps: &str, packets: &[(u64, u64, &str)]) {
    gst::init().unwrap();
    let text = format!(
        "{muxer} name=m ! filesink location=\"{}\" audiotestsrc num-buffers=500 samplesperbuffer=480 ! \
         audio/x-raw,rate=48000 ! avenc_aac ! m. appsrc name=t format=time caps=\"{caps}\" ! queue ! m.subtitle_0",
        file.display()
    );
    let pipeline = gst::parse::launch(&text).unwrap();
    let source = pipeline.downcast_ref::<gst::Bin>().unwrap().by_name("t").unwrap().downcast::<AppSrc>().unwrap();
    for (start, length, packet) in packets {
        let mut buffer = gst::Buffer::from_slice(packet.as_bytes().to_vec());
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(gst::ClockTime::from_mseconds(*start));
        writable.set_duration(gst::ClockTime::from_mseconds(*length));
        source.push_buffer(buffer).unwrap();
    }
    source.end_of_stream().unwrap();
    run(&pipeline);
}

/// `(start, end, text)` of each cue.
fn told(cues: &[SubtitleCue]) -> Vec<(u64, u64, &str)> {
    cues.iter().map(|cue| (cue.span.start_ms(), cue.span.end_ms(), cue.text.as_str())).collect()
}

async fn check(name: &str, muxer: &str, caps: &str, packets: &[(u64, u64, &str)], expected: &[(u64, u64, &str)]) {
    let folder = tempdir().unwrap();
    let file = folder.path().join(name);
    make_text(&file, muxer, caps, packets);
    let cues = media().read(&file, 0).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(told(&cues), expected, "{name}");
}

#[tokio::test]
async fn cues_come_out_as_plain_text_at_their_times() {
    let plain = [(500, 1_000, "Hello"), (2_000, 1_500, "two\nlines"), (4_000, 500, "ñ 日本")];
    let same = [(500, 1_500, "Hello"), (2_000, 3_500, "two\nlines"), (4_000, 4_500, "ñ 日本")];
    check("a.mp4", "mp4mux", "text/x-raw,format=utf8", &plain, &same).await;
    check("a.mkv", "matroskamux", "text/x-raw,format=utf8", &plain, &same).await;
    let marked = [(500, 1_000, "<i>Hello</i> &amp; you"), (2_000, 500, "<b>1 &lt; 2</b>")];
    let clean = [(500, 1_500, "Hello & you"), (2_000, 2_500, "1 < 2")];
    check("marked.mkv", "matroskamux", "text/x-raw,format=utf8", &marked, &clean).await;
}

#[tokio::test]
async fn web_cues_in_matroska_are_read_though_gstreamer_does_not_know_them() {
    // Given text under a codec name that the demuxer does not know, in WebM's form of WebVTT.
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.mkv");
    make_text(
        &file,
        "matroskamux",
        "text/x-raw,format=utf8",
        &[(500, 1_000, "\n\n<v Ann>Hi"), (2_000, 500, "one\nline:0\nyou &amp; me")],
    );
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(11).position(|name| name == b"S_TEXT/UTF8").unwrap();
    bytes[at..at + 11].copy_from_slice(b"D_WEBVTT/SU");
    std::fs::write(&file, bytes).unwrap();
    let cues = media().read(&file, 0).await.unwrap();
    assert_eq!(told(&cues), [(500, 1_500, "<v Ann>Hi"), (2_000, 2_500, "you & me")]);
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_refused() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.mkv");
    make_text(&file, "matroskamux", "text/x-raw,format=utf8", &[(0, 1_000, "one")]);
    assert_eq!(code(media().read(&file, 1).await), "no-stream");
}

#[tokio::test]
async fn a_recordings_own_narration_is_read() {
    let Some(file) = recording("nasa_13013.mp4") else { return };
    let cues = media().read(&file, 0).await.unwrap();
    assert_eq!(cues.len(), 4);
    assert_eq!((cues[0].span.start_ms(), cues[0].span.end_ms()), (210, 4_260));
    assert!(cues[0].text.starts_with("NAR: This is the optical"), "{}", cues[0].text);
    assert_eq!(media().read(&file, 1).await.unwrap(), cues);
}
