//! How the program talks: one document and nothing else on standard output, colours only on a terminal, and readers
//! that go away or cannot keep what they are given.

use super::complains;
use crate::support::{Said, User, clip};
use std::{
    fs::File,
    process::{Command, Stdio},
};

const COMMANDS: [&[&str]; 21] = [
    &["dub"],
    &["serve"],
    &["resume"],
    &["jobs"],
    &["job", "show"],
    &["job", "events"],
    &["verify"],
    &["log", "verify"],
    &["engines"],
    &["voices"],
    &["config", "show"],
    &["config", "check"],
    &["doctor"],
    &["bench", "api"],
    &["bench", "log"],
    &["log", "copy"],
    &["log", "archive"],
    &["migrate"],
    &["projection", "rebuild"],
    &["projection", "swap"],
    &["completions"],
];

#[test]
fn every_command_explains_itself() {
    let user = User::new();
    for command in COMMANDS {
        let said = user.expect(0, command.iter().copied().chain(["--help"]));
        assert!(said.stdout.contains("Usage: dragoman") && said.stderr.is_empty(), "{command:?}: {}", said.stdout);
        let summary = said.stdout.lines().next().unwrap_or_default();
        assert!(summary.len() > 10, "{command:?} says what it is for: {summary}");
    }
    let said = user.expect(0, ["--help"]);
    for words in ["Exit codes: 0 done", "4 an engine is missing", "130 interrupted"] {
        assert!(said.stdout.contains(words), "{words}");
    }
    let nothing = user.expect(2, Vec::<&str>::new());
    assert_eq!((&*nothing.stdout, nothing.stderr), ("", said.stdout), "who says nothing is told everything");
    let said = user.expect(2, ["--config", "dragoman.toml"]);
    complains(&said, &["requires a subcommand", "dragoman --help"]);
    assert!(!said.stderr.contains("internal"), "{}", said.stderr);
}

#[test]
fn completions_are_scripts_that_shells_take() {
    let user = User::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = user.expect(0, ["completions", shell]);
        assert!(said.stdout.contains("keep-phrase"), "{shell}");
    }
    let script = user.expect(0, ["completions", "bash"]).stdout;
    let check = "source /dev/stdin; complete -p dragoman";
    let mut bash =
        Command::new("bash").args(["-c", check]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash");
    std::io::Write::write_all(&mut bash.stdin.take().expect("its input"), script.as_bytes()).expect("written");
    let said = Said::from(bash.wait_with_output().expect("it ends"));
    assert!(said.code == 0 && said.stdout.contains("dragoman"), "{} {}", said.stdout, said.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let user = User::new();
    for args in [&["completions", "bash"][..], &["voices"], &["--help"]] {
        let mut child = user.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let said = Said::from(child.wait_with_output().expect("it ends"));
        assert_eq!((said.code, &*said.stderr), (0, ""), "{args:?}");
    }
}

#[test]
fn what_could_not_be_written_is_said() {
    let user = User::new();
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let said = Said::from(user.command(["voices"]).stdout(full).output().expect("it runs"));
    assert_eq!(said.code, 1);
    complains(&said, &["standard output cannot be written"]);
}

#[test]
fn colours_and_bars_are_for_terminals_only() {
    let user = User::new();
    let transcript = super::clip_transcript().to_str().expect("UTF-8");
    let source = clip().to_str().expect("UTF-8");
    let said = user.expect(0, ["dub", source, "--to", "es", "--out", "out", "--transcript", transcript]);
    assert!(!said.stdout.contains('\u{1b}') && !said.stderr.contains('\u{1b}'), "{}", said.stderr);
    assert!(said.stderr.lines().any(|line| line.starts_with("[es]  synthesise")), "plain lines: {}", said.stderr);
    // The same on a terminal, as script(1) makes one.
    let program = env!("CARGO_BIN_EXE_dragoman");
    let again = format!("'{program}' dub '{source}' --to ca --out out --transcript '{transcript}'");
    let mut script = Command::new("script");
    script.args(["-qec", &again, "/dev/null"]).current_dir(user.folder()).stdin(Stdio::null());
    let Ok(output) = script.env("TERM", "xterm").env("DRAGOMAN_DATA_DIR", user.data()).output() else {
        return eprintln!("SKIPPED: script(1), which makes a terminal, is not here");
    };
    let said = Said::from(output);
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(said.stdout.contains("\u{1b}[1mJob"), "{}", said.stdout);
}
