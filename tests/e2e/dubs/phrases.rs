//! Phrases that stay, and terms that the user has fixed.

use super::{assert_subtitles_hold, report, translations};
use crate::{
    media,
    support::{User, clip, clip_transcript},
};
use std::fs;

#[test]
fn a_kept_phrase_is_heard_in_the_original_and_shown() {
    let user = User::new();
    let transcript = clip_transcript().to_str().expect("UTF-8");
    let asked = ["--from", "en", "--to", "es", "--transcript", transcript, "--background", "off"];
    let kept = ["--keep-phrase", "nobody said a word", "--keep-phrase", "and cold"];
    let document = user.dub(0, clip(), &[&asked[..], &kept].concat());
    let lines = translations(&user, &document["job"], "es");
    assert!(lines[&1].0.ends_with("and cold.") && !lines[&1].1.contains("cold"), "{:?}", lines[&1]);
    assert_eq!(lines[&3], ("Nobody said a word.".to_owned(), String::new()));
    assert_subtitles_hold(&user.out(), "clip.es", &lines);
    let report = report(&user.out(), "clip.es.report.json");
    assert_eq!((&report["summary"]["spoken"], &report["summary"]["kept"]), (&2.into(), &2.into()));
    // The phrase alone is heard, from the beginning of its line to the end.
    let line = &report["lines"][2];
    assert!(line["start_ms"].is_null(), "{line}");
    assert_eq!(line["kept"], serde_json::json!([line["slot"]]));
    let (original, dub) = (media::decode(clip(), 0), media::decode(&user.out().join("clip.es.mp4"), 0));
    let original = resampled(&original);
    let likeness = media::likeness(&original.mono(4_200, 5_100), &dub.mono(4_200, 5_100), dub.rate_hz);
    assert!(likeness > 0.9, "{likeness}");
    // Where a line is dubbed, the original is not heard.
    let likeness = media::likeness(&original.mono(2_200, 3_700), &dub.mono(2_200, 3_700), dub.rate_hz);
    assert!(likeness < 0.5, "{likeness}");
}

/// The same sound at three times as many samples per second (16 → 48 kHz), where it is not that already.
fn resampled(sound: &media::Sound) -> media::Sound {
    let factor = (48_000 / sound.rate_hz) as usize;
    let mono = sound.mono(0, sound.duration_ms());
    let frames = mono.windows(2).flat_map(|pair| {
        (0..factor).map(|step| pair[0] + (pair[1] - pair[0]) * step as f32 / factor as f32).collect::<Vec<_>>()
    });
    media::Sound { rate_hz: 48_000, channels: 1, samples: frames.collect() }
}

#[test]
fn terms_of_the_glossary_are_applied_and_verified() {
    let user = User::new();
    let glossary = user.folder().join("terms.csv");
    let transcript = clip_transcript().to_str().expect("UTF-8");
    let asked = ["--from", "en", "--to", "es", "--transcript", transcript, "--glossary"];
    fs::write(&glossary, "source,target\nboat,barcaza\nnot said,no dicho\n").expect("a glossary");
    let with = [&asked[..], &[glossary.to_str().expect("UTF-8")]].concat();
    let document = user.dub(0, clip(), &with);
    let lines = translations(&user, &document["job"], "es");
    assert!(lines[&2].0.contains("barcaza") && lines[&2].1.contains("barcaza"), "{:?}", lines[&2]);
    let summary = &report(&user.out(), "clip.es.report.json")["summary"];
    assert_eq!((&summary["glossary_terms"], &summary["glossary_hits"]), (&1.into(), &1.into()));
    // The phrase is wanted in the original and in translation: a person must decide.
    let document = user.dub(5, clip(), &[&with[..], &["--keep-phrase", "small boat"]].concat());
    assert_eq!(document["state"], "needs_attention");
    let report = report(&user.out(), "clip.es.report.json");
    assert_eq!((&report["summary"]["glossary_terms"], &report["summary"]["glossary_hits"]), (&1.into(), &0.into()));
    assert_eq!(report["lines"][1]["flags"], serde_json::json!(["missing-term"]));
    assert_eq!(report["summary"]["lines_to_attend"], 1);
}
