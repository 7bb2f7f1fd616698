//! Who ends the server when its starter is gone.

use crate::{error::ScratchError, programs::Programs};
use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Stdio},
};

/// Waits until nobody holds the pipe any more, then stops the server, if it runs, and removes the folder.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
read -r _
"$1/pg_ctl" stop -m immediate -w -D "$2/data" >/dev/null 2>&1
rm -rf "$2"
"#;

/// A process beside the server. Dropping this lets it do its work, and waits for it.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Over what will be in this folder.
    pub fn over(programs: &Programs, folder: &Path) -> Result<Self, ScratchError> {
        let mut command = programs.command("sh".as_ref());
        command.arg("-c").arg(SCRIPT).arg("guard").arg(programs.folder()).arg(folder);
        // What stops a group of processes must leave it alive.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        command.spawn().map(Self).map_err(|source| ScratchError::Run { program: "sh".to_owned(), source })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ended = self.0.wait();
    }
}
