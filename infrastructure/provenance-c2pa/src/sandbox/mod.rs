//! The child process: one request in, one reply out. The only place where files of strangers, and the
//! manifests in them, are read. Deliberately without network: the library is built without any client
//! for it, and its settings say so once more.

mod boxes;
mod layout;
mod manifest;
mod offsets;
mod padding;
mod report;
mod settings;
mod sign;
mod sniff;
#[cfg(test)]
mod tests;
mod verify;

use crate::{
    error::Failure,
    protocol::{Reply, Request},
};
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// Runs the sandbox: reads one JSON request from `stdin`, does what it says, writes one JSON reply to
/// `stdout` and returns the exit code of the process. 0 also for a reply that tells of a failure.
///
/// For a process of its own under [`ChildProcesses`](application::ports::child::ChildProcesses), which
/// bounds its time and memory. Not for use inside a process that has anything to lose.
pub fn sandbox_main(stdin: impl Read, mut stdout: impl Write) -> i32 {
    let reply = match serde_json::from_reader(stdin) {
        Ok(request) => answer(request).unwrap_or_else(Reply::Failed),
        Err(_) => Reply::Failed(Failure::Protocol),
    };
    let written =
        serde_json::to_writer(&mut stdout, &reply).map_err(std::io::Error::from).and_then(|()| stdout.flush());
    i32::from(written.is_err())
}

fn answer(request: Request) -> Result<Reply, Failure> {
    match request {
        Request::SignSource { input, output, credential, trust, when } => {
            let job = sign::source_job(&input.to_path(), &when)?;
            sign::run(&job, &input.to_path(), &output.to_path(), &credential, &trust).map(Reply::Signed)
        }
        Request::SignDub { dub, credential, trust } => {
            let job = sign::dub_job(&dub)?;
            sign::run(&job, &dub.input.to_path(), &dub.output.to_path(), &credential, &trust).map(Reply::Signed)
        }
        Request::Verify { file, trust } => {
            verify::verify(&file.to_path(), &trust).map(|verification| Reply::Verified(Box::new(verification)))
        }
    }
}

/// The name under which an output grows until it is complete.
pub(crate) fn part_of(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".part");
    name.into()
}
