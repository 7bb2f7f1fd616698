//! The one thread that starts children.
//!
//! `PR_SET_PDEATHSIG` fires when the *thread* that forked ends, not only when the process does. A thread of tokio's
//! blocking pool ends after ten idle seconds, and a runtime's workers end with the runtime: either would kill healthy
//! children. So every fork happens on a thread of our own, which lives until [`Spawner`] and all its groups are gone.
//! Forking (about a millisecond with large parents) also stays off the async workers this way.

use crate::{bounds::Bounds, cage::Cage, group::Group};
use application::ports::child;
use std::{
    io::{self, PipeReader, PipeWriter},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::oneshot,
};

/// How often killed children are asked for while there are any.
const REAP_EVERY_MS: u64 = 5;

/// Starts children on its own thread. The thread is made for the first child.
#[derive(Debug, Default)]
pub(crate) struct Spawner {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
}

/// A child that runs, with our ends of its pipes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) group: Group,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

/// What the thread is asked for.
#[derive(Debug)]
pub(crate) enum Job {
    /// Start a child. When nobody waits for the answer any more, the answer is dropped, and the child with it.
    Spawn(Box<Order>),
    /// Reap a child that was killed.
    Reap(Child),
}

/// A child to start, and where to hand it over.
#[derive(Debug)]
pub(crate) struct Order {
    command: Command,
    lifeline: PipeWriter,
    jobs: mpsc::Sender<Job>,
    reply: oneshot::Sender<io::Result<(Group, Pipes)>>,
}

/// Our ends of the pipes, before the runtime knows them.
#[derive(Debug)]
pub(crate) struct Pipes {
    stdin: Option<std::process::ChildStdin>,
    stdout: Option<std::process::ChildStdout>,
    stderr: Option<std::process::ChildStderr>,
}

impl Spawner {
    /// Starts a child in its own process group, within its limits and bound to this process's life. Without input,
    /// its standard input is empty.
    pub(crate) async fn spawn(&self, child: child::Child, has_input: bool) -> io::Result<Started> {
        let jobs = self.jobs()?;
        let (reply, answer) = oneshot::channel();
        let (lifeline_end, lifeline) = io::pipe()?;
        let command = command(child, has_input, lifeline_end);
        let order = Order { command, lifeline, jobs: jobs.clone(), reply };
        let gone = || io::Error::other("the spawner thread ended");
        jobs.send(Job::Spawn(Box::new(order))).map_err(|_unsent| gone())?;
        drop(jobs);
        let (group, pipes) = answer.await.map_err(|_dropped| gone())??;
        Ok(Started {
            group,
            stdin: pipes.stdin.map(ChildStdin::from_std).transpose()?,
            stdout: pipes.stdout.map(ChildStdout::from_std).transpose()?,
            stderr: pipes.stderr.map(ChildStderr::from_std).transpose()?,
        })
    }

    fn jobs(&self) -> io::Result<mpsc::Sender<Job>> {
        let mut slot = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jobs) = slot.as_ref() {
            return Ok(jobs.clone());
        }
        let (jobs, inbox) = mpsc::channel();
        thread::Builder::new().name("child-spawner".to_owned()).spawn(move || work(&inbox))?;
        *slot = Some(jobs.clone());
        Ok(jobs)
    }
}

/// The thread: starts children in order and reaps killed ones in between.
fn work(inbox: &mpsc::Receiver<Job>) {
    let mut dying: Vec<Child> = Vec::new();
    loop {
        let job = if dying.is_empty() {
            inbox.recv().map_err(|_closed| mpsc::RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(Duration::from_millis(REAP_EVERY_MS))
        };
        dying.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        match job {
            Ok(Job::Spawn(order)) => start(*order),
            Ok(Job::Reap(child)) => dying.push(child),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    for mut child in dying {
        let _reaped = child.wait();
    }
}

fn start(order: Order) {
    let Order { mut command, lifeline, jobs, reply } = order;
    if reply.is_closed() {
        return;
    }
    let started = command.spawn().map(|mut leader| {
        let pipes = Pipes { stdin: leader.stdin.take(), stdout: leader.stdout.take(), stderr: leader.stderr.take() };
        (Group::new(leader, lifeline, jobs), pipes)
    });
    // An answer that nobody takes comes back here and is dropped, which kills the group.
    let _unclaimed = reply.send(started);
}

/// The command as the system shall run it. `LC_ALL` is fixed unless given, so that messages are stable.
fn command(child: child::Child, has_input: bool, lifeline_end: PipeReader) -> Command {
    let mut command = Command::new(&child.program);
    command.args(&child.args).env("LC_ALL", "C.UTF-8").envs(child.env);
    if let Some(folder) = child.folder {
        command.current_dir(folder);
    }
    command
        .stdin(if has_input { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Cage::new(Bounds::from(&child.limits), lifeline_end).lock(&mut command);
    command
}
