//! Probe: what files hold, whatever their container and name, and which files are refused.

use crate::support::{code, make, media, media_within, recording, separator};
use application::ports::engine::{Engine, EngineError};
use application::stages::ingest::{MediaInfo, MediaProber};
use media_gstreamer::MediaLimits;
use std::os::unix::fs::PermissionsExt;
use tempfile::tempdir;

const SOUND: &str = "audiotestsrc num-buffers=94 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2";
const PICTURE: &str = "videotestsrc num-buffers=50 ! video/x-raw,width=160,height=120,framerate=25/1";

/// Makes a file and compares what probe says with `(container, duration, video, audio)`.
async fn check(name: &str, pipeline: &str, container: &str, video: &[(&str, bool)], audio: &[(&str, u32)]) {
    let folder = tempdir().unwrap();
    let file = folder.path().join(name);
    make(&file, &pipeline.replace("SOUND", SOUND).replace("PICTURE", PICTURE));
    let info = media().probe(&file).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(info.container, container, "{name}");
    assert!((1_900..=2_100).contains(&info.duration_ms), "{name} lasts {} ms", info.duration_ms);
    let seen: Vec<_> = info.video.iter().map(|it| (it.codec.as_str(), it.fits_mp4)).collect();
    assert_eq!(seen, video, "{name}");
    let heard: Vec<_> = info.audio.iter().map(|it| (it.codec.as_str(), it.channels)).collect();
    assert_eq!(heard, audio, "{name}");
    assert!(info.video.iter().all(|it| (it.width, it.height) == (160, 120)), "{name}: {:?}", info.video);
    assert!(info.audio.iter().all(|it| it.rate_hz == 48_000), "{name}: {:?}", info.audio);
}

#[tokio::test]
async fn containers_with_pictures() {
    let h264 = "x264enc speed-preset=ultrafast bframes=2 ! h264parse";
    check(
        "a.mp4",
        &format!("mp4mux name=m ! {{}} PICTURE ! {h264} ! m. SOUND ! avenc_aac ! m."),
        "video/quicktime",
        &[("video/x-h264", true)],
        &[("audio/mpeg", 2)],
    )
    .await;
    check(
        "a.mov",
        "qtmux name=m ! {} PICTURE ! jpegenc ! m. SOUND ! avenc_aac ! m.",
        "video/quicktime",
        &[("image/jpeg", false)],
        &[("audio/mpeg", 2)],
    )
    .await;
    check(
        "a.mkv",
        &format!("matroskamux name=m ! {{}} PICTURE ! {h264} ! m. SOUND ! flacenc ! m. SOUND ! opusenc ! m."),
        "video/x-matroska",
        &[("video/x-h264", true)],
        &[("audio/x-flac", 2), ("audio/x-opus", 2)],
    )
    .await;
    check(
        "a.webm",
        "webmmux name=m ! {} PICTURE ! vp8enc deadline=1 ! m. SOUND ! vorbisenc ! m.",
        "video/webm",
        &[("video/x-vp8", false)],
        &[("audio/x-vorbis", 2)],
    )
    .await;
    check(
        "a.avi",
        "avimux name=m ! {} PICTURE ! avenc_mpeg4 ! m. SOUND ! audioconvert ! lamemp3enc ! m.",
        "video/x-msvideo",
        &[("video/x-divx", true)],
        &[("audio/mpeg", 2)],
    )
    .await;
    check(
        "a.ts",
        &format!("mpegtsmux name=m ! {{}} PICTURE ! {h264} ! m. SOUND ! avenc_aac ! aacparse ! m."),
        "video/mpegts",
        &[("video/x-h264", true)],
        &[("audio/mpeg", 2)],
    )
    .await;
}

#[tokio::test]
async fn files_of_sound_alone() {
    check("a.wav", "SOUND ! wavenc ! {}", "audio/x-wav", &[], &[("audio/x-raw", 2)]).await;
    check("a.mp3", "SOUND ! audioconvert ! lamemp3enc ! {}", "audio/mpeg", &[], &[("audio/mpeg", 2)]).await;
    check(
        "tagged.mp3",
        "SOUND ! audioconvert ! lamemp3enc ! taginject tags=\"title=x\" ! id3v2mux ! {}",
        "audio/mpeg",
        &[],
        &[("audio/mpeg", 2)],
    )
    .await;
    check("a.flac", "SOUND ! flacenc ! {}", "audio/x-flac", &[], &[("audio/x-flac", 2)]).await;
    check("a.m4a", "SOUND ! avenc_aac ! mp4mux ! {}", "video/quicktime", &[], &[("audio/mpeg", 2)]).await;
    check("a.ogg", "SOUND ! audioconvert ! vorbisenc ! oggmux ! {}", "audio/ogg", &[], &[("audio/x-vorbis", 2)]).await;
    check("a.opus", "SOUND ! opusenc ! oggmux ! {}", "audio/ogg", &[], &[("audio/x-opus", 2)]).await;
}

