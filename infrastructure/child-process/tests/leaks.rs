//! After many runs of every kind of end, this process has no more open files, children and threads than after the
//! first few. Alone in its file, because it counts what belongs to the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::ports::child::{Child, ChildLimits, ChildProcesses};
use child_process::LocalChildren;
use std::{
    fs,
    time::{Duration, Instant},
};

fn entries(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// The children of this process, zombies included, by /proc/PID/stat: `pid (name) state ppid …`.
fn children_here() -> usize {
    let parent = format!(" {} ", std::process::id());
    let stats =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|at| fs::read_to_string(at.path().join("stat")).ok());
    stats
        .filter(|stat| {
            stat.rsplit(") ").next().is_some_and(|rest| rest.get(1..).is_some_and(|rest| rest.starts_with(&parent)))
        })
        .count()
}

async fn every_kind_of_end(children: &LocalChildren) {
    let sh = |script: &str| Child::new("sh").arg("-c").arg(script);
    let limits = ChildLimits { wall: Duration::from_millis(20), output_bytes: 1000, ..ChildLimits::default() };
    children.run(sh("cat").stdin("input")).await.unwrap();
    children.run(sh("exit 1")).await.unwrap_err();
    children.run(sh("kill -9 $$")).await.unwrap_err();
    children.run(sh("sleep 300 | sleep 300").limits(limits)).await.unwrap_err();
    children.run(Child::new("yes").limits(limits)).await.unwrap_err();
    children.run(Child::new("no-such-program")).await.unwrap_err();
    // Dropped at once, before the thread that starts children can answer, and somewhat later.
    drop(tokio::time::timeout(Duration::ZERO, children.run(sh("sleep 300"))).await);
    drop(tokio::time::timeout(Duration::from_millis(5), children.run(sh("sleep 300 & sleep 300"))).await);
}

async fn until_reaped() {
    let reaped = async {
        while children_here() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), reaped).await;
    assert!(in_time.is_ok(), "zombies stay");
}

#[tokio::test]
async fn many_runs_leave_nothing_behind() {
    let children = LocalChildren::default();
    for _ in 0..3 {
        every_kind_of_end(&children).await;
    }
    until_reaped().await;
    let (files, threads) = (entries("/proc/self/fd"), entries("/proc/self/task"));
    for _ in 0..30 {
        every_kind_of_end(&children).await;
    }
    until_reaped().await;
    assert_eq!((entries("/proc/self/fd"), entries("/proc/self/task")), (files, threads));
    drop(children);

    let children = LocalChildren::default();
    let started = Instant::now();
    for _ in 0..200 {
        children.run(Child::new("true")).await.unwrap();
    }
    println!("one child from start to end: {:.2} ms", started.elapsed().as_secs_f64() * 1000.0 / 200.0);
}
