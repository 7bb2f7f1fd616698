//! Who ends the server when its starter is gone.

use crate::{error::ScratchError, programs::Programs};
use scratch_guard::Guard;
use std::path::Path;

/// Stops the server, if it runs, and removes the folder.
const SCRIPT: &str = r#"
"$1/pg_ctl" stop -m immediate -w -D "$2/data" >/dev/null 2>&1
rm -rf "$2"
"#;

/// Over what will be in this folder.
pub(crate) fn over(programs: &Programs, folder: &Path) -> Result<Guard, ScratchError> {
    let args = [programs.folder().as_os_str(), folder.as_os_str()];
    Guard::begin(programs.command("sh".as_ref()), SCRIPT, &args)
        .map_err(|source| ScratchError::Run { program: "sh".to_owned(), source })
}
