//! Whole dubs, whose results are opened again and measured with other tools than the program's.
//!
//! Not here: bad input, crashes, what a second call re-uses, and provenance.

mod phrases;
mod sources;

use crate::{
    media::{self, Stream},
    support::{User, sample},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Lines of the sample's narration.
const SAMPLE_LINES: usize = 13;
/// How far a line's first sound may be from where the report puts it: a soft consonant, a fade.
const ONSET_TOLERANCE_MS: u64 = 40;

/// The sample, dubbed once for all tests that only look.
struct Dubbed {
    user: User,
    /// What `--json` said.
    document: Value,
    /// The Catalan dub again, without the original sound.
    bare: PathBuf,
}

fn dubbed() -> &'static Dubbed {
    static DUBBED: OnceLock<Dubbed> = OnceLock::new();
    DUBBED.get_or_init(|| {
        let user = User::new();
        let transcript = sample().with_extension("vtt");
        let asked = ["--transcript", transcript.to_str().expect("UTF-8"), "--subtitles", "both", "--keep-original"];
        let document = user.dub(0, sample(), &[&asked[..], &["--to", "es,ca"]].concat());
        // The last --out counts.
        let bare = user.folder().join("bare");
        let (off, out) = (["--to", "ca", "--background", "off"], ["--out", bare.to_str().expect("UTF-8")]);
        let again = std::process::Command::new(env!("CARGO_BIN_EXE_dragoman"))
            .env("DRAGOMAN_DATA_DIR", user.data())
            .args(["dub", "--json"])
            .args(asked)
            .args(off)
            .args(out)
            .arg(sample())
            .output()
            .expect("the program runs");
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        Dubbed { user, document, bare }
    })
}

