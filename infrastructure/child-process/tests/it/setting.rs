//! What a child finds when it begins: environment, folder, signals, open files, its group.

use crate::{sh, stdout_of};
use application::ports::{
    child::{Child, ChildProcesses},
    trace::{TraceContext, Traces},
};
use child_process::LocalChildren;
use nix::sys::signal::{SigSet, Signal};
use std::{os::fd::AsRawFd, sync::Arc};

#[tokio::test]
async fn the_environment_is_inherited_and_messages_are_in_one_language() {
    assert_eq!(stdout_of(sh("echo $LC_ALL; test -n \"$PATH\" && echo path")).await, "C.UTF-8\npath\n");
    let mut child = sh("echo $LC_ALL $GIVEN");
    child.env = vec![("LC_ALL".into(), "C".into()), ("GIVEN".into(), "yes".into())];
    assert_eq!(stdout_of(child).await, "C yes\n");
}

#[tokio::test]
async fn given_a_current_span_then_the_child_is_told() {
    const CURRENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    struct InOneSpan;
    impl Traces for InOneSpan {
        fn adopt(&self, _span: &tracing::Span, _parent: &TraceContext) {}
        fn current(&self) -> Option<TraceContext> {
            TraceContext::parse(CURRENT).ok()
        }
        fn fail(&self, _span: &tracing::Span, _code: &str) {}
    }
    let traced = LocalChildren::default().traced(Arc::new(InOneSpan));
    let said = async |child| String::from_utf8(traced.run(child).await.unwrap().stdout).unwrap();
    assert_eq!(said(sh("echo $TRACEPARENT")).await, format!("{CURRENT}\n"));
    let mut child = sh("echo $TRACEPARENT");
    child.env = vec![("TRACEPARENT".into(), "given".into())];
    assert_eq!(said(child).await, "given\n");
    assert_eq!(stdout_of(sh("echo ${TRACEPARENT-none}")).await, "none\n");
}

#[tokio::test]
async fn arguments_are_never_read_by_a_shell() {
    let child = Child::new("printf").arg("%s|").arg("$HOME").arg("a b").arg("").arg("'\"`;&").arg("-e");
    assert_eq!(stdout_of(child).await, "$HOME|a b||'\"`;&|-e|");
}

#[tokio::test]
async fn the_working_folder_is_the_one_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Child::new("pwd").arg("-P");
    child.folder = Some(folder.path().to_owned());
    assert_eq!(stdout_of(child).await.trim_end(), folder.path().canonicalize().unwrap().to_str().unwrap());
}

#[tokio::test]
async fn given_blocked_and_ignored_signals_here_then_a_child_begins_with_none() {
    // Rust ignores SIGPIPE from the start; the mask is inherited by the thread that starts children.
    SigSet::from(Signal::SIGUSR1).thread_block().unwrap();
    let found = stdout_of(Child::new("grep").arg("-E").arg("^Sig(Blk|Ign)").arg("/proc/self/status")).await;
    let masks: Vec<u64> = found.lines().map(|line| u64::from_str_radix(line.split_at(8).1, 16).unwrap()).collect();
    // Bits 31 and 32 are signals that the C library keeps for itself and lets nobody set.
    assert_eq!(masks.iter().map(|mask| mask & !(0b11 << 31)).collect::<Vec<_>>(), [0, 0], "{found}");
}

#[tokio::test]
async fn a_child_leads_its_own_group() {
    let said = stdout_of(sh("echo $$; cut -d ' ' -f 5 /proc/self/stat")).await;
    let numbers: Vec<u32> = said.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers.first(), numbers.last());
    assert_ne!(said.lines().next().unwrap(), std::process::id().to_string());
}

#[tokio::test]
async fn given_a_file_of_ours_that_is_open_for_children_then_they_do_not_get_it() {
    let file = tempfile::tempfile().unwrap();
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    // The shell lists its files with one more, which is closed by the time it is looked at.
    let listed = stdout_of(sh("readlink /proc/$$/fd/*; true")).await;
    let kinds: Vec<&str> = listed.lines().filter_map(|target| target.split(':').next()).collect();
    // Standard input, output, error and the lifeline.
    assert_eq!(kinds, ["/dev/null", "pipe", "pipe", "pipe"], "{} is open here", file.as_raw_fd());
}