#[tokio::test]
async fn a_recording_that_does_not_know_its_length_is_measured() {
    // Given a WebM as a live recorder writes it: no duration, no index.
    check(
        "live.webm",
        "webmmux streamable=true name=m ! {} PICTURE ! vp8enc deadline=1 ! m. SOUND ! vorbisenc ! m.",
        "video/webm",
        &[("video/x-vp8", false)],
        &[("audio/x-vorbis", 2)],
    )
    .await;
}

#[tokio::test]
async fn an_attached_picture_is_no_video() {
    let cover = "videotestsrc num-buffers=1 ! video/x-raw,width=160,height=120,framerate=1/2";
    let moving = "x264enc speed-preset=ultrafast ! h264parse";
    check(
        "cover.mkv",
        &format!("matroskamux name=m ! {{}} {cover} ! jpegenc ! m. SOUND ! flacenc ! m."),
        "video/x-matroska",
        &[],
        &[("audio/x-flac", 2)],
    )
    .await;
    check(
        "cover.mov",
        &format!("qtmux name=m ! {{}} {cover} ! pngenc ! m. PICTURE ! {moving} ! m. SOUND ! avenc_aac ! m."),
        "video/quicktime",
        &[("video/x-h264", true)],
        &[("audio/mpeg", 2)],
    )
    .await;
}

#[tokio::test]
async fn languages_are_read_as_tagged() {
    let folder = tempdir().unwrap();
    for (name, muxer) in [("l.mkv", "matroskamux"), ("l.mp4", "mp4mux")] {
        let file = folder.path().join(name);
        let sound = |tags: &str| format!("{SOUND} ! {tags} avenc_aac ! m. ");
        let tagged = sound("taginject tags=\"language-code=de\" !") + &sound("taginject tags=\"language-code=cat\" !");
        make(&file, &format!("{muxer} name=m ! {{}} {tagged} {}", sound("")));
        let info = media().probe(&file).await.unwrap();
        let languages: Vec<_> = info.audio.iter().map(|it| it.language.as_ref().map(|tag| tag.as_str())).collect();
        // Matroska's default language is English when nothing is written.
        let untagged = if name == "l.mkv" { languages[2] } else { None };
        assert_eq!(languages, [Some("de"), Some("ca"), untagged], "{name}");
    }
}

#[tokio::test]
async fn names_are_only_names() {
    let folder = tempdir().unwrap();
    let plain = folder.path().join("plain.wav");
    make(&plain, &format!("{SOUND} ! wavenc ! {{}}"));
    for name in [
        "with space.wav",
        "-leading.wav",
        "quo\"te's.wav",
        "a#b%20c?.wav",
        "ñandú 日本.wav",
        "new\nline.wav",
        "back\\slash!.wav",
    ] {
        let file = folder.path().join(name);
        std::fs::copy(&plain, &file).unwrap();
        let info = media().probe(&file).await.unwrap_or_else(|error| panic!("{name:?}: {error}"));
        assert_eq!(info.audio.len(), 1, "{name:?}");
    }
}

#[tokio::test]
async fn what_is_no_media_is_refused() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let refused = |name: &'static str| async move { code(media().probe(&path(name)).await) };
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty.mp4"), b"").unwrap();
    std::fs::write(path("text.mp4"), "These are words and nothing else.\n".repeat(200)).unwrap();
    std::fs::write(
        path("noise.mp4"),
        (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>(),
    )
    .unwrap();
    std::fs::write(
        path("cues.srt"),
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nthere\n",
    )
    .unwrap();
    make(&path("still.png"), "videotestsrc num-buffers=1 ! pngenc ! {}");
    std::fs::create_dir(path("folder.mp4")).unwrap();
    assert_eq!(refused("empty.mp4").await, "empty");
    assert_eq!(refused("text.mp4").await, "not-media");
    assert_eq!(refused("noise.mp4").await, "not-media");
    assert_eq!(refused("cues.srt").await, "not-media");
    assert_eq!(refused("still.png").await, "not-media");
    assert_eq!(refused("folder.mp4").await, "unreadable");
    assert_eq!(refused("absent.mp4").await, "unreadable");
}

