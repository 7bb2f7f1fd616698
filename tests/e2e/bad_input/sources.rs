//! Files that cannot be dubbed, and odd ones that can.

use super::{complains, file, leaves_nothing, refuses, rejects, still_works};
use crate::support::{User, clip, clip_transcript, gst};
use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const PICTURE: &str = "videotestsrc pattern=ball num-buffers=100 ! video/x-raw,width=160,height=90,framerate=25/1";

/// Makes media in the user's folder. `{}` stands for `filesink`, and ends a chain.
fn media(user: &User, name: &str, pipeline: &str) -> PathBuf {
    let path = user.folder().join(name);
    let location = format!("location={}", path.display());
    let words = pipeline.split_whitespace();
    let words: Vec<&str> =
        words.flat_map(|word| if word == "{}" { vec!["filesink", &location] } else { vec![word] }).collect();
    gst(&words);
    path
}

fn cut(user: &User, name: &str, source: &Path, percent: usize) -> PathBuf {
    let bytes = fs::read(source).expect("the clip");
    file(user, name, &bytes[..bytes.len() * percent / 100])
}

#[test]
fn what_is_no_media_is_said_to_be_none() {
    let user = User::new();
    let not_media = ["not a video", "MP4"];
    let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    rejects(&user, &file(&user, "text.mp4", "this is a text"), &[], "not-media", &not_media);
    rejects(&user, &file(&user, "noise.mp4", noise), &[], "not-media", &not_media);
    let still = media(&user, "still.mp4", "videotestsrc num-buffers=1 ! jpegenc ! {}");
    rejects(&user, &still, &[], "empty", &["still picture", "film"]);
    let zeros = user.folder().join("zeros.mp4");
    File::create(&zeros).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    rejects(&user, &zeros, &[], "not-media", &not_media);
    refuses(&user, 3, ["dub", "--to", "es", file(&user, "empty.mp4", "").to_str().expect("UTF-8")], &["is empty"]);
    still_works(&user);
}

#[test]
fn a_cut_off_file_is_incomplete_wherever_its_index_is() {
    let user = User::new();
    let index_first = media(
        &user,
        "first.mp4",
        &format!(
            "mp4mux name=m faststart=true ! {{}} {PICTURE} ! x264enc ! h264parse ! queue ! m. \
            audiotestsrc num-buffers=170 ! avenc_aac ! queue ! m."
        ),
    );
    for (name, source) in [("first", index_first.as_path()), ("last", clip())] {
        for percent in [30, 90] {
            let cut = cut(&user, &format!("{name}-{percent}.mp4"), source, percent);
            rejects(&user, &cut, &[], "truncated", &["incomplete", "again"]);
        }
    }
    still_works(&user);
}

#[test]
fn what_holds_no_sound_or_nothing_at_all_is_rejected() {
    let user = User::new();
    let mute = media(&user, "mute.mp4", &format!("{PICTURE} ! x264enc ! mp4mux ! {{}}"));
    rejects(&user, &mute, &[], "no-audio", &["no sound"]);
    let full = media(&user, "full.webm", "audiotestsrc num-buffers=50 ! vorbisenc ! webmmux streamable=true ! {}");
    let bytes = fs::read(full).expect("made");
    let cluster = bytes.windows(4).position(|four| four == [0x1f, 0x43, 0xb6, 0x75]).expect("a cluster");
    let headers = file(&user, "headers.webm", &bytes[..cluster]);
    rejects(&user, &headers, &[], "empty", &["only the headers"]);
    still_works(&user);
}

#[test]
fn what_is_beyond_a_configured_limit_is_rejected() {
    let user = User::new();
    let config = file(&user, "short.toml", "[limits]\nsource_duration_max = \"2s\"\n");
    let config = config.to_str().expect("UTF-8");
    rejects(&user, clip(), &["--config", config], "over-limit", &["over 2 seconds", "parts"]);
    still_works(&user);
}

#[test]
fn a_film_in_which_nobody_speaks_is_rejected() {
    let user = User::new();
    let tone = |hz: &str, wave: &str| format!("audiotestsrc num-buffers=170 freq={hz} wave={wave} volume=0.15 ! mix.");
    let chord = format!(
        "audiomixer name=mix ! audioconvert ! avenc_aac ! queue ! m. {} {} {}",
        tone("262", "sine"),
        tone("330", "triangle"),
        tone("392", "saw")
    );
    let plain = |wave: &str| format!("audiotestsrc num-buffers=170 wave={wave} volume=0.3 ! avenc_aac ! queue ! m.");
    let tracks = [
        ("chord", chord),
        ("noise", plain("pink-noise")),
        ("hiss", plain("white-noise")),
        ("silence", plain("silence")),
        ("ticks", plain("ticks")),
    ];
    for (name, sound) in tracks {
        let film = format!("mp4mux name=m ! {{}} {PICTURE} ! x264enc ! h264parse ! queue ! m. {sound}");
        let film = media(&user, &format!("{name}.mp4"), &film);
        rejects(&user, &film, &[], "no-speech", &["no speech", "--transcript"]);
    }
    rejects(&user, &melody(&user), &[], "no-speech", &["no speech", "--transcript"]);
    still_works(&user);
}

