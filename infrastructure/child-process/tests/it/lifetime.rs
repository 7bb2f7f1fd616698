//! How long children live, and what counts as engine time.

use crate::{alive_in_group, sh, until};
use application::ports::{
    child::{Child, ChildProcesses, ChildStream},
    meter::EngineMeter,
};
use child_process::LocalChildren;
use std::{fs, path::Path, sync::Arc, thread, time::Duration};
use tokio::{runtime::Builder, sync::mpsc};

/// Starts a script whose first line is its group's number, drops the run once the group has grown, and waits for the
/// end of all its members, and of the child as a zombie.
async fn check_drop(script: &str, members: usize) {
    let children = LocalChildren::default();
    let (sender, mut received) = mpsc::channel(1);
    let mut running = children.stream(sh(script), ChildStream::Stdout, sender);
    let group = tokio::select! {
        ended = &mut running => panic!("{script} ended: {ended:?}"),
        line = received.recv() => line.unwrap().parse().unwrap(),
    };
    tokio::select! {
        ended = &mut running => panic!("{script} ended: {ended:?}"),
        () = until("the group has grown", || alive_in_group(group) == members) => {}
    }
    drop(running);
    until("the group is gone", || alive_in_group(group) == 0).await;
    until("the child is reaped", || !Path::new(&format!("/proc/{group}")).exists()).await;
}

#[tokio::test]
async fn given_a_dropped_run_then_the_child_and_all_it_started_die() {
    check_drop("echo $$; exec sleep 300", 1).await;
    check_drop("echo $$; sleep 300 & sleep 300", 3).await;
    check_drop("echo $$; sleep 300 | sleep 300 | sleep 300", 4).await;
    check_drop("echo $$; trap '' HUP INT TERM PIPE; sleep 300 & sleep 300", 3).await;
    check_drop("echo $$; kill -STOP $$", 1).await;
}

#[tokio::test]
async fn given_an_aborted_task_then_its_child_dies() {
    let children = Arc::new(LocalChildren::default());
    let (sender, mut received) = mpsc::channel(1);
    let task =
        tokio::spawn(async move { children.stream(sh("echo $$; sleep 300"), ChildStream::Stdout, sender).await });
    let group = received.recv().await.unwrap().parse().unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    until("the group is gone", || alive_in_group(group) == 0).await;
}

#[test]
fn given_the_end_of_the_thread_that_asked_then_the_child_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sh("echo up; until test -e go; do sleep 0.01; done; echo done");
    child.folder = Some(folder.path().to_owned());
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let children = LocalChildren::default();
    let (sender, mut received) = mpsc::channel(4);
    let mut running = children.stream(child, ChildStream::Stdout, sender);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            runtime.block_on(async {
                tokio::select! {
                    ended = &mut running => panic!("ended: {ended:?}"),
                    line = received.recv() => assert_eq!(line.unwrap(), "up"),
                }
            });
        });
        asking.join().unwrap();
    });
    fs::write(folder.path().join("go"), "").unwrap();
    runtime.block_on(running).unwrap();
    assert_eq!(runtime.block_on(received.recv()).unwrap(), "done");
}

#[tokio::test]
async fn running_children_count_as_engine_time_and_nothing_else_does() {
    let meter = Arc::new(EngineMeter::default());
    let children = LocalChildren::new(Arc::clone(&meter));
    assert_eq!(meter.busy(), Duration::ZERO);
    let (one, other) = tokio::join!(children.run(sh("sleep 0.1")), children.run(sh("sleep 0.1")));
    one.and(other).unwrap();
    let busy = meter.busy();
    assert!(busy >= Duration::from_millis(100), "{busy:?}");
    assert_eq!(meter.busy(), busy);
    children.run(Child::new("no-such-program")).await.unwrap_err();
    let busy = meter.busy();
    assert_eq!(meter.busy(), busy);
}