fn report(folder: &Path, name: &str) -> Value {
    let text = fs::read_to_string(folder.join(name)).expect("the report");
    serde_json::from_str(&text).expect("JSON")
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// Spoken lines of a report: start, end, in order.
fn placed(report: &Value) -> Vec<(u64, u64)> {
    let lines = report["lines"].as_array().expect("lines").iter().filter(|line| !line["start_ms"].is_null());
    let mut placed: Vec<_> = lines
        .map(|line| (number(&line["start_ms"]), number(&line["start_ms"]) + number(&line["duration_ms"])))
        .collect();
    placed.sort();
    placed
}

/// The translations of a track, line by line, as the events tell them.
fn translations(user: &User, job: &Value, language: &str) -> BTreeMap<u64, (String, String)> {
    let events = user.events(job.as_str().expect("a job"));
    let of_track = events.iter().filter(|event| {
        event["event_type"] == "UtteranceTranslated"
            && event["stream"].as_str().is_some_and(|stream| stream.ends_with(&format!("-{language}")))
    });
    let text = |value: &Value| value["$personal"].as_str().expect("a revealed text").to_owned();
    of_track
        .map(|event| &event["data"])
        .map(|line| (number(&line["utterance"]), (text(&line["text"]), text(&line["spoken"]))))
        .collect()
}

/// The subtitles hold every word of every line in order, do not overlap, and say the same in both files.
fn assert_subtitles_hold(folder: &Path, stem: &str, lines: &BTreeMap<u64, (String, String)>) {
    let srt = media::cues(&folder.join(format!("{stem}.srt")));
    let vtt = media::cues(&folder.join(format!("{stem}.vtt")));
    let plain = |cues: &[media::Cue]| -> Vec<media::Cue> {
        let unescaped = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        cues.iter().map(|(from, to, text)| (*from, *to, unescaped(text))).collect()
    };
    assert_eq!(srt, plain(&vtt));
    assert!(srt.iter().all(|(from, to, _)| from < to), "{srt:?}");
    assert!(srt.windows(2).all(|pair| pair[0].1 <= pair[1].0), "subtitles overlap: {srt:?}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let shown: Vec<String> = srt.iter().flat_map(|(.., text)| words(text)).collect();
    let told: Vec<String> = lines.values().flat_map(|(text, _)| words(text)).collect();
    assert_eq!(shown, told);
}

#[test]
fn the_json_document_has_the_promised_shape() {
    let Dubbed { user, document, .. } = dubbed();
    let top = ["job", "outputs", "source", "stages", "state", "timing", "warnings"];
    assert_eq!(keys(document), BTreeSet::from(top));
    assert_eq!(document["state"], "completed");
    assert_eq!(document["source"]["name"], "sample.mp4");
    assert_eq!(document["source"]["sha256"], media::sha256sum(sample()));
    let outputs = document["outputs"].as_array().expect("outputs");
    let languages: BTreeSet<&str> = outputs.iter().filter_map(|output| output["language"].as_str()).collect();
    assert_eq!(languages, BTreeSet::from(["ca", "es"]));
    for output in outputs {
        assert_eq!(keys(output), BTreeSet::from(["language", "report", "srt", "state", "video", "vtt"]));
        assert_eq!(output["state"], "completed");
        let language = output["language"].as_str().expect("a language");
        for (what, ending) in [("video", "mp4"), ("srt", "srt"), ("vtt", "vtt"), ("report", "report.json")] {
            let promised = user.out().join(format!("sample.{language}.{ending}"));
            assert_eq!(output[what].as_str(), promised.to_str());
            assert!(promised.is_file(), "{}", promised.display());
        }
    }
    for stage in document["stages"].as_array().expect("stages") {
        let known = keys(stage);
        assert!(known.is_superset(&BTreeSet::from(["engine", "reused", "stage", "wall_ms"])), "{stage}");
        assert!(stage["wall_ms"].is_u64() && stage["reused"] == false && stage["engine"].is_string(), "{stage}");
    }
    let stages = |language: Option<&str>| {
        let all = document["stages"].as_array().expect("stages").iter();
        all.filter(|stage| stage["language"].as_str() == language).count()
    };
    assert_eq!((stages(None), stages(Some("es")), stages(Some("ca"))), (4, 11, 11));
    assert!(document["warnings"].as_array().is_some_and(|warnings| warnings.iter().all(Value::is_string)));
    let made =
        ["ca", "es"].map(|language| ["mp4", "report.json", "srt", "vtt"].map(|end| format!("sample.{language}.{end}")));
    assert_eq!(media::names(&user.out()), made.concat());
}

#[test]
fn the_finished_file_holds_picture_dub_original_and_text() {
    let (source, source_ms) = media::discover(sample());
    for language in ["es", "ca"] {
        let file = dubbed().user.out().join(format!("sample.{language}.mp4"));
        let (streams, duration_ms) = media::discover(&file);
        let kinds: Vec<&str> = streams.iter().map(|stream| stream.kind.as_str()).collect();
        assert_eq!(kinds, ["video", "audio", "audio", "subtitles"]);
        let code = if language == "es" { "spa" } else { "cat" };
        assert_eq!(media::track_languages(&file)[1..], [code, "eng", code], "dub, original, text");
        let codec = |stream: &Stream| stream.caps.split(',').next().unwrap_or_default().to_owned();
        assert_eq!(codec(&streams[0]), codec(&source[0]));
        assert!(duration_ms.abs_diff(source_ms) <= 50, "{duration_ms} ms for {source_ms} ms");
        for sound in [0, 1] {
            let sound_ms = media::decode(&file, sound).duration_ms();
            assert!(sound_ms.abs_diff(source_ms) <= 50, "sound {sound}: {sound_ms} ms for {source_ms} ms");
        }
    }
}

#[test]
fn the_pictures_packets_are_the_sources_and_moov_comes_first() {
    let source = media::h264_packets(sample(), 0);
    assert!(source.len() > 100_000);
    for language in ["es", "ca"] {
        let file = dubbed().user.out().join(format!("sample.{language}.mp4"));
        assert!(media::h264_packets(&file, 0) == source, "{language}: the picture is not the source's");
        let names: Vec<String> = media::boxes(&file).into_iter().map(|(name, ..)| name).collect();
        let place = |name: &str| names.iter().position(|found| found == name);
        assert!(place("moov").is_some() && place("moov") < place("mdat"), "{names:?}");
        assert_eq!(
            report(&dubbed().user.out(), &format!("sample.{language}.report.json"))["summary"]["video_copied"],
            true
        );
    }
}

#[test]
fn loudness_and_peak_are_as_the_report_says_and_as_promised() {
    let source_lufs = media::decode(sample(), 0).loudness_lufs();
    for (folder, language) in [(dubbed().user.out(), "es"), (dubbed().user.out(), "ca"), (dubbed().bare.clone(), "ca")]
    {
        let sound = media::decode(&folder.join(format!("sample.{language}.mp4")), 0);
        let (lufs, peak_db) = (sound.loudness_lufs(), sound.true_peak_db());
        let told = &report(&folder, &format!("sample.{language}.report.json"))["sound"];
        let near = |what: &str, measured: f64, by: f64| {
            let told = told[what].as_f64().expect("a level");
            assert!((told - measured).abs() <= by, "{language}: {what} is {measured:.2}, told {told:.2}");
        };
        near("loudness_in_lufs", source_lufs, 0.3);
        near("loudness_out_lufs", lufs, 0.3);
        near("true_peak_out_dbtp", peak_db, 0.5);
        assert!(peak_db <= -0.95, "{language}: {peak_db:.2} dBTP");
        let is_reached = (lufs - source_lufs).abs() <= 1.0;
        assert!(is_reached || told["loudness_reached"] == false, "{language}: {lufs:.2} for {source_lufs:.2} LUFS");
    }
}

#[test]
fn the_original_sound_is_kept_as_second_track() {
    let file = dubbed().user.out().join("sample.es.mp4");
    let (original, kept) = (media::decode(sample(), 0), media::decode(&file, 1));
    // In the midst of the second line; loudness may differ, since it is raised or lowered as a whole.
    let likeness = media::likeness(&original.mono(5_000, 8_000), &kept.mono(5_000, 8_000), original.rate_hz);
    assert!(likeness > 0.98, "{likeness}");
}

#[test]
fn lines_sound_where_the_report_says_and_never_two_at_once() {
    let report = report(&dubbed().bare, "sample.ca.report.json");
    let sound = media::decode(&dubbed().bare.join("sample.ca.mp4"), 0);
    let lines = placed(&report);
    assert_eq!(lines.len(), SAMPLE_LINES);
    let mut silent_from_ms = 0;
    for (start_ms, end_ms) in &lines {
        assert!(*start_ms >= silent_from_ms, "a line begins at {start_ms} ms while another one sounds");
        // The encoder smears a few milliseconds around each edge.
        let quiet = (silent_from_ms + ONSET_TOLERANCE_MS).min(*start_ms);
        let onset_ms = sound.onset_ms(quiet, *end_ms).expect("a line that sounds");
        assert!(
            onset_ms.abs_diff(*start_ms) <= ONSET_TOLERANCE_MS,
            "a line told at {start_ms} ms sounds at {onset_ms} ms"
        );
        assert!(sound.level_db(*start_ms, *end_ms) > -35.0);
        silent_from_ms = *end_ms;
    }
    assert_eq!(report["summary"]["overlaps"], 0);
}

#[test]
fn two_speakers_have_two_voices_and_their_names_are_never_said() {
    let Dubbed { user, document, .. } = dubbed();
    for language in ["es", "ca"] {
        let report = report(&user.out(), &format!("sample.{language}.report.json"));
        let mut voices: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for line in report["lines"].as_array().expect("lines") {
            let (speaker, voice) = (line["speaker"].as_str(), line["voice"].as_str());
            voices.entry(speaker.expect("a speaker")).or_default().insert(voice.expect("a voice"));
        }
        assert_eq!(voices.len(), 2);
        assert!(voices.values().all(|own| own.len() == 1), "{voices:?}");
        assert_eq!(voices.values().flatten().collect::<BTreeSet<_>>().len(), 2, "{voices:?}");
        let translations = translations(user, &document["job"], language);
        assert_eq!(translations.len(), SAMPLE_LINES);
        for (text, spoken) in translations.values() {
            assert!(!text.is_empty() && text == spoken);
            assert!(!["Ann", "Bob"].iter().any(|name| text.contains(name)), "{text}");
        }
        assert_subtitles_hold(&user.out(), &format!("sample.{language}"), &translations);
    }
}