#[tokio::test]
async fn playlists_are_not_followed() {
    // Given a server that would notice, and playlists that point at it.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = format!("http://{}/part.ts", server.local_addr().unwrap());
    let folder = tempdir().unwrap();
    let file = folder.path().join("film.mp4");
    for playlist in [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n"),
        format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>{address}</BaseURL></MPD>\n"
        ),
        format!("{address}\n"),
    ] {
        std::fs::write(&file, &playlist).unwrap();
        assert_eq!(code(media().probe(&file).await), "not-media", "{playlist}");
        assert!(server.accept().is_err(), "nobody called");
    }
}

#[tokio::test]
async fn a_file_without_the_right_to_read_is_refused() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("secret.wav");
    make(&file, &format!("{SOUND} ! wavenc ! {{}}"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&file).is_ok() {
        eprintln!("SKIPPED: this user may read everything");
        return;
    }
    assert_eq!(code(media().probe(&file).await), "unreadable");
}

#[tokio::test]
async fn a_truncated_mp4_is_refused_wherever_it_was_cut() {
    let folder = tempdir().unwrap();
    for faststart in [false, true] {
        let whole = folder.path().join("whole.mp4");
        make(
            &whole,
            &format!(
                "mp4mux faststart={faststart} name=m ! {{}} {PICTURE} ! x264enc ! h264parse ! m. {SOUND} ! avenc_aac ! m."
            ),
        );
        let bytes = std::fs::read(&whole).unwrap();
        for share in [2, 50, 95] {
            let cut = folder.path().join("cut.mp4");
            std::fs::write(&cut, &bytes[..bytes.len() * share / 100]).unwrap();
            assert_eq!(code(media().probe(&cut).await), "truncated", "{share} %, faststart {faststart}");
        }
    }
}

#[tokio::test]
async fn damage_anywhere_never_hangs_or_crashes_the_caller() {
    let folder = tempdir().unwrap();
    let whole = folder.path().join("whole.mkv");
    make(&whole, &format!("matroskamux name=m ! {{}} {PICTURE} ! x264enc ! h264parse ! m. {SOUND} ! flacenc ! m."));
    let bytes = std::fs::read(&whole).unwrap();
    for seed in 0..6_usize {
        let mut broken = bytes.clone();
        for hit in 0..40 {
            let at = (seed * 7_919 + hit * 104_729) % broken.len();
            broken[at] ^= 0x5a;
        }
        let file = folder.path().join("broken.mkv");
        std::fs::write(&file, broken).unwrap();
        match media().probe(&file).await {
            Ok(info) => assert!(!info.audio.is_empty() || !info.video.is_empty()),
            Err(EngineError::Rejected { .. }) => {}
            Err(other) => panic!("seed {seed}: {other:?}"),
        }
    }
}

/// How many pictures and sounds were found.
fn all_of(found: Result<MediaInfo, EngineError>) -> (usize, usize) {
    let info = found.unwrap();
    (info.video.len(), info.audio.len())
}

#[tokio::test]
async fn what_is_over_a_limit_is_refused() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.mkv");
    let sound = format!("{SOUND} ! flacenc ! m.");
    make(&file, &format!("matroskamux name=m ! {{}} {PICTURE} ! x264enc ! h264parse ! m. {sound} {sound}"));
    let all = MediaLimits::default();
    assert_eq!(all_of(media_within(MediaLimits { streams_max: 2, ..all }).probe(&file).await), (1, 2));
    for limits in [
        MediaLimits { duration_ms_max: 1_000, ..all },
        MediaLimits { size_bytes_max: 1_000, ..all },
        MediaLimits { pixels_max: 160 * 119, ..all },
        MediaLimits { streams_max: 1, ..all },
    ] {
        assert_eq!(code(media_within(limits).probe(&file).await), "over-limit", "{limits:?}");
    }
}

#[tokio::test]
async fn the_engine_names_its_version() {
    let info = media().describe().await.unwrap();
    assert_eq!((info.name.as_str(), info.licence.as_str()), ("gstreamer", "LGPL-2.1-or-later"));
    assert!(info.version.starts_with("1."), "{}", info.version);
    assert_eq!(separator().describe().await.unwrap().name, "none");
}

#[tokio::test]
async fn a_recording_with_two_streams_of_each_kind() {
    let Some(file) = recording("nasa_13013.mp4") else { return };
    let info = media().probe(&file).await.unwrap();
    assert_eq!(info.video.iter().map(|it| (it.index, it.width)).collect::<Vec<_>>(), [(0, 320), (1, 480)]);
    assert_eq!(info.audio.iter().map(|it| (it.index, it.rate_hz)).collect::<Vec<_>>(), [(0, 8_000), (1, 16_000)]);
    assert_eq!(info.subtitles.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1]);
    assert!(info.audio.iter().all(|it| it.language.as_ref().is_some_and(|tag| tag.as_str() == "en")));
    assert_eq!(info.video[1].frames_per_1000_s, 29_970);
}
