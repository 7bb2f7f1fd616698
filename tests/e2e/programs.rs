//! The engines' programs as a test wants them: slower, broken, or gone.

use std::{
    ffi::OsString,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Programs that are found before those of the system.
pub struct Programs {
    bin: PathBuf,
    /// The search path, once something was put there.
    path: Option<OsString>,
}

impl Programs {
    /// None yet; they will lie in a folder below this one.
    pub fn new(folder: &Path) -> Self {
        Self { bin: folder.join("bin"), path: None }
    }

    /// Where they lie.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Lets every engine begin later by so many seconds.
    pub fn slow_down(&mut self, seconds: &str) {
        for program in ["pocketsphinx_batch", "apertium", "espeak-ng"] {
            self.wrap(program, &format!("sleep {seconds}"));
        }
    }

    /// Puts a script before a program: what it does first. The program itself follows unless the script ends it.
    pub fn wrap(&mut self, program: &str, script: &str) {
        fs::create_dir_all(&self.bin).expect("a folder for programs");
        let real = real(program);
        let text = format!("#!/bin/sh\n{script}\nexec {} \"$@\"\n", real.display());
        // A script that is being run must not be written to: the new one takes its name.
        let draft = self.bin.join(format!(".{program}"));
        fs::write(&draft, text).expect("a script");
        fs::set_permissions(&draft, Permissions::from_mode(0o755)).expect("it may be run");
        fs::rename(&draft, self.bin.join(program)).expect("its name");
        if self.path.is_none() {
            let before = inherited_path();
            let folders = [self.bin.clone()].into_iter().chain(std::env::split_paths(&before));
            self.path = Some(std::env::join_paths(folders).expect("a search path"));
        }
    }

    /// Leaves nothing on the search path but links to all programs, each of which can be removed.
    pub fn link_all(&mut self) {
        fs::create_dir_all(&self.bin).expect("a folder for programs");
        for folder in std::env::split_paths(&inherited_path()) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                // The first one on the path counts: later ones are refused, since the name is taken.
                let _taken = std::os::unix::fs::symlink(entry.path(), self.bin.join(entry.file_name()));
            }
        }
        self.path = Some(self.bin.clone().into_os_string());
    }

    /// Has a command find them.
    pub fn apply(&self, command: &mut Command) {
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
    }
}

/// A program of the system by its full name.
fn real(program: &str) -> PathBuf {
    let folders: Vec<PathBuf> = std::env::split_paths(&inherited_path()).collect();
    folders.into_iter().map(|folder| folder.join(program)).find(|file| file.is_file()).expect("an installed program")
}

fn inherited_path() -> OsString {
    variable("PATH").expect("a search path")
}

/// A variable of the test's own environment.
#[expect(clippy::disallowed_methods, reason = "tests are told by variables how much to do")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
