//! Foreign code runs here: child processes with limits, which die with their parent.

use async_trait::async_trait;
use std::{
    ffi::OsString,
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use thiserror::Error;
use tokio::sync::mpsc;

/// Runs child processes. Every run is bounded in time, memory and output; dropping the future kills
/// the child and whatever it started; a child never outlives this process, even after SIGKILL.
#[async_trait]
pub trait ChildProcesses: Send + Sync {
    /// Runs a child to its end and returns what it wrote to standard output.
    ///
    /// A non-zero exit is [`ChildError::Failed`].
    async fn run(&self, child: Child) -> Result<ChildOutput, ChildError>;

    /// As [`ChildProcesses::run`], but hands over each line of the named stream as soon as it is
    /// written. A closed receiver does not stop the child; dropping the future does.
    async fn stream(
        &self,
        child: Child,
        lines_of: ChildStream,
        lines: mpsc::Sender<String>,
    ) -> Result<ChildOutput, ChildError>;
}

/// What to run, and within which limits.
#[derive(Clone, Debug)]
pub struct Child {
    /// A name to look up on the search path, or a path.
    pub program: PathBuf,
    /// Arguments, never through a shell.
    pub args: Vec<OsString>,
    /// Environment variables beside the inherited ones.
    pub env: Vec<(OsString, OsString)>,
    /// Working folder; the parent's when `None`.
    pub folder: Option<PathBuf>,
    /// Everything the child reads from standard input.
    pub stdin: Vec<u8>,
    /// The bounds.
    pub limits: ChildLimits,
}

impl Child {
    /// A child with no arguments, no input and default limits.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            stdin: Vec::new(),
            limits: ChildLimits::default(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets standard input.
    #[must_use]
    pub fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// Sets the bounds.
    #[must_use]
    pub fn limits(mut self, limits: ChildLimits) -> Self {
        self.limits = limits;
        self
    }
}

/// Bounds of one child. A child that crosses one is killed.
#[derive(Clone, Copy, Debug)]
pub struct ChildLimits {
    /// Wall time.
    pub wall: Duration,
    /// Address space in bytes (`RLIMIT_AS`); `None` leaves it to the machine.
    pub memory_bytes: Option<u64>,
    /// Standard output in bytes; more is an error, not a truncation.
    pub output_bytes: usize,
    /// Largest file it may write, in bytes (`RLIMIT_FSIZE`).
    pub file_bytes: Option<u64>,
}

impl Default for ChildLimits {
    /// One minute, 2 GiB of address space, 16 MiB of output, no limit on files.
    fn default() -> Self {
        Self { wall: Duration::from_secs(60), memory_bytes: Some(2 << 30), output_bytes: 16 << 20, file_bytes: None }
    }
}

/// Which of a child's streams is handed over line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a child that exited with 0 left behind.
#[derive(Clone, Debug)]
pub struct ChildOutput {
    /// Everything on standard output (empty when it was streamed).
    pub stdout: Vec<u8>,
    /// The last 4 KiB of standard error.
    pub stderr_tail: String,
}

/// Why a child gave no result.
#[derive(Debug, Error)]
pub enum ChildError {
    /// There is no such program on the search path.
    #[error("{program} is not installed")]
    Missing {
        /// The program asked for.
        program: String,
    },
    /// It ran past its wall time and was killed.
    #[error("{program} did not finish within {seconds} s")]
    TimedOut {
        /// The program asked for.
        program: String,
        /// The bound.
        seconds: u64,
    },
    /// It wrote more than it may.
    #[error("{program} wrote more than {bytes} bytes")]
    TooMuchOutput {
        /// The program asked for.
        program: String,
        /// The bound.
        bytes: usize,
    },
    /// A signal ended it: a crash, or a limit of memory or file size.
    #[error("{program} was ended by signal {signal}")]
    Killed {
        /// The program asked for.
        program: String,
        /// The signal's number.
        signal: i32,
        /// The last 4 KiB of standard error. May hold personal data: never log it.
        stderr_tail: String,
    },
    /// It exited with something else than 0.
    #[error("{program} failed with exit code {code}")]
    Failed {
        /// The program asked for.
        program: String,
        /// Its exit code.
        code: i32,
        /// Everything on standard output: a sandboxed child explains itself there.
        stdout: Vec<u8>,
        /// The last 4 KiB of standard error. May hold personal data: never log it.
        stderr_tail: String,
    },
    /// It could not be started or spoken to.
    #[error("{program} could not be run")]
    Io {
        /// The program asked for.
        program: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

tokio::task_local! {
    static MEMORY: Arc<ChildMemory>;
}

/// The memory that the children of a task need, at most. Adapters tell it; what a task starts in other tasks is not seen.
#[derive(Debug, Default)]
pub struct ChildMemory(Mutex<Tally>);

#[derive(Debug, Default)]
struct Tally {
    running: u64,
    /// The most that ran at a time.
    running_max: u64,
    /// The most that one of them had in memory.
    bytes_max: u64,
}

impl ChildMemory {
    /// Runs a future whose children are counted here.
    pub async fn of_children_in<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        MEMORY.scope(self, future).await
    }

    /// Where the children of this task are counted, if they are.
    pub fn here() -> Option<Arc<Self>> {
        MEMORY.try_with(Arc::clone).ok()
    }

    /// A child runs until the guard is dropped.
    #[must_use = "the child counts as running only as long as the guard lives"]
    pub fn enter(self: &Arc<Self>) -> CountedChild {
        let mut tally = self.tally();
        tally.running += 1;
        tally.running_max = tally.running_max.max(tally.running);
        CountedChild(Arc::clone(self))
    }

    /// Bytes that they needed together at most: as many as ran at a time, each as large as the largest.
    pub fn bytes(&self) -> u64 {
        let tally = self.tally();
        tally.bytes_max.saturating_mul(tally.running_max)
    }

    /// The tally is plain numbers and valid at every moment, so a panic elsewhere does not spoil it.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child that is counted. Dropping it ends that.
#[derive(Debug)]
pub struct CountedChild(Arc<ChildMemory>);

impl CountedChild {
    /// It had so many bytes in memory at most.
    pub fn had(&self, bytes: u64) {
        let mut tally = self.0.tally();
        tally.bytes_max = tally.bytes_max.max(bytes);
    }
}

impl Drop for CountedChild {
    fn drop(&mut self) {
        let mut tally = self.0.tally();
        tally.running = tally.running.saturating_sub(1);
    }
}
