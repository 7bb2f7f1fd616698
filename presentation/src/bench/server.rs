//! The server that is measured: one that runs already, or a child of this process with a data folder of its own.

use super::client;
use crate::{
    cli::ApiArgs,
    exit::{Exit, Failure},
    home::Home,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};

/// How long a server may take until it answers, a long log included.
const READY_MAX: Duration = Duration::from_secs(120);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// How long it may take to stop.
const STOP_MAX: Duration = Duration::from_secs(30);
/// What the server says as soon as it listens.
const SERVES: &str = "dragoman serves http://";

/// Where to send requests, and whom to watch.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// What opens it, if anything must.
    pub token: Option<String>,
    /// Its process.
    pub pid: u32,
}

impl Target {
    /// The one that the arguments name, if they name one.
    pub fn given(args: &ApiArgs) -> Result<Option<Self>, Failure> {
        let (Some(url), Some(token_file), Some(pid)) = (&args.server, &args.token_file, args.pid) else {
            return Ok(None);
        };
        let address = address_of(url).ok_or_else(|| {
            Failure::usage("--server is http://ADDRESS:PORT of this machine, as `dragoman serve` prints it")
        })?;
        let token = fs::read_to_string(token_file).map_err(|error| {
            Failure::usage(format!("{}: it cannot be read ({})", token_file.display(), error.kind()))
        })?;
        Ok(Some(Self { address, token: Some(token.trim().to_owned()), pid }))
    }
}

/// More than any machine asks.
const RATES: &str = "[rates]\naddress_per_minute = 1_000_000_000\nuser_per_minute = 1_000_000_000\n\
    key_per_minute = 1_000_000_000\nglobal_per_minute = 1_000_000_000\n";

/// A server of ours, killed when it is dropped.
pub struct OwnServer {
    child: Child,
    target: Target,
    ready_after: Duration,
    /// Kept open: a server whose words nobody reads would be told so.
    _stdout: BufReader<ChildStdout>,
}

impl OwnServer {
    /// Starts one in this folder, and waits until it is ready. Its log is `server.log` beside its data.
    pub async fn start(folder: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::internal(&error);
        let (data, config, log) = (data(folder), folder.join("dragoman.toml"), folder.join("server.log"));
        // Nobody's own configuration is measured, and limits are counted but never met.
        fs::write(&config, RATES).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data).arg("--config").arg(&config);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).map_err(failed)?);
        let began = Instant::now();
        let mut child = command.kill_on_drop(true).spawn().map_err(failed)?;
        let pid = child.id().unwrap_or_default();
        let stdout = child.stdout.take().ok_or_else(|| gone(&log))?;
        let mut stdout = BufReader::new(stdout);
        let address = timeout(READY_MAX, address(&mut stdout)).await.ok().flatten().ok_or_else(|| gone(&log))?;
        let target = Target { address, token: None, pid };
        while client::get(&target, "/readyz").await.is_err() {
            if began.elapsed() > READY_MAX {
                return Err(gone(&log));
            }
            sleep(ASK_EVERY).await;
        }
        let ready_after = began.elapsed();
        let home = Home::locate(Some(data))?;
        let token = fs::read_to_string(home.api_token()).map_err(failed)?;
        let target = Target { token: Some(token.trim().to_owned()), ..target };
        Ok(Self { child, target, ready_after, _stdout: stdout })
    }

    /// Where it is.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How long it took from its start until it said that it is ready.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Stops it, and waits for its end.
    pub async fn stop(mut self) -> Result<(), Failure> {
        let pid = i32::try_from(self.target.pid).map_err(|error| Failure::internal(&error))?;
        kill(Pid::from_raw(pid), Signal::SIGTERM).map_err(|error| Failure::internal(&error))?;
        match timeout(STOP_MAX, self.child.wait()).await {
            Ok(ended) => ended.map(drop).map_err(|error| Failure::internal(&error)),
            Err(_) => Err(Failure::new(Exit::Internal, "the server does not stop")),
        }
    }
}

/// Where a server of this folder keeps its data.
pub fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// What the server says when it listens; `None` when it ends before.
async fn address(stdout: &mut BufReader<ChildStdout>) -> Option<SocketAddr> {
    let mut line = String::new();
    while stdout.read_line(&mut line).await.ok()? > 0 {
        if let Some(rest) = line.strip_prefix(SERVES) {
            return rest.split_whitespace().next()?.parse().ok();
        }
        line.clear();
    }
    None
}

fn address_of(url: &str) -> Option<SocketAddr> {
    let address = url.strip_prefix("http://")?.trim_end_matches('/').parse().ok();
    address.filter(|address: &SocketAddr| address.ip().is_loopback())
}

fn gone(log: &Path) -> Failure {
    let text = fs::read_to_string(log).unwrap_or_default();
    let said = text.lines().last().unwrap_or("it said nothing");
    Failure::new(Exit::Internal, format!("the server did not start: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_of_this_machine_are_measured() {
        let check = |url: &str, expected: Option<&str>| {
            assert_eq!(address_of(url).map(|address| address.to_string()).as_deref(), expected, "{url}");
        };
        check("http://127.0.0.1:8080", Some("127.0.0.1:8080"));
        check("http://[::1]:8080/", Some("[::1]:8080"));
        check("http://192.0.2.1:8080", None);
        check("https://127.0.0.1:8080", None);
        check("127.0.0.1", None);
    }
}
