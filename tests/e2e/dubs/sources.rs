//! What can be dubbed: containers, sounds, streams, names; with a transcript and without.

use super::{assert_subtitles_hold, keys, number, placed, report, translations};
use crate::{
    media,
    support::{User, clip, clip_transcript, gst, recording},
};
use serde_json::Value;
use std::{fs, path::Path};

fn warns(document: &Value, what: &str) -> bool {
    let warnings = document["warnings"].as_array().expect("warnings");
    warnings.iter().any(|warning| warning.as_str().is_some_and(|warning| warning.contains(what)))
}

fn with_clip_transcript<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--from", "en", "--transcript", clip_transcript().to_str().expect("UTF-8")], more].concat()
}

#[test]
fn speech_is_recognised_where_no_transcript_is_given() {
    let user = User::new();
    let said = user.run(["dub", "--json", "--out", "out", "--to", "es", clip().to_str().expect("UTF-8")]);
    assert!([0, 5].contains(&said.code), "{}", said.stderr);
    let document = said.json();
    assert!(warns(&document, "English was assumed"), "{}", document["warnings"]);
    assert_eq!(document["source"]["language_assumed"], true);
    let lines = translations(&user, &document["job"], "es");
    assert!(!lines.is_empty());
    assert_subtitles_hold(&user.out(), "clip.es", &lines);
    let heard: String = user
        .events(document["job"].as_str().expect("a job"))
        .iter()
        .filter(|event| event["event_type"] == "UtteranceTranscribed")
        .filter_map(|event| event["data"]["text"]["$personal"].as_str().map(str::to_lowercase))
        .collect();
    // A small recogniser mishears some words, but not most of them.
    let known = ["river", "wide", "cold", "crossed", "small", "boat", "nobody", "word"];
    let found = known.iter().filter(|word| heard.contains(**word)).count();
    assert!(found >= 5, "{found} of {} words in: {heard}", known.len());
}

#[test]
fn sound_alone_gives_sound_alone() {
    let user = User::new();
    let (wav, flac) = (clip().with_extension("wav"), user.folder().join("words.flac"));
    gst(&[
        "filesrc",
        &format!("location={}", wav.display()),
        "!",
        "wavparse",
        "!",
        "audioconvert",
        "!",
        "flacenc",
        "!",
        "filesink",
        &format!("location={}", flac.display()),
    ]);
    for (source, name) in [(&wav, "clip.es.m4a"), (&flac, "words.es.m4a")] {
        let document = user.dub(0, source, &with_clip_transcript(&["--to", "es"]));
        let file = user.out().join(name);
        assert_eq!(document["outputs"][0]["video"].as_str(), file.to_str());
        let (streams, duration_ms) = media::discover(&file);
        let found: Vec<_> = streams.iter().map(|stream| (stream.kind.as_str(), stream.language.as_deref())).collect();
        assert_eq!(found, [("audio", Some("es"))]);
        assert!(duration_ms.abs_diff(media::discover(source).1) <= 100, "{duration_ms} ms");
        user.expect(0, [Path::new("verify"), &file]);
    }
}

#[test]
fn a_speech_of_another_time_is_dubbed() {
    let Some(speech) = recording("jfk.flac") else { return };
    let user = User::new();
    let out = user.out();
    let args = ["dub", "--json", "--from", "en", "--to", "es", "--out", out.to_str().expect("UTF-8")];
    let said = user.run(args.into_iter().chain([speech.to_str().expect("UTF-8")]));
    assert!([0, 5].contains(&said.code), "{}", said.stderr);
    let lines = translations(&user, &said.json()["job"], "es");
    assert_subtitles_hold(&out, "jfk.es", &lines);
    let all: String = lines.values().map(|(text, _)| text.to_lowercase()).collect();
    assert!(all.contains("país"), "{all}");
    assert!(out.join("jfk.es.m4a").is_file());
}

#[test]
fn webm_is_encoded_anew_and_says_so() {
    let user = User::new();
    let webm = user.folder().join("clip.webm");
    gst(&[
        "filesrc",
        &format!("location={}", clip().display()),
        "!",
        "decodebin",
        "name=decoded",
        "webmmux",
        "name=mux",
        "!",
        "filesink",
        &format!("location={}", webm.display()),
        "decoded.",
        "!",
        "queue",
        "!",
        "videoconvert",
        "!",
        "vp8enc",
        "deadline=1",
        "!",
        "queue",
        "!",
        "mux.",
        "decoded.",
        "!",
        "queue",
        "!",
        "audioconvert",
        "!",
        "vorbisenc",
        "!",
        "queue",
        "!",
        "mux.",
    ]);
    let document = user.dub(0, &webm, &with_clip_transcript(&["--to", "es"]));
    assert!(warns(&document, "H.264"), "{}", document["warnings"]);
    let file = user.out().join("clip.es.mp4");
    let (streams, duration_ms) = media::discover(&file);
    assert!(streams[0].caps.starts_with("video/x-h264"), "{streams:?}");
    assert!(duration_ms.abs_diff(media::discover(&webm).1) <= 100, "{duration_ms} ms");
    assert_eq!(report(&user.out(), "clip.es.report.json")["summary"]["video_copied"], false);
}

