//! What children are promised, tried with real programs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

mod ends;
mod lifetime;
mod limits;
mod memory;
mod pipes;
mod setting;
mod streaming;

use application::ports::child::{Child, ChildError, ChildOutput, ChildProcesses};
use child_process::LocalChildren;
use std::{fs, time::Duration};

/// The shell running a script.
fn sh(script: &str) -> Child {
    Child::new("sh").arg("-c").arg(script)
}

async fn run(child: Child) -> Result<ChildOutput, ChildError> {
    LocalChildren::default().run(child).await
}

/// What a child wrote, which must have ended well.
async fn stdout_of(child: Child) -> String {
    String::from_utf8(run(child).await.unwrap().stdout).unwrap()
}

/// Waits for a condition, within a bound that only a broken promise reaches.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(in_time.is_ok(), "{what} did not come true");
}

/// The members of a process group that are not yet dead, by /proc.
fn alive_in_group(group: u32) -> usize {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    folders
        .filter(|folder| fs::read_to_string(folder.path().join("stat")).is_ok_and(|stat| is_alive(&stat, group)))
        .count()
}

/// A line of /proc/PID/stat: `pid (name) state ppid pgrp …`, see proc(5).
fn is_alive(stat: &str, group: u32) -> bool {
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let mut fields = after_name.split(' ');
    let state = fields.next().unwrap_or_default();
    let in_group = fields.nth(1).and_then(|field| field.parse().ok()) == Some(group);
    in_group && !matches!(state, "Z" | "X")
}
