//! One scan from the connection to the verdict.

use crate::{
    address::ClamdAddress,
    answer,
    wire::{self, SendError},
};
use application::ports::{
    engine::{Engine, EngineError, EngineInfo},
    scanner::{MalwareScanner, ScanError, Verdict},
};
use async_trait::async_trait;
use std::{future::Future, io, path::Path, time::Duration};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// Debian's package with the daemon.
const PACKAGE: &str = "clamav-daemon";

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the connection stands; also for the whole of a ping.
    pub connect: Duration,
    /// During which the daemon may take no further byte of the file.
    pub stall: Duration,
    /// From the last byte of the file to the verdict.
    pub verdict: Duration,
}

impl Default for Timeouts {
    /// Five seconds, half a minute, and five minutes: clamd itself gives up a scan after two (`MaxScanTime`).
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), stall: Duration::from_secs(30), verdict: Duration::from_secs(300) }
    }
}

/// Scans with the daemon at an address. Each scan has a connection of its own; none is kept.
#[derive(Clone, Debug)]
pub struct ClamdScanner {
    address: ClamdAddress,
    timeouts: Timeouts,
}

impl ClamdScanner {
    /// Scans there. Nothing is connected yet.
    pub fn new(address: ClamdAddress, timeouts: Timeouts) -> Self {
        Self { address, timeouts }
    }

    async fn ask(&self, word: &str) -> Result<String, ScanError> {
        let asked = async {
            let mut socket = self.connect().await?;
            wire::ask(&mut socket, word).await.map_err(ScanError::Unreachable)
        };
        within(self.timeouts.connect, asked).await?
    }

    async fn connect(&self) -> Result<Box<dyn Socket>, ScanError> {
        let connected = async {
            Ok::<Box<dyn Socket>, io::Error>(match &self.address {
                ClamdAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
                ClamdAddress::Tcp { host, port } => Box::new(TcpStream::connect((host.as_str(), *port)).await?),
            })
        };
        within(self.timeouts.connect, connected).await?.map_err(ScanError::Unreachable)
    }

    /// Sends and listens side by side: a daemon that has seen enough answers in the middle and hangs up.
    async fn exchange(&self, socket: Box<dyn Socket>, file: &mut File) -> Result<String, ScanError> {
        let (mut from, mut to) = tokio::io::split(socket);
        let answered = wire::answer(&mut from);
        tokio::pin!(answered);
        let sent = tokio::select! {
            biased;
            answer = &mut answered => return answer.map_err(ScanError::Unreachable),
            sent = wire::send(&mut to, file, self.timeouts.stall) => sent,
        };
        match sent {
            Ok(()) => within(self.timeouts.verdict, answered).await?.map_err(ScanError::Unreachable),
            Err(SendError::Stalled) => Err(timed_out(self.timeouts.stall)),
            Err(SendError::File(error)) => Err(ScanError::File(error)),
            // What it said before it hung up is still there to be read.
            Err(SendError::Daemon(error)) => {
                within(self.timeouts.connect, answered).await?.map_err(|_nothing_said| ScanError::Unreachable(error))
            }
        }
    }
}

#[async_trait]
impl MalwareScanner for ClamdScanner {
    async fn scan(&self, file: &Path) -> Result<Verdict, ScanError> {
        let mut file = File::open(file).await.map_err(ScanError::File)?;
        let meta = file.metadata().await.map_err(ScanError::File)?;
        if !meta.is_file() {
            return Err(ScanError::File(io::ErrorKind::InvalidInput.into()));
        }
        let socket = self.connect().await?;
        let answer = self.exchange(socket, &mut file).await?;
        answer::verdict(&answer, meta.len())
    }

    async fn ping(&self) -> Result<(), ScanError> {
        answer::pong(&self.ask("PING").await?)
    }
}

#[async_trait]
impl Engine for ClamdScanner {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        let said = self.ask("VERSION").await.map_err(engine_error)?;
        Ok(EngineInfo {
            name: "clamd".to_owned(),
            purpose: "malware scan of uploads".to_owned(),
            version: answer::version(&said).map_err(engine_error)?,
            languages: vec![],
            licence: "GPL-2.0-only".to_owned(),
            model_digest: None,
        })
    }
}

/// What is not there is missing; anything else may pass.
fn engine_error(error: ScanError) -> EngineError {
    match error {
        ScanError::Unreachable(source) if source.kind() == io::ErrorKind::NotFound => {
            EngineError::Missing { engine: "clamd's socket".to_owned(), package: PACKAGE.to_owned() }
        }
        ScanError::Unreachable(source) => transient(format!("it cannot be reached ({})", source.kind())),
        error => transient(error.to_string()),
    }
}

fn transient(detail: String) -> EngineError {
    EngineError::Transient { operation: "clamd", detail, retry_after: None }
}

async fn within<T>(bound: Duration, work: impl Future<Output = T>) -> Result<T, ScanError> {
    timeout(bound, work).await.map_err(|_elapsed| timed_out(bound))
}

/// In whole seconds, rounded up.
fn timed_out(bound: Duration) -> ScanError {
    ScanError::TimedOut { seconds: bound.as_secs() + u64::from(bound.subsec_nanos() > 0) }
}

/// Either kind of connection.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}