#[test]
fn the_narration_of_nasa_is_dubbed_from_its_own_text_track() {
    let Some(film) = recording("nasa_13013.mp4") else { return };
    let user = User::new();
    let document = user.dub(0, &film, &["--from", "en", "--to", "es", "--transcript", "embedded"]);
    let lines = translations(&user, &document["job"], "es");
    assert_subtitles_hold(&user.out(), "nasa_13013.es", &lines);
    let all: String = lines.values().map(|(text, _)| format!("{text} ")).collect();
    for word in ["Webb", "Goddard", "Greenbelt, Maryland", "observatorio"] {
        assert!(all.contains(word), "no “{word}” in: {all}");
    }
    assert!(!all.contains("NAR"), "{all}");
    let report = report(&user.out(), "nasa_13013.es.report.json");
    assert_eq!(placed(&report).len(), lines.len());
    // The second sound (16 kHz) and the second picture (480×270) are the best ones.
    assert_eq!(ingested(&user, &document)["audio_stream"], 1);
    assert!(media::h264_packets(&user.out().join("nasa_13013.es.mp4"), 0) == media::h264_packets(&film, 1));
    let more = ["--from", "en", "--to", "es", "--transcript", "embedded", "--audio-stream", "0", "--force"];
    let other = user.dub(0, &film, &more);
    assert_ne!(other["job"], document["job"]);
    assert_eq!(ingested(&user, &other)["audio_stream"], 0);
}

fn ingested(user: &User, document: &Value) -> Value {
    let events = user.events(document["job"].as_str().expect("a job"));
    events.into_iter().find(|event| event["event_type"] == "SourceIngested").expect("an ingested source")["data"]
        .clone()
}

#[test]
fn any_name_is_taken_and_given() {
    let user = User::new();
    let folder = user.folder().join("año 1 \"x\" & 'y'");
    fs::create_dir(&folder).expect("a folder");
    let stem = "-it's “März” 50% #1 \"ü\" & 日本\\n $HOME";
    fs::copy(clip(), folder.join(format!("{stem}.mp4"))).expect("a copy");
    let transcript = folder.join("-t;r.vtt");
    fs::copy(clip_transcript(), &transcript).expect("a copy");
    let mut command =
        user.command(["dub", "--json", "--from", "en", "--to", "es,ca", "--transcript", "./-t;r.vtt", "--"]);
    let said: crate::support::Said =
        command.arg(format!("{stem}.mp4")).current_dir(&folder).output().expect("the program runs").into();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let document = said.json();
    assert_eq!(keys(&document["outputs"][0]).len(), 6);
    for output in document["outputs"].as_array().expect("outputs") {
        let language = output["language"].as_str().expect("a language");
        let video = folder.join(format!("{stem}.{language}.mp4"));
        assert_eq!(output["video"].as_str(), video.to_str());
        assert!(number(&document["source"]["duration_ms"]) > 5_000 && video.is_file());
        let cues = media::cues(&folder.join(format!("{stem}.{language}.srt")));
        assert_eq!(cues.len(), 3);
    }
    let verified = user.command(["verify", "--"]).arg(format!("{stem}.es.mp4")).current_dir(&folder).output();
    assert!(verified.expect("the program runs").status.success());
}

#[test]
fn a_language_out_of_reach_names_the_package() {
    let user = User::new();
    let route = std::process::Command::new("apertium").arg("-l").output().expect("apertium runs");
    if String::from_utf8_lossy(&route.stdout).contains("es-pt") {
        eprintln!("SKIPPED: apertium-es-pt is installed, so that Portuguese is within reach");
    } else {
        let said = user.expect(4, ["dub", "--json", "--to", "pt", clip().to_str().expect("UTF-8")]);
        assert!(said.stderr.contains("apertium-es-pt"), "{}", said.stderr);
        assert!(said.stderr.contains("en → es → pt"), "{}", said.stderr);
    }
    let said = user.expect(4, ["dub", "--json", "--to", "ja", clip().to_str().expect("UTF-8")]);
    assert!(said.stderr.contains("ja") && said.stderr.lines().count() == 1, "{}", said.stderr);
    assert_eq!(said.stdout, "");
}
