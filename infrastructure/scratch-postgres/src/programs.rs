//! PostgreSQL's programs on this machine, and whom they run as.

use crate::error::ScratchError;
use nix::unistd::{User, geteuid};
use std::{
    ffi::OsStr,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where Debian keeps them, a folder for each major version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Where others may.
const ELSEWHERE: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"];

/// The programs of one version.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    /// User and group, when they are not the starter's own.
    owner: Option<(u32, u32)>,
}

impl Programs {
    /// The newest on this machine.
    pub fn find() -> Result<Self, ScratchError> {
        let mut versions: Vec<u32> = fs::read_dir(DEBIAN)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        versions.sort_unstable_by(|one, other| other.cmp(one));
        let debian = versions.into_iter().map(|version| Path::new(DEBIAN).join(version.to_string()).join("bin"));
        let mut folders = debian.chain(ELSEWHERE.map(PathBuf::from));
        let folder = folders.find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
        let owner = if geteuid().is_root() { Some(somebody_else()?) } else { None };
        Ok(Self { folder: folder.ok_or(ScratchError::NotInstalled)?, owner })
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// User and group to run as, when they are not the starter's own.
    pub fn owner(&self) -> Option<(u32, u32)> {
        self.owner
    }

    /// A command that runs as whom the server runs as.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        // Its own folder may be closed to that user, and settings for people change what programs do.
        command.current_dir("/").env("LC_ALL", "C.UTF-8").env_remove("PGOPTIONS").env_remove("PGSERVICE");
        command
    }

    /// Runs a program to its end; gives what it prints, without the last line break.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String, ScratchError> {
        // psql may be elsewhere: it belongs to another package.
        let beside = self.folder.join(program);
        let path = if beside.exists() { beside } else { PathBuf::from(program) };
        let mut command = self.command(&path);
        command.args(args).stdin(Stdio::null());
        // A server that is started here would keep a pipe open for as long as it lives.
        let is_starter = program == "pg_ctl";
        if is_starter {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let output = command.output().map_err(|source| ScratchError::Run { program: program.to_owned(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let said = if is_starter { output.status.to_string().into() } else { String::from_utf8_lossy(&output.stderr) };
        Err(ScratchError::Failed { program: program.to_owned(), said: said.trim_end().to_owned() })
    }
}

fn somebody_else() -> Result<(u32, u32), ScratchError> {
    let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    found.map(|user| (user.uid.as_raw(), user.gid.as_raw())).ok_or(ScratchError::NobodyToRunAs)
}
