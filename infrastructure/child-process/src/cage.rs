//! What a child does to itself between fork and exec: signals, limits, and the two ties that make it die with us.
//!
//! **Tie 1**, for the child itself: `PR_SET_PDEATHSIG`. It is not inherited by what the child starts, so a shell's
//! pipeline would live on.
//!
//! **Tie 2**, for its whole process group: the *lifeline*, a pipe whose only write end is in this process. The read
//! end has `O_ASYNC` with the group as owner and `SIGKILL` as signal (`F_SETOWN`, `F_SETSIG`, fcntl(2)). When this
//! process dies, however it dies, the kernel closes the write end and sends `SIGKILL` to the group: no supervisor
//! process, no polling, and nobody in the group can catch or ignore it. The owner is the group itself, not its
//! number, so a number that is used again is never hit.
//!
//! The kernel keeps this promise as long as one process holds the read end, which is therefore inherited over exec:
//! the only descriptor beside 0, 1 and 2 that a child gets. **What escapes**: a process that leaves the group
//! (`setsid`, a shell with job control), and a group of which *every* member closed the lifeline, apart from the
//! child itself, which tie 1 holds. Programs that do such things are daemons, and not run as engines.

use crate::bounds::Bounds;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, OFlag, fcntl},
    libc,
    sys::{
        prctl::set_pdeathsig,
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
    },
    unistd::{Pid, getpid, getppid},
};
use std::{
    io::{self, PipeReader},
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::Command,
};

/// All that is done between fork and exec. Everything is prepared before the fork: after it, a copy of a process with
/// many threads may make system calls, but must not allocate or lock.
pub(crate) struct Cage {
    bounds: Bounds,
    lifeline_end: PipeReader,
    parent: Pid,
}

impl Cage {
    pub(crate) fn new(bounds: Bounds, lifeline_end: PipeReader) -> Self {
        Self { bounds, lifeline_end, parent: getpid() }
    }

    /// Has the command's child enter the cage. The command must be started in a process group of its own.
    #[expect(unsafe_code, reason = "a hook between fork and exec is the only place where these can be set")]
    pub(crate) fn lock(self, command: &mut Command) {
        // SAFETY: `enter` makes async-signal-safe system calls only. It neither allocates nor locks: nix's wrappers
        // used there are plain calls, and errors are errno numbers.
        unsafe {
            command.pre_exec(move || self.enter().map_err(io::Error::from));
        }
    }

    fn enter(&self) -> nix::Result<()> {
        default_signals()?;
        close_foreign_files_on_exec();
        set_pdeathsig(Signal::SIGKILL)?;
        self.tie_group()?;
        self.bounds.apply()?;
        // Both ties hold from here on. Had the parent died before, nobody would have told us.
        if getppid() == self.parent { Ok(()) } else { Err(Errno::ECANCELED) }
    }

    #[expect(unsafe_code, reason = "nix has no F_SETOWN and F_SETSIG")]
    fn tie_group(&self) -> nix::Result<()> {
        let fd = self.lifeline_end.as_raw_fd();
        // SAFETY: both calls take integers and touch no memory; the descriptor is open, since `self` owns it.
        // A negative owner is a process group: ours, which we lead (`Command::process_group(0)`).
        unsafe {
            Errno::result(libc::fcntl(fd, libc::F_SETOWN, -getpid().as_raw()))?;
            Errno::result(libc::fcntl(fd, F_SETSIG, libc::SIGKILL))?;
        }
        fcntl(&self.lifeline_end, FcntlArg::F_SETFL(OFlag::O_ASYNC))?;
        fcntl(&self.lifeline_end, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    }
}

/// Linux's `F_SETSIG` (fcntl(2), include/uapi/asm-generic/fcntl.h), in case the C library's binding lacks it.
const F_SETSIG: libc::c_int = 10;

/// Marks everything but 0, 1 and 2 to be closed by exec. Rust opens all files that way, but C libraries do not always, and
/// a child must not hold a lock or a socket of ours. Kernels before 5.11 refuse, and then only Rust's care remains.
#[expect(unsafe_code, reason = "nix has no close_range")]
fn close_foreign_files_on_exec() {
    // SAFETY: the call takes integers, touches no memory and closes nothing in this process before exec.
    let _refused_by_old_kernels =
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Nothing blocked and nothing ignored, whatever this process or who started it (nohup) set for itself. Handlers are
/// reset by exec, ignored signals are not.
fn default_signals() -> nix::Result<()> {
    for signal in Signal::iterator() {
        if signal != Signal::SIGKILL && signal != Signal::SIGSTOP {
            reset(signal)?;
        }
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

#[expect(unsafe_code, reason = "nix cannot know what a handler does; here there is none")]
fn reset(signal: Signal) -> nix::Result<()> {
    // SAFETY: the default action runs no code of ours.
    unsafe { nix::sys::signal::signal(signal, nix::sys::signal::SigHandler::SigDfl) }.map(|_before| ())
}
