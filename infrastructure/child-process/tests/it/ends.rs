//! How a run ends, and what the caller is told.

use crate::{run, sh};
use application::ports::child::{Child, ChildError};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

#[tokio::test]
async fn given_exit_0_then_both_streams_are_handed_over() {
    let output = run(sh("echo out; echo err >&2")).await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr_tail.as_str()), (&b"out\n"[..], "err\n"));
}

#[tokio::test]
async fn given_another_exit_then_code_and_both_streams_are_in_the_error() {
    let error = run(sh("echo out; echo err >&2; exit 3")).await.unwrap_err();
    assert_eq!(error.to_string(), "sh failed with exit code 3");
    let ChildError::Failed { stdout, stderr_tail, .. } = error else { panic!("{error:?}") };
    assert_eq!((stdout.as_slice(), stderr_tail.as_str()), (&b"out\n"[..], "err\n"));
}

#[tokio::test]
async fn given_a_crash_then_the_signal_is_in_the_error() {
    let error = run(sh("echo hint >&2; kill -SEGV $$")).await.unwrap_err();
    assert_eq!(error.to_string(), "sh was ended by signal 11");
    assert!(matches!(error, ChildError::Killed { signal: 11, stderr_tail, .. } if stderr_tail == "hint\n"));
}

#[tokio::test]
async fn given_no_such_program_then_it_is_missing_and_no_path_is_told() {
    for program in
        ["no-such-program", "/no/such-folder/no-such-program", "/etc/passwd/no-such-program", "./no-such-program"]
    {
        let error = run(Child::new(program)).await.unwrap_err();
        assert!(matches!(error, ChildError::Missing { .. }), "{program}: {error:?}");
        assert_eq!(error.to_string(), "no-such-program is not installed");
    }
}

#[tokio::test]
async fn given_something_that_cannot_run_then_it_is_not_called_missing() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "not a program").unwrap();
    fs::set_permissions(&text, fs::Permissions::from_mode(0o644)).unwrap();
    let mut lost = Child::new("true");
    lost.folder = Some(PathBuf::from("/no/such/folder"));
    for child in [Child::new(&text), Child::new(folder.path()), lost] {
        let error = run(child).await.unwrap_err();
        assert!(matches!(error, ChildError::Io { .. }), "{error:?}");
        assert!(!error.to_string().contains('/'), "{error}");
    }
}

#[tokio::test]
async fn given_a_name_only_found_where_it_may_not_run_then_it_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("some-engine"), "not a program").unwrap();
    let mut child = Child::new("some-engine");
    child.env.push(("PATH".into(), folder.path().into()));
    let error = run(child).await.unwrap_err();
    assert!(matches!(error, ChildError::Missing { .. }), "{error:?}");
}