/// Six seconds of plucked notes with overtones over a bass, as a film's music.
fn melody(user: &User) -> PathBuf {
    let notes = [262, 330, 392, 523, 440, 349, 294, 494];
    let sample = |at: u32| {
        let (note, t) = (f64::from(notes[(at / 4_000 % 8) as usize]), f64::from(at % 4_000) / 16_000.0);
        let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
        let plucked: f64 = (1..=4).map(|n| tone(note * f64::from(n)) / f64::from(n)).sum::<f64>() * (-3.0 * t).exp();
        ((0.2 * plucked + 0.15 * tone(note / 2.0)) * 32_000.0) as i16
    };
    let path = user.folder().join("melody.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&path, spec).expect("a WAV");
    (0..96_000).for_each(|at| wav.write_sample(sample(at)).expect("written"));
    wav.finalize().expect("complete");
    path
}

#[test]
fn an_attached_picture_is_no_film() {
    let user = User::new();
    let cover = media(&user, "cover.jpg", "videotestsrc num-buffers=1 ! video/x-raw,width=64,height=64 ! jpegenc ! {}");
    let transcript = clip_transcript().to_str().expect("UTF-8");
    for (name, codec) in [("cover.m4a", "aac"), ("cover.mp3", "libmp3lame")] {
        let source = user.folder().join(name);
        let mut make = Command::new("ffmpeg");
        make.args(["-v", "error", "-i"]).arg(clip()).arg("-i").arg(&cover);
        make.args(["-map", "0:a", "-map", "1", "-c:a", codec, "-c:v", "copy", "-disposition:v", "attached_pic"]);
        let Ok(made) = make.arg(&source).status() else {
            eprintln!("SKIPPED: ffmpeg, which attaches pictures, is not installed");
            return;
        };
        assert!(made.success());
        let document = user.dub(0, &source, &["--to", "es", "--force", "--transcript", transcript]);
        let result = document["outputs"][0]["video"].as_str().expect("a result");
        assert!(result.ends_with("cover.es.m4a"), "{result}");
    }
}

#[test]
fn headers_that_lie_about_size_cost_nothing() {
    let user = User::new();
    // A picture of 100,000 × 100,000 pixels, says the index of an MP4.
    let mut bytes = fs::read(clip()).expect("the clip");
    for marker in [&b"tkhd"[..], b"avc1"] {
        let at = bytes.windows(4).position(|four| four == marker).expect("the box");
        let sizes = if marker == b"avc1" { at + 28 } else { at + 80 };
        bytes[sizes..sizes + 4].copy_from_slice(&if marker == b"avc1" { [0xff; 4] } else { 100_000_u32.to_be_bytes() });
    }
    let film = file(&user, "huge.mp4", bytes);
    let said = user.run([Path::new("dub"), Path::new("--to"), Path::new("es"), Path::new("--out"), &user.out(), &film]);
    assert!([0, 3, 5].contains(&said.code), "it ends in order: {}", said.stderr);
    // A sound of 4 GB, says the head of a WAV of seconds: what is there is what counts.
    let mut bytes = fs::read(melody(&user)).expect("made");
    bytes[4..8].copy_from_slice(&(u32::MAX - 8).to_le_bytes());
    bytes[40..44].copy_from_slice(&(u32::MAX - 256).to_le_bytes());
    rejects_quietly(&user, &file(&user, "long.wav", bytes));
    still_works(&user);
}

#[track_caller]
fn rejects_quietly(user: &User, source: &Path) {
    let said = user.expect(3, [Path::new("dub"), Path::new("--to"), Path::new("es"), source]);
    complains(&said, &[";"]);
    leaves_nothing(user);
}

#[test]
fn names_may_hold_anything_that_is_text() {
    let user = User::new();
    let name = "-weird  'name' \"of\" a ünï ✓.film.mp4";
    let source = user.folder().join(name);
    fs::copy(clip(), &source).expect("copied");
    let transcript = clip_transcript().to_str().expect("UTF-8");
    let out = user.out();
    let args = ["dub", "--to", "es", "--transcript", transcript, "--out", out.to_str().expect("UTF-8"), "--", name];
    user.expect(0, args);
    let stem = name.strip_suffix(".mp4").expect("a film");
    for ending in ["mp4", "srt", "vtt", "report.json"] {
        assert!(out.join(format!("{stem}.es.{ending}")).exists(), "{ending}");
    }
    fs::remove_dir_all(&out).expect("removed");
    refuses(&user, 2, ["dub", "--to", "es", name], &["--"]);
}

#[test]
fn what_is_no_readable_file_is_refused_before_there_is_a_job() {
    let user = User::new();
    refuses(&user, 3, ["dub", "--to", "es", "."], &["is a folder"]);
    refuses(&user, 3, ["dub", "--to", "es", "no.mp4"], &["no.mp4", "no such file"]);
    refuses(&user, 3, ["dub", "--to", "es", "/dev/null"], &["not a regular file"]);
    assert!(!user.data().exists(), "nothing was begun");
}

#[test]
fn a_file_that_may_not_be_read_says_whom_to_ask() {
    let user = User::new();
    // Outside /root, where another user can come.
    let place = tempfile::Builder::new().prefix("dragoman-").tempdir_in("/tmp").expect("a folder");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("open to all");
    let secret = place.path().join("secret.mp4");
    fs::copy(clip(), &secret).expect("copied");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("closed");
    let program = place.path().join("dragoman");
    fs::copy(env!("CARGO_BIN_EXE_dragoman"), &program).expect("copied");
    let mut run = if File::open(&secret).is_ok() {
        let mut run = Command::new("setpriv");
        run.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        run
    } else {
        Command::new(&program)
    };
    let run = run.args(["dub", "--to", "es"]).arg(&secret).env("DRAGOMAN_DATA_DIR", place.path().join("data")).output();
    let Ok(output) = run else {
        eprintln!("SKIPPED: setpriv is not here, and this user may read everything");
        return;
    };
    let said = crate::support::Said::from(output);
    assert_eq!(said.code, 3, "{}", said.stderr);
    complains(&said, &["you may not read it", "chmod"]);
    drop(user);
}
