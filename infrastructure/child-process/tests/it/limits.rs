//! Bounds: what happens to a child that crosses one, and that one within it is left alone.

use crate::{alive_in_group, run, sh, stdout_of, until};
use application::ports::child::{Child, ChildError, ChildLimits};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{fs, time::Duration};

#[tokio::test]
async fn given_output_over_the_cap_then_the_child_is_killed() {
    let limits = ChildLimits { output_bytes: 1 << 20, ..ChildLimits::default() };
    let error = run(Child::new("yes").limits(limits)).await.unwrap_err();
    assert_eq!(error.to_string(), "yes wrote more than 1048576 bytes");
    assert!(matches!(error, ChildError::TooMuchOutput { bytes: 1_048_576, .. }));
}

#[tokio::test]
async fn the_cap_is_the_last_byte_that_is_allowed() {
    for (cap, fits) in [(0, false), (99_999, false), (100_000, true), (100_001, true)] {
        let limits = ChildLimits { output_bytes: cap, ..ChildLimits::default() };
        let result = run(sh("head -c 100000 /dev/zero").limits(limits)).await;
        assert_eq!(result.is_ok(), fits, "cap {cap}");
    }
    let none = ChildLimits { output_bytes: 0, ..ChildLimits::default() };
    run(sh("echo aside >&2").limits(none)).await.unwrap();
}

#[tokio::test]
async fn given_a_child_past_its_wall_time_then_its_whole_group_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let limits = ChildLimits { wall: Duration::from_millis(300), ..ChildLimits::default() };
    let mut child = sh("echo $$ > group; trap '' TERM HUP INT; sleep 300 | sleep 300 & sleep 300").limits(limits);
    child.folder = Some(folder.path().to_owned());
    let error = run(child).await.unwrap_err();
    assert_eq!(error.to_string(), "sh did not finish within 1 s");
    let group = fs::read_to_string(folder.path().join("group")).unwrap().trim().parse().unwrap();
    until("the group is gone", || alive_in_group(group) == 0).await;
}

#[tokio::test]
async fn given_a_child_that_neither_reads_nor_writes_then_its_wall_time_holds_with_input_waiting() {
    let limits = ChildLimits { wall: Duration::from_millis(100), ..ChildLimits::default() };
    let error = run(sh("sleep 300").stdin(vec![0; 1 << 20]).limits(limits)).await.unwrap_err();
    assert!(matches!(error, ChildError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn given_a_memory_limit_then_more_cannot_be_had() {
    let eager = || Child::new("dd").arg("if=/dev/zero").arg("of=/dev/null").arg("bs=200M").arg("count=1");
    let error =
        run(eager().limits(ChildLimits { memory_bytes: Some(64 << 20), ..ChildLimits::default() })).await.unwrap_err();
    assert!(matches!(error, ChildError::Failed { code: 1, .. }), "{error:?}");
    run(eager().limits(ChildLimits { memory_bytes: None, ..ChildLimits::default() })).await.unwrap();
}

#[tokio::test]
async fn given_a_file_limit_then_a_larger_file_is_death() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let mut of = std::ffi::OsString::from("of=");
    of.push(&file);
    let limits = ChildLimits { file_bytes: Some(64 << 10), ..ChildLimits::default() };
    let child = Child::new("dd").arg("if=/dev/zero").arg(of).arg("bs=1k").arg("count=1000").limits(limits);
    let error = run(child).await.unwrap_err();
    assert!(matches!(error, ChildError::Killed { signal: 25, .. }), "{error:?}");
    assert_eq!(fs::metadata(file).unwrap().len(), 64 << 10);
}

/// What the shell's `ulimit` says: core files, memory in KiB, file size in blocks of 512 bytes.
async fn check_ulimit(limits: ChildLimits, expected: [&str; 3]) {
    let said = stdout_of(sh("ulimit -H -c; ulimit -H -v; ulimit -H -f").limits(limits)).await;
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_child_may_have_as_many_files_open_as_is_usual() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    assert_eq!(stdout_of(sh("ulimit -S -n")).await.trim(), hard.min(1_024).to_string());
}

#[tokio::test]
async fn limits_are_set_as_asked_and_cannot_be_lifted() {
    let limits = ChildLimits::default();
    check_ulimit(limits, ["0", "2097152", "unlimited"]).await;
    let limits = ChildLimits { memory_bytes: Some(96 << 20), file_bytes: Some(1 << 20), ..limits };
    check_ulimit(limits, ["0", "98304", "2048"]).await;
}
