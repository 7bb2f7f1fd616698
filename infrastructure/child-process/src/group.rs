//! A running child with everything it started: one process group that is killed and reaped as a whole.
//!
//! A group's number stays taken as long as its leader is not reaped, so signals are sent only before that: a number
//! that somebody else got since is never hit.

use crate::spawner::Job;
use nix::{
    errno::Errno,
    libc,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use std::{
    io::{self, PipeWriter},
    mem::MaybeUninit,
    process::{Child, ExitStatus},
    sync::mpsc,
};
use tokio::signal::unix::{SignalKind, signal};

/// A child that leads its own process group. Dropping it kills the group and reaps the child.
#[derive(Debug)]
pub(crate) struct Group {
    /// `None` once reaped.
    leader: Option<Child>,
    pid: Pid,
    /// Closing this, as the kernel does when this process dies, kills the group: see [`crate::cage`].
    _lifeline: PipeWriter,
    /// Who reaps a killed child that is not gone yet.
    spawner: mpsc::Sender<Job>,
}

impl Group {
    pub(crate) fn new(leader: Child, lifeline: PipeWriter, spawner: mpsc::Sender<Job>) -> Self {
        // Process numbers are at most 2^22 on Linux; should one ever not fit, 0 is never signalled (see `kill`).
        let pid = Pid::from_raw(i32::try_from(leader.id()).unwrap_or(0));
        Self { leader: Some(leader), pid, _lifeline: lifeline, spawner }
    }

    /// Waits until the leader has ended, without reaping it.
    pub(crate) async fn exited(&self) -> io::Result<()> {
        // Subscribed before the first look, so that an exit in between is not missed.
        let mut child_signals = signal(SignalKind::child())?;
        while self.leader.is_some() && !has_exited(self.pid)? {
            child_signals.recv().await;
        }
        Ok(())
    }

    /// Kills all members of the group. Harmless when they are gone.
    pub(crate) fn kill(&self) {
        if self.leader.is_some() && self.pid.as_raw() > 1 {
            let _gone_already = killpg(self.pid, Signal::SIGKILL);
        }
    }

    /// The most that the leader, or one of those it waited for, had in memory, in bytes. Known once it has exited and is
    /// not reaped yet. Not less than what this process had when it forked: the system counts the copy.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        self.leader.as_ref()?;
        peak_bytes(self.pid)
    }

    /// Takes the exit status of a leader that has ended. Blocks until the end of one that has not.
    pub(crate) fn reap(mut self) -> io::Result<ExitStatus> {
        self.kill();
        match self.leader.take() {
            Some(mut leader) => leader.wait(),
            None => Err(io::Error::from(Errno::ECHILD)),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        let Some(mut leader) = self.leader.take() else {
            return;
        };
        if matches!(leader.try_wait(), Ok(None)) {
            // The spawner is gone only when `LocalChildren` is, and no run outlives that.
            let _reaped_at_exit = self.spawner.send(Job::Reap(leader));
        }
    }
}

fn has_exited(pid: Pid) -> io::Result<bool> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    loop {
        match waitid(Id::Pid(pid), flags) {
            Ok(WaitStatus::StillAlive) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The fifth argument of Linux's `waitid` (waitid(2), "C library/kernel differences") takes what a process has used, also
/// without reaping it.
#[expect(unsafe_code, reason = "nix has no waitid with its fifth argument")]
fn peak_bytes(pid: Pid) -> Option<u64> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: both structures are the C library's, which are the kernel's on Linux, and outlive the call; all their bytes
    // are set, and any bytes are valid values of them.
    let (found, usage) = unsafe {
        let (info, usage_at) = (info.as_mut_ptr(), usage.as_mut_ptr());
        (libc::syscall(libc::SYS_waitid, libc::P_PID, pid.as_raw(), info, flags, usage_at), usage.assume_init())
    };
    let kibibytes = u64::try_from(usage.ru_maxrss).ok().filter(|_| found == 0)?;
    (kibibytes > 0).then(|| kibibytes.saturating_mul(1_024))
}
