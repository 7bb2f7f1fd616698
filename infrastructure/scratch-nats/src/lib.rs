//! A NATS server of one's own, with JetStream, in a scratch folder and on a free port: for tests, benchmarks and
//! demonstrations.
//!
//! It is the system's `nats-server`, and ends with its starter, however that ends: a guard beside it waits for the other
//! end of a pipe to close, kills the server and removes the folder. Deliberately absent: clusters, and anything that a
//! server with messages to keep would need.

mod error;

pub use error::ScratchError;

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use scratch_guard::Guard;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Where the program is beside the search path, which may lack the administrator's programs.
const PROGRAM: &str = "/usr/sbin/nats-server";
/// How often a start is tried: another process may take the port meanwhile.
const STARTS: u32 = 5;
/// How long a server may take to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks at whether it does.
const PAUSE: Duration = Duration::from_millis(10);
/// Kills the server, if it runs, and removes the folder.
const SCRIPT: &str = r#"
[ ! -e "$1/pid" ] || kill -KILL "$(cat "$1/pid")" 2>/dev/null
rm -rf "$1"
"#;

/// A server. Dropping it kills it and removes what it kept.
#[derive(Debug)]
pub struct ScratchNats {
    folder: PathBuf,
    port: u16,
    settings: String,
    server: Mutex<Option<Child>>,
    /// Ends with this value.
    _guard: Guard,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are ended, and everything is written down.
    Fast,
    /// At once, as a crash does.
    Immediate,
}

impl Stop {
    fn signal(self) -> Signal {
        match self {
            Stop::Fast => Signal::SIGTERM,
            Stop::Immediate => Signal::SIGKILL,
        }
    }
}

impl ScratchNats {
    /// Makes and starts a server with JetStream and without accounts.
    pub fn start() -> Result<Self, ScratchError> {
        Self::start_with(|folder| format!("jetstream {{ store_dir: \"{}/store\" }}\n", folder.display()))
    }

    /// The same with the settings that follow from its folder, as in `nats-server.conf`, beside address and port.
    /// JetStream, if it is among them, keeps what it has in `store` in the folder.
    pub fn start_with(settings: impl FnOnce(&Path) -> String) -> Result<Self, ScratchError> {
        let folder = tempfile::Builder::new().prefix("scratch-nats-").tempdir().map_err(ScratchError::Folder)?.keep();
        let args = [folder.as_os_str()];
        let guard = Guard::begin(Command::new("sh"), SCRIPT, &args).map_err(ScratchError::Folder)?;
        let settings = settings(&folder);
        let mut server = Self { folder, port: 0, settings, server: Mutex::new(None), _guard: guard };
        for _ in 1..STARTS {
            server.port = free_port()?;
            match server.start_again() {
                Err(ScratchError::NotInstalled) => return Err(ScratchError::NotInstalled),
                Err(_port_may_be_taken) => {}
                Ok(()) => return Ok(server),
            }
        }
        server.port = free_port()?;
        server.start_again().map(|()| server)
    }

    /// Starts it after a stop, on the same port, and waits until it answers.
    pub fn start_again(&self) -> Result<(), ScratchError> {
        let config = self.folder.join("config");
        let text = format!("listen: 127.0.0.1:{}\n{}", self.port, self.settings);
        fs::write(&config, text).map_err(ScratchError::Folder)?;
        let path = Path::new(PROGRAM);
        let mut command = Command::new(if path.exists() { path } else { Path::new("nats-server") });
        let (pid, log) = (self.folder.join("pid"), self.folder.join("log"));
        command.arg("-c").arg(&config).arg("-P").arg(&pid).arg("-l").arg(&log).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ScratchError::NotInstalled,
            _ => ScratchError::Run(source),
        })?;
        // The server writes the same, but only after a while.
        fs::write(&pid, child.id().to_string()).map_err(ScratchError::Folder)?;
        let began = Instant::now();
        while !self.is_answering() {
            let has_ended = child.try_wait().map_err(ScratchError::Run)?.is_some();
            if has_ended || began.elapsed() > PATIENCE {
                // Ended or not: nothing of it may stay.
                let _ended_already = child.kill();
                let _ended = child.wait();
                return Err(ScratchError::Failed { said: self.last_words() });
            }
            thread::sleep(PAUSE);
        }
        *self.server() = Some(child);
        Ok(())
    }

    /// Stops it; what it keeps stays.
    pub fn stop(&self, how: Stop) -> Result<(), ScratchError> {
        let Some(mut child) = self.server().take() else { return Ok(()) };
        signal(&child, how.signal());
        let ended = child.wait().map(|_| ()).map_err(ScratchError::Run);
        // Its number may become another's.
        let _removed_by_itself = fs::remove_file(self.folder.join("pid"));
        ended
    }

    /// Removes everything that JetStream keeps. The server must be stopped.
    pub fn wipe(&self) -> Result<(), ScratchError> {
        match fs::remove_dir_all(self.folder.join("store")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ScratchError::Folder(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Lets it stand still, as a machine that hangs does, until [`Self::resume`].
    pub fn pause(&self) {
        self.server().as_ref().inspect(|child| {
            signal(child, Signal::SIGSTOP);
            // Until all its threads do.
            let _stopped = i32::try_from(child.id()).map(|id| waitpid(Pid::from_raw(id), Some(WaitPidFlag::WUNTRACED)));
        });
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.server().as_ref().inspect(|child| signal(child, Signal::SIGCONT));
    }

    /// Its address, for clients.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn server(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server greets whoever connects.
    fn is_answering(&self) -> bool {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut greeting = String::new();
        let is_patient = stream.set_read_timeout(Some(PATIENCE)).is_ok();
        is_patient && BufReader::new(stream).read_line(&mut greeting).is_ok() && greeting.starts_with("INFO ")
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let mut last: Vec<&str> = log.lines().rev().take(5).collect();
        last.reverse();
        last.join("\n")
    }
}

impl Drop for ScratchNats {
    fn drop(&mut self) {
        let _the_guard_kills_it_too = self.stop(Stop::Immediate);
    }
}

/// To a child that was not waited for yet, so that its number is still its own.
fn signal(child: &Child, signal: Signal) {
    let _ended_already = i32::try_from(child.id()).map(|id| kill(Pid::from_raw(id), signal));
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16, ScratchError> {
    let found = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(found.map_err(ScratchError::Folder)?.port())
}

#[cfg(test)]
mod tests;
