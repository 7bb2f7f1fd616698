//! Options that make no sense, and languages that nothing here can do.

use super::{file, refuses, rejects, still_works};
use crate::support::{User, clip, clip_transcript};

fn clip_path() -> &'static str {
    clip().to_str().expect("UTF-8")
}

#[test]
fn options_are_checked_before_anything_is_begun() {
    let user = User::new();
    let cases: &[(i32, &[&str], &[&str])] = &[
        (2, &["--to", "klingon"], &["klingon", "not a language tag", "pt-BR"]),
        (2, &["--to", "e"], &["“e”", "not a language tag"]),
        (2, &["--to", ""], &["not a language tag"]),
        (2, &["--to", "en"], &["en is the language spoken already", "--from"]),
        (2, &["--to", "es,en-GB"], &["en-GB is the language spoken already"]),
        (2, &[], &["--to"]),
        (2, &["--to", "es", "--voice", "Ann"], &["SPEAKER=VOICE"]),
        (2, &["--to", "es", "--audio-stream", "-1"], &["-1", "--audio-stream"]),
        (2, &["--to", "es", "--background", "loud"], &["loud", "duck"]),
        (2, &["--to", "es", "--frob"], &["--frob"]),
        (2, &["--to", "es", "--signing-cert", "c.pem"], &["--signing-key"]),
        (3, &["--to", "es", "--signing-cert", "c.pem", "--signing-key", "k.pem"], &["c.pem", "no such file"]),
        (2, &["--to", "es", "--out", "a-file"], &["--out", "a-file", "not a folder"]),
        (2, &["--to", "es", "--out", "a-file/below"], &["a-file/below", "not a folder", "--out"]),
    ];
    file(&user, "a-file", "x");
    for (code, options, words) in cases {
        let args = ["dub", "--json", clip_path()].into_iter().chain(options.iter().copied());
        refuses(&user, *code, args, words);
    }
    assert!(!user.data().exists(), "nothing was begun");
}

#[test]
fn what_no_engine_can_do_is_said_before_there_is_a_job() {
    let user = User::new();
    file(&user, "garbage.pem", "no certificate");
    let cases: &[(i32, &[&str], &[&str])] = &[
        (4, &["--to", "es", "--from", "ca"], &["no recogniser for ca", "--transcript"]),
        (4, &["--to", "xx"], &["no voice for xx", "dragoman voices"]),
        (4, &["--to", "ja"], &["no translation from en to ja", "another language"]),
        (4, &["--to", "es,ja"], &["no translation from en to ja"]),
        (2, &["--to", "es", "--voice", "Ann=nobody"], &["no voice “nobody”", "dragoman voices"]),
        (2, &["--to", "es", "--voice", "Ann=ca"], &["“ca” does not speak es", "dragoman voices"]),
        (3, &["--to", "es", "--signing-cert", "garbage.pem", "--signing-key", "garbage.pem"], &["certificate"]),
    ];
    for (code, options, words) in cases {
        let args = ["dub", "--json", clip_path()].into_iter().chain(options.iter().copied());
        refuses(&user, *code, args, words);
    }
    let jobs = user.expect(0, ["jobs", "--json"]).json();
    assert_eq!(jobs, serde_json::json!([]), "there is no job");
}

#[test]
fn a_sound_that_is_not_there_rejects_the_source() {
    let user = User::new();
    rejects(&user, clip(), &["--audio-stream", "99"], "no-such-stream", &["no audio stream 99", "only one"]);
    still_works(&user);
}

#[test]
fn a_language_named_twice_is_made_once() {
    let user = User::new();
    let transcript = clip_transcript().to_str().expect("UTF-8");
    let document = user.dub(0, clip(), &["--to", "es,es", "--transcript", transcript]);
    assert_eq!(document["outputs"].as_array().map(Vec::len), Some(1), "{document}");
}

#[test]
fn other_commands_refuse_what_is_not_there() {
    let user = User::new();
    refuses(&user, 2, ["resume"], &["no jobs", "dragoman dub"]);
    refuses(&user, 2, ["job", "show", "x"], &["no jobs", "dragoman dub"]);
    refuses(&user, 2, ["job", "events", "x", "--json"], &["no jobs"]);
    refuses(&user, 2, ["log", "verify"], &["no jobs"]);
    refuses(&user, 3, ["verify", "no.mp4"], &["no such file"]);
    refuses(&user, 3, ["verify", "."], &["is a folder"]);
    refuses(&user, 4, ["voices", "xx"], &["no voice for xx"]);
    assert!(!user.data().exists(), "looking makes nothing");
}
