//! Transcripts and glossaries with mistakes: the line is named.

use super::{file, refuses, rejects, still_works};
use crate::support::{User, clip};

#[track_caller]
fn check(option: &str, name: &str, content: &[u8], words: &[&str]) {
    let user = User::new();
    file(&user, name, content);
    let clip = clip().to_str().expect("UTF-8");
    refuses(&user, 3, ["dub", "--json", "--to", "es", option, name, clip], &[&[name], words].concat());
    assert!(!user.data().exists(), "nothing was begun");
}

#[test]
fn a_malformed_transcript_names_its_line() {
    let check = |name, content: &[u8], words: &[&str]| check("--transcript", name, content, words);
    check("backwards.srt", b"1\n00:00:01,000 --> 00:00:00,500\nHello\n", &["line 2", "ends before it starts"]);
    check("arrow.srt", b"1\n00:00:01,000 -> 00:00:02,000\nHello\n", &["line", "-->"]);
    check("prose.srt", b"Hello there.\n", &["line 1", "-->"]);
    check("time.vtt", b"WEBVTT\n\n00:01 --> 0x:02\nHello\n", &["line 3", "time"]);
    check("bytes.srt", b"\xfe\xfd\x01\x02", &["UTF-8"]);
    check("heading.vtt", b"WEBVTT\n", &["no line"]);
    check("nothing.srt", b"", &["empty"]);
}

#[test]
fn a_bad_row_of_a_glossary_is_named() {
    let check = |name, content: &[u8], words: &[&str]| check("--glossary", name, content, words);
    check("short.csv", b"source,target\nriver,rio\nonly\n", &["line 3", "source,target"]);
    check("blank.csv", b"source,target\n,rio\n", &["line 2", "empty source"]);
    check("twice.csv", b"river,rio\nriver,torrente\n", &["line 2", "line 1"]);
    check("bytes.csv", b"river,r\xedo\n", &["line 1", "UTF-8"]);
    check("nothing.csv", b"", &["empty"]);
}

#[test]
fn a_source_without_text_has_no_embedded_transcript() {
    let user = User::new();
    rejects(&user, clip(), &["--transcript", "embedded"], "no-subtitles", &["--transcript"]);
    still_works(&user);
}
