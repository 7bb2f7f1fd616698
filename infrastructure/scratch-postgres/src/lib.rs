//! A PostgreSQL server of one's own, in a scratch folder and on a free port: for tests, benchmarks and demonstrations.
//!
//! It is made from the programs of the system's package, runs as somebody without rights when its starter is root, and
//! ends with its starter, however that ends: a guard beside it waits for the other end of a pipe to close, stops the
//! server and removes the folder. Deliberately absent: anything that a server with data to keep would need.

mod error;
mod guard;
mod programs;

pub use error::ScratchError;

use programs::Programs;
use scratch_guard::Guard;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

/// The one role that a new server has.
const ROLE: &str = "postgres";
/// Its password: nobody but this machine's users reaches the server, and nothing in it is worth having.
const PASSWORD: &str = "scratch";
/// How often a start is tried: another process may take the port meanwhile.
const STARTS: u32 = 5;

/// A server. Dropping it stops it and removes what it kept.
#[derive(Debug)]
pub struct ScratchPostgres {
    programs: Programs,
    folder: PathBuf,
    port: u16,
    settings: Vec<(String, String)>,
    /// Ends with this value; `None` only while it is dropped.
    _guard: Guard,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are ended, and everything is written down.
    Fast,
    /// At once, as a crash does: it recovers at the next start.
    Immediate,
}

impl Stop {
    fn mode(self) -> &'static str {
        match self {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        }
    }
}

impl ScratchPostgres {
    /// Makes and starts a server with these settings beside its defaults, as in `postgresql.conf`.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self, ScratchError> {
        let folder = tempfile::Builder::new().prefix("scratch-postgres-").tempdir().map_err(ScratchError::Folder)?;
        Self::start_in(&folder.keep(), settings)
    }

    /// The same in this folder, which exists, is empty, and is removed at the end.
    pub fn start_in(folder: &Path, settings: &[(&str, &str)]) -> Result<Self, ScratchError> {
        let server = Self::prepare(folder, settings)?;
        let password = server.folder.join("password");
        fs::write(&password, PASSWORD).map_err(ScratchError::Folder)?;
        server.programs.give(&password)?;
        // English order of words, as on a user's machine: what must be in the order of bytes has to say so.
        server.programs.run(
            "initdb",
            [
                "-D".as_ref(),
                server.data().as_os_str(),
                "--pwfile".as_ref(),
                password.as_os_str(),
                "-U".as_ref(),
                ROLE.as_ref(),
                "--auth-host=scram-sha-256".as_ref(),
                "--auth-local=trust".as_ref(),
                "--encoding=UTF8".as_ref(),
                "--locale=C.UTF-8".as_ref(),
                "--locale-provider=icu".as_ref(),
                "--icu-locale=en-US".as_ref(),
                "--no-sync".as_ref(),
            ],
        )?;
        server.begin()
    }

    /// A replica of this server, which follows it.
    pub fn replica(&self, settings: &[(&str, &str)]) -> Result<Self, ScratchError> {
        let folder = tempfile::Builder::new().prefix("scratch-postgres-").tempdir().map_err(ScratchError::Folder)?;
        let replica = Self::prepare(&folder.keep(), settings)?;
        let data = replica.data();
        let from = format!("{}?application_name=replica", self.url("postgres"));
        let what = ["-R", "-X", "stream", "-c", "fast", "-d", &from, "-D"].map(AsRef::<std::ffi::OsStr>::as_ref);
        self.programs.run("pg_basebackup", what.into_iter().chain([data.as_os_str()]))?;
        replica.begin()
    }

    /// A server on the data in this folder, which was copied from another one's and is removed at the end.
    pub fn restore(folder: &Path, settings: &[(&str, &str)]) -> Result<Self, ScratchError> {
        Self::prepare(folder, settings)?.begin()
    }

    fn prepare(folder: &Path, settings: &[(&str, &str)]) -> Result<Self, ScratchError> {
        let programs = Programs::find()?;
        programs.give(folder)?;
        let guard = guard::over(&programs, folder)?;
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Ok(Self { programs, folder: folder.to_owned(), port: 0, settings, _guard: guard })
    }

    fn begin(mut self) -> Result<Self, ScratchError> {
        for _ in 1..STARTS {
            self.port = free_port()?;
            if self.start_again().is_ok() {
                return Ok(self);
            }
        }
        self.port = free_port()?;
        self.start_again().map(|()| self)
    }

    /// Starts it after a stop, on the same port, and waits until it takes connections.
    pub fn start_again(&self) -> Result<(), ScratchError> {
        let log = self.folder.join("log");
        let data = self.data();
        let mut options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=200",
            self.port,
            self.folder.display()
        );
        for (key, value) in &self.settings {
            options.push_str(&format!(" -c {key}='{value}'"));
        }
        let what = ["start", "-w", "-t", "60", "-o", &options, "-l"].map(AsRef::<std::ffi::OsStr>::as_ref);
        let rest = [log.as_os_str(), "-D".as_ref(), data.as_os_str()];
        let started = self.programs.run("pg_ctl", what.into_iter().chain(rest));
        started.map(|_| ()).map_err(|error| error.with_log(&log))
    }

    /// Stops it; its data stay.
    pub fn stop(&self, how: Stop) -> Result<(), ScratchError> {
        let data = self.data();
        let what = ["stop", "-w", "-m", how.mode(), "-D"].map(AsRef::<std::ffi::OsStr>::as_ref);
        self.programs.run("pg_ctl", what.into_iter().chain([data.as_os_str()])).map(|_| ())
    }

    /// Makes a replica a server that takes writes.
    pub fn promote(&self) -> Result<(), ScratchError> {
        let data = self.data();
        let what = ["promote", "-w", "-D"].map(AsRef::<std::ffi::OsStr>::as_ref);
        self.programs.run("pg_ctl", what.into_iter().chain([data.as_os_str()])).map(|_| ())
    }

    /// Makes an empty database, and gives its address.
    pub fn database(&self, name: &str) -> Result<String, ScratchError> {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        Ok(self.url(name))
    }

    /// The address of a database, for the role that may do everything.
    pub fn url(&self, database: &str) -> String {
        self.url_as(ROLE, PASSWORD, database)
    }

    /// The address of a database, for another role.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL as the role that may do everything, with psql; gives what it prints: rows by lines, columns by `|`.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String, ScratchError> {
        let url = self.url(database);
        self.programs.run("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", statements])
    }

    /// Where its data are.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where its programs are: `pg_basebackup`, `pg_dump` and their like.
    pub fn programs(&self) -> &Path {
        self.programs.folder()
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Gives a file or folder to whom the server runs as.
    pub fn give(&self, path: &Path) -> Result<(), ScratchError> {
        self.programs.give(path)
    }
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16, ScratchError> {
    let found = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(found.map_err(ScratchError::Folder)?.port())
}

impl Programs {
    /// Gives a file or folder to whom the server runs as.
    fn give(&self, path: &Path) -> Result<(), ScratchError> {
        match self.owner() {
            Some((user, group)) => chown(path, Some(user), Some(group)).map_err(ScratchError::Folder),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
