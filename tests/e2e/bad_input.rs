//! What a user can do wrong, and what can go wrong around the program: each time one clear sentence that says what
//! to do, the right exit code, events where there is a job, nothing half-written, and a data folder that goes on
//! working.
//!
//! Not here: crashes of the program itself.

mod data_folder;
mod machine;
mod options;
mod output;
mod sources;
mod texts;

use crate::support::{Said, User, clip, clip_transcript};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Standard error holds one sentence with all these words, and progress besides.
#[track_caller]
fn complains(said: &Said, words: &[&str]) {
    let stderr = &said.stderr;
    let is_progress = |line: &&str| line.starts_with("      ") || line.starts_with('[');
    let lines: Vec<&str> = stderr.lines().filter(|line| !is_progress(line)).collect();
    let [sentence] = lines.as_slice() else { panic!("one sentence is expected:\n{stderr}") };
    let sentence = sentence.strip_prefix("dragoman: ").unwrap_or_else(|| panic!("{stderr}"));
    for word in words {
        assert!(sentence.contains(word), "“{word}” is missing: {sentence}");
    }
    for noise in ["panicked", "os error", "(code:", "Some(", "Error {"] {
        assert!(!sentence.contains(noise), "no user understands “{noise}”: {sentence}");
    }
}

/// The command ends with this code and this sentence, says nothing on standard output, and leaves no result.
#[track_caller]
fn refuses<A: AsRef<OsStr>>(user: &User, code: i32, args: impl IntoIterator<Item = A>, words: &[&str]) {
    let said = user.expect(code, args);
    complains(&said, words);
    assert_eq!(said.stdout, "");
    assert!(!user.out().exists(), "a command that is refused makes no folder");
}

/// A source that becomes a job is rejected: sentence, document, events.
#[track_caller]
fn rejects(user: &User, source: &Path, more: &[&str], code: &str, words: &[&str]) {
    let out = user.out();
    let mut args = vec![OsStr::new("dub"), OsStr::new("--json"), OsStr::new("--out"), out.as_os_str()];
    args.extend(["--to", "es"].iter().chain(more).map(OsStr::new));
    args.extend([OsStr::new("--"), source.as_os_str()]);
    let said = user.expect(3, args);
    complains(&said, words);
    let document = said.json();
    assert_eq!((&document["state"], &document["problem"]["code"]), (&"failed".into(), &code.into()), "{document}");
    let types = event_types(user, &document);
    for event_type in ["SourceRejected", "VideoGenerationFailed"] {
        assert_eq!(types.iter().filter(|its| *its == event_type).count(), 1, "{event_type} in {types:?}");
    }
    assert!(!out.exists(), "there is no result, so there is no folder for it");
    leaves_nothing(user);
}

fn event_types(user: &User, document: &Value) -> Vec<String> {
    let events = user.events(document["job"].as_str().expect("a job"));
    events.iter().filter_map(|event| event["event_type"].as_str().map(str::to_owned)).collect()
}

/// No scratch, no half-written file in the data folder or among the results.
#[track_caller]
fn leaves_nothing(user: &User) {
    for folder in [user.data().join("scratch"), user.data().join("tmp")] {
        assert_eq!(names_in(&folder), Vec::<String>::new(), "{}", folder.display());
    }
    for folder in [user.folder().to_owned(), user.out()] {
        let parts: Vec<_> = names_in(&folder).into_iter().filter(|name| name.ends_with(".part")).collect();
        assert_eq!(parts, Vec::<String>::new());
    }
}

/// Names in a folder, which need not be there.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).map(Iterator::flatten).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The data folder is whole, and a good dub works in it.
#[track_caller]
fn still_works(user: &User) {
    user.log_is_clean();
    let transcript = clip_transcript().to_str().expect("UTF-8");
    let document = user.dub(0, clip(), &["--to", "es", "--force", "--transcript", transcript]);
    assert_eq!(document["state"], "completed", "{document}");
    user.log_is_clean();
    leaves_nothing(user);
}

/// A file with this content in the user's folder.
fn file(user: &User, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = user.folder().join(name);
    fs::write(&path, content).expect("written");
    path
}
