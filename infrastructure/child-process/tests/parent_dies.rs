//! SIGKILL of the parent: nothing that it started outlives it, and what its own starter ignored is not passed on.
//!
//! Without the usual harness, because this program plays two parts: called with `--parent`, it is the process that
//! starts children and is killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::ports::child::{Child, ChildProcesses, ChildStream};
use child_process::LocalChildren;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// The bound for what shall come true. Only a broken promise reaches it.
const SECONDS_MAX: u64 = 30;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--parent", script, copies] => play_parent(script, copies.parse().unwrap()),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => {
            check("the child itself", "echo $$; exec sleep 300", 1);
            check("a shell and what it waits for", "echo $$; sleep 300 & sleep 300", 3);
            check("a pipeline without traffic", "echo $$; sleep 300 | sleep 300 | sleep 300", 4);
            check("shells in shells", "echo $$; sh -c 'sh -c \"sleep 300 & sleep 300\" & sleep 300' | sleep 300", 5);
            check(
                "who ignores all that can be ignored",
                "echo $$; trap '' HUP INT TERM PIPE IO; sleep 300 & sleep 300",
                3,
            );
            check("who is stopped", "echo $$; sleep 300 & kill -STOP $$", 2);
            check("whose shell is gone already", "echo $$; sleep 300 & exec sleep 300", 2);
            check("who closed the lifeline", CLOSE_ALL, 1);
            for lines in 1..=12 {
                check_while_starting(lines);
            }
            check_signals();
        }
    }
    ExitCode::SUCCESS
}

/// Closes every file but the standard streams, and is one process: only `PR_SET_PDEATHSIG` still reaches it.
const CLOSE_ALL: &str = r#"exec bash -c 'for file in /proc/$$/fd/*; do n=${file##*/}; ((n > 2)) && eval "exec $n<&-"; done; echo $$; exec sleep 300'"#;

/// Starts as many copies of a shell script as asked and prints all their lines.
fn play_parent(script: &str, copies: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let children = std::sync::Arc::new(LocalChildren::default());
    let (sender, mut received) = mpsc::channel(1);
    for _ in 0..copies {
        let (children, sender) = (std::sync::Arc::clone(&children), sender.clone());
        let child = Child::new("sh").arg("-c").arg(script);
        runtime.spawn(async move { children.stream(child, ChildStream::Stdout, sender).await });
    }
    drop(sender);
    while let Some(line) = received.blocking_recv() {
        println!("{line}");
        std::io::stdout().flush().unwrap();
    }
}

fn parent(script: &str, copies: usize) -> Parent {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--parent").arg(script).arg(copies.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    Parent(command.spawn().unwrap())
}

/// The process that is to be killed, by us at the latest.
struct Parent(std::process::Child);

impl Parent {
    fn lines(&mut self) -> impl Iterator<Item = String> {
        BufReader::new(self.0.stdout.as_mut().unwrap()).lines().map_while(Result::ok)
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _dead_already = self.0.kill();
    }
}

/// Given a script that tells its group's number and grows to at least so many processes, when the parent is killed,
/// then no member of the group is left.
fn check(what: &str, script: &str, members: usize) {
    let mut killed = parent(script, 1);
    let group: u32 = killed.lines().next().unwrap().parse().unwrap();
    until(what, || alive(|fields, _| fields.group == group) >= members);
    killed.kill();
    let since = Instant::now();
    until(what, || alive(|fields, _| fields.group == group) == 0);
    println!("gone with the parent after {:4.1} ms: {what}", since.elapsed().as_secs_f64() * 1000.0);
}

/// Given a parent that is busy starting children, when it is killed after so many of them have spoken, then none is
/// left, whatever moment of its start it was in. They are known by the duration of their sleep.
fn check_while_starting(lines: usize) {
    let mark = format!("300.{}{lines:02}", std::process::id());
    let mut killed = parent(&format!("sleep {mark} & echo up; sleep {mark}"), 24);
    assert_eq!(killed.lines().take(lines).count(), lines);
    killed.kill();
    until("children of a parent killed while starting more", || alive(|_, command| command.contains(&mark)) == 0);
}

/// Given a parent that was started with signals ignored (nohup does it), then its children ignore none.
fn check_signals() {
    let mut ignoring = Command::new("sh");
    ignoring.arg("-c").arg("trap '' HUP INT QUIT USR1; exec \"$0\" --parent 'grep SigIgn /proc/self/status' 1");
    let output = ignoring.arg(std::env::current_exe().unwrap()).output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    let ignored = u64::from_str_radix(found.trim().trim_start_matches("SigIgn:\t"), 16).unwrap();
    // Bits 31 and 32 are signals that the C library keeps for itself and lets nobody set.
    assert_eq!(ignored & !(0b11 << 31), 0, "{found}");
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(SECONDS_MAX), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

struct Fields {
    group: u32,
}

/// Counts processes that are not yet dead, by /proc/PID/stat (`pid (name) state ppid pgrp …`) and command line.
fn alive(wanted: impl Fn(&Fields, &str) -> bool) -> usize {
    let mut count = 0;
    for folder in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(folder.path().join("stat")) else { continue };
        let command = fs::read(folder.path().join("cmdline")).unwrap_or_default();
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let state = fields.next().unwrap_or_default();
        let group = fields.nth(1).and_then(|field| field.parse().ok()).unwrap_or_default();
        let wanted = wanted(&Fields { group }, &String::from_utf8_lossy(&command));
        count += usize::from(wanted && !matches!(state, "Z" | "X"));
    }
    count
}
