//! Standard input, output and error: fed and drained side by side.

use crate::{run, sh, stdout_of};
use application::ports::child::{Child, ChildLimits};

/// More than any pipe holds, and no two places alike.
fn megabytes(count: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(count << 20).collect()
}

#[tokio::test]
async fn given_megabytes_both_ways_then_nothing_waits_and_nothing_is_lost() {
    let input = megabytes(12);
    let output = run(Child::new("cat").stdin(input.clone())).await.unwrap();
    assert!(output.stdout == input);
}

#[tokio::test]
async fn given_megabytes_on_all_three_streams_then_nothing_waits() {
    let input = b"0123456789abcde\n".repeat(1 << 18);
    let output = run(sh("tee /dev/stderr").stdin(input.clone())).await.unwrap();
    assert!(output.stdout == input);
    assert_eq!(output.stderr_tail.as_bytes(), &input[..4096]);
}

#[tokio::test]
async fn given_a_child_that_does_not_read_its_input_then_it_is_no_error() {
    for script in ["true", "head -c 1 > /dev/null", "exec <&-; echo done"] {
        run(sh(script).stdin(megabytes(4))).await.unwrap();
    }
}

#[tokio::test]
async fn given_no_input_then_standard_input_is_at_its_end() {
    assert_eq!(stdout_of(sh("cat; echo end")).await, "end\n");
}

#[tokio::test]
async fn stderr_keeps_its_last_4_kib_whatever_bytes_they_are() {
    let output = run(sh(r"head -c 3000000 /dev/zero >&2; printf 'caf\303\251 \377' >&2")).await.unwrap();
    assert!(output.stderr_tail.ends_with("\0caf\u{e9} \u{fffd}"));
    assert_eq!(output.stderr_tail.matches('\0').count(), 4096 - 7);
}

#[tokio::test]
async fn given_a_background_process_that_holds_the_pipes_then_the_end_of_the_child_is_the_end() {
    let limits = ChildLimits { output_bytes: 16, ..ChildLimits::default() };
    assert_eq!(stdout_of(sh("sleep 300 & echo hi").stdin("unread").limits(limits)).await, "hi\n");
}

#[tokio::test]
async fn given_many_children_at_once_then_each_gets_its_own() {
    let children = child_process::LocalChildren::default();
    let (left, right) = tokio::join!(echo_all(&children, 0), echo_all(&children, 1_000));
    assert_eq!((left, right), (20, 20));
}

async fn echo_all(children: &dyn application::ports::child::ChildProcesses, from: usize) -> usize {
    let mut right = 0;
    for number in from..from + 20 {
        let output = children.run(Child::new("cat").stdin(number.to_string())).await.unwrap();
        right += usize::from(output.stdout == number.to_string().as_bytes());
    }
    right
}
