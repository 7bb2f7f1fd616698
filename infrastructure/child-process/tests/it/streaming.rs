//! Lines as they come.

use crate::sh;
use application::ports::child::{Child, ChildError, ChildLimits, ChildOutput, ChildProcesses, ChildStream};
use child_process::LocalChildren;
use std::fs;
use tokio::sync::mpsc;

/// Runs a child and returns its lines beside its output.
async fn lines_of(child: Child, stream: ChildStream) -> (Vec<String>, Result<ChildOutput, ChildError>) {
    let children = LocalChildren::default();
    let (sender, mut received) = mpsc::channel(1);
    let receiving = async {
        let mut lines = Vec::new();
        while let Some(line) = received.recv().await {
            lines.push(line);
        }
        lines
    };
    let (result, lines) = tokio::join!(children.stream(child, stream, sender), receiving);
    (lines, result)
}

#[tokio::test]
async fn given_lines_on_stdout_then_they_come_in_order_and_the_rest_is_as_usual() {
    let (lines, result) = lines_of(sh("echo aside >&2; seq 1 5000; printf last"), ChildStream::Stdout).await;
    let expected: Vec<String> = (1..=5000).map(|number: u32| number.to_string()).chain(["last".to_owned()]).collect();
    assert_eq!(lines, expected);
    let output = result.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr_tail.as_str()), (&b""[..], "aside\n"));
}

#[tokio::test]
async fn given_lines_on_stderr_then_stdout_is_collected_and_the_tail_kept() {
    let (lines, result) = lines_of(sh("echo out; printf 'one\\r\\n\\ntwo\\n' >&2"), ChildStream::Stderr).await;
    assert_eq!(lines, ["one", "", "two"]);
    let output = result.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr_tail.as_str()), (&b"out\n"[..], "one\r\n\ntwo\n"));
}

#[tokio::test]
async fn given_a_failing_child_then_its_lines_come_all_the_same() {
    let (lines, result) = lines_of(sh("echo one; exit 7"), ChildStream::Stdout).await;
    assert_eq!(lines, ["one"]);
    assert!(matches!(result, Err(ChildError::Failed { code: 7, .. })));
}

#[tokio::test]
async fn given_a_line_beyond_1_mib_then_it_is_cut_and_the_next_is_whole() {
    let script = r"head -c 3000000 /dev/zero | tr '\0' x; echo; printf 'caf\303\251\377\n'";
    let (lines, result) = lines_of(sh(script), ChildStream::Stdout).await;
    result.unwrap();
    assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [1 << 20, 8]);
    assert_eq!(lines[1], "caf\u{e9}\u{fffd}");
}

#[tokio::test]
async fn given_a_child_that_waits_for_an_answer_then_its_line_is_there_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sh("echo ask; until test -e answer; do sleep 0.01; done; echo thanks");
    child.folder = Some(folder.path().to_owned());
    let children = LocalChildren::default();
    let (sender, mut received) = mpsc::channel(1);
    let answering = async {
        assert_eq!(received.recv().await.unwrap(), "ask");
        fs::write(folder.path().join("answer"), "").unwrap();
        received.recv().await
    };
    let (result, last) = tokio::join!(children.stream(child, ChildStream::Stdout, sender), answering);
    result.unwrap();
    assert_eq!(last.unwrap(), "thanks");
}

#[tokio::test]
async fn given_a_closed_receiver_then_the_child_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, received) = mpsc::channel(1);
    drop(received);
    let mut child = sh("seq 1 300000; echo done > done");
    child.folder = Some(folder.path().to_owned());
    LocalChildren::default().stream(child, ChildStream::Stdout, sender).await.unwrap();
    assert!(folder.path().join("done").exists());
}

#[tokio::test]
async fn given_streamed_output_then_the_cap_holds_too() {
    let limits = ChildLimits { output_bytes: 100_000, ..ChildLimits::default() };
    let (lines, result) = lines_of(Child::new("yes").limits(limits), ChildStream::Stdout).await;
    assert!(matches!(result, Err(ChildError::TooMuchOutput { .. })), "{result:?}");
    assert!(lines.len() <= 50_000 && lines.iter().all(|line| line == "y"));
}
