//! Who ends a scratch server when its starter is gone, however that ended.
//!
//! A shell beside the server waits for the other end of a pipe to close, which happens when its starter lets go of it or
//! dies. Deliberately absent: everything about the servers.

use std::{
    ffi::OsStr,
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// A process beside a server. Dropping this lets it do its work, and waits for it.
#[derive(Debug)]
pub struct Guard(Child);

impl Guard {
    /// By `shell`, a command for `sh` that may have a user and an environment of its own. Once nobody holds the pipe any
    /// more, it runs `script`, whose `$1`, `$2` … are these arguments. Fails when there is no shell to be run.
    pub fn begin(mut shell: Command, script: &str, args: &[&OsStr]) -> io::Result<Self> {
        shell.arg("-c").arg(format!("trap '' INT TERM HUP\nread -r _\n{script}")).arg("guard").args(args);
        // What stops a group of processes must leave it alive.
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        shell.spawn().map(Self)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ended = self.0.wait();
    }
}
