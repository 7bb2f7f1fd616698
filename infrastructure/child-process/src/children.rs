//! One run of a child from its start to its end: what goes in, what comes out, what ends it early.
//!
//! All of it is one future without tasks of its own, so that dropping the future ends everything.

use crate::{
    group::Group,
    pump::{self, Lines, Tail},
    spawner::{Spawner, Started},
};
use application::ports::{
    child::{Child, ChildError, ChildLimits, ChildMemory, ChildOutput, ChildProcesses, ChildStream, CountedChild},
    meter::EngineMeter,
    trace::{NoTraces, Traces},
};
use async_trait::async_trait;
use std::{io, os::unix::process::ExitStatusExt, path::PathBuf, process::ExitStatus, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tracing::{Instrument, Span, field};

/// How long a killed child may take to disappear before its reaping is left to the spawner. A killed process is gone
/// within milliseconds, unless the kernel holds it in a device wait that no signal ends.
const DEATH_MS_MAX: u64 = 1_000;
/// Added to the number of a signal that ended a child, as shells do.
const SIGNALLED: i32 = 128;
/// Where a program looks for the span it works for, as OpenTelemetry names it ("Environment Variables as Context
/// Propagation Carriers").
const TRACEPARENT: &str = "TRACEPARENT";

/// Child processes of this machine.
pub struct LocalChildren {
    meter: Arc<EngineMeter>,
    traces: Arc<dyn Traces>,
    spawner: Spawner,
}

impl Default for LocalChildren {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl LocalChildren {
    /// Children whose running time counts as engine time on the given meter.
    pub fn new(meter: Arc<EngineMeter>) -> Self {
        Self { meter, traces: Arc::new(NoTraces), spawner: Spawner::default() }
    }

    /// The same children, each of which is told in `TRACEPARENT` the span that stands for it here.
    #[must_use]
    pub fn traced(mut self, traces: Arc<dyn Traces>) -> Self {
        self.traces = traces;
        self
    }
}

#[async_trait]
impl ChildProcesses for LocalChildren {
    async fn run(&self, child: Child) -> Result<ChildOutput, ChildError> {
        self.to_the_end(child, None).await
    }

    async fn stream(
        &self,
        child: Child,
        lines_of: ChildStream,
        lines: mpsc::Sender<String>,
    ) -> Result<ChildOutput, ChildError> {
        self.to_the_end(child, Some((lines_of, lines))).await
    }
}

impl LocalChildren {
    async fn to_the_end(
        &self,
        child: Child,
        lines: Option<(ChildStream, mpsc::Sender<String>)>,
    ) -> Result<ChildOutput, ChildError> {
        let asked = Asked::of(&child);
        // Its program and nothing else of what it was asked: paths and texts are personal.
        let span = tracing::info_span!("child", program = asked.program, outcome = field::Empty, exit = field::Empty);
        let result = match self.until_exit(child, lines).instrument(span.clone()).await {
            Ok(end) => asked.judge(end),
            Err(stop) => Err(asked.stopped(stop)),
        };
        self.tell(&span, &result);
        result
    }

    /// Says on the span how the child ended. One that was dropped before its end has no outcome.
    fn tell(&self, span: &Span, result: &Result<ChildOutput, ChildError>) {
        let (outcome, exit) = match result {
            Ok(_) => ("done", Some(0)),
            Err(ChildError::Failed { code, .. }) => ("failed", Some(*code)),
            Err(ChildError::Killed { signal, .. }) => ("killed", Some(SIGNALLED + signal)),
            Err(ChildError::TimedOut { .. }) => ("timed-out", None),
            Err(ChildError::TooMuchOutput { .. }) => ("too-much-output", None),
            Err(ChildError::Missing { .. }) => ("missing", None),
            Err(ChildError::Io { .. }) => ("not-run", None),
        };
        span.record("outcome", outcome);
        if let Some(exit) = exit {
            span.record("exit", exit);
        }
        if result.is_err() {
            self.traces.fail(span, outcome);
        }
    }

    async fn until_exit(
        &self,
        mut child: Child,
        lines: Option<(ChildStream, mpsc::Sender<String>)>,
    ) -> Result<End, Stop> {
        let limits = child.limits;
        let stdin = std::mem::take(&mut child.stdin);
        if let Some(context) = self.traces.current() {
            // Before what the caller gave, which wins.
            child.env.insert(0, (TRACEPARENT.into(), context.as_str().into()));
        }
        let (_busy, counted) = (self.meter.enter(), ChildMemory::here().map(|memory| memory.enter()));
        let mut started = self.spawner.spawn(child, !stdin.is_empty()).await.map_err(Stop::NotStarted)?;
        let collected = timeout(limits.wall, collect(&mut started, &stdin, limits.output_bytes, lines)).await;
        match collected.unwrap_or(Err(Stop::TimedOut)) {
            Ok((stdout, stderr_tail)) => {
                note(counted.as_ref(), &started.group);
                Ok(End { status: started.group.reap()?, stdout, stderr_tail })
            }
            Err(stop) => {
                put_down(started.group, counted.as_ref()).await;
                Err(stop)
            }
        }
    }
}

/// A child that came to its own end.
struct End {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr_tail: String,
}

/// Why there is no such end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It never ran.
    NotStarted(io::Error),
    /// Past the wall time.
    TimedOut,
    /// More on standard output than allowed.
    TooMuchOutput,
    /// A pipe or a wait failed.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Feeds and drains all pipes side by side, so that neither end can wait for the other, until the child has exited
/// and both its outputs are at their end.
///
/// The exit of the child itself ends its group: whatever it left in the background would hold the pipes open.
async fn collect(
    started: &mut Started,
    stdin: &[u8],
    output_bytes_max: usize,
    lines: Option<(ChildStream, mpsc::Sender<String>)>,
) -> Result<(Vec<u8>, String), Stop> {
    let (mut out_lines, mut err_lines) = (None, None);
    match lines {
        Some((ChildStream::Stdout, sender)) => out_lines = Some(Lines::new(sender)),
        Some((ChildStream::Stderr, sender)) => err_lines = Some(Lines::new(sender)),
        None => {}
    }
    let mut tail = Tail::default();
    let group = &started.group;
    let ended = async {
        group.exited().await?;
        group.kill();
        Ok(())
    };
    let ((), stdout, (), ()) = tokio::try_join!(
        pump::feed(started.stdin.take(), stdin),
        pump::stdout(started.stdout.take(), output_bytes_max, out_lines),
        pump::stderr(started.stderr.take(), &mut tail, err_lines),
        ended,
    )?;
    Ok((stdout, tail.into_text()))
}

/// Kills a group and waits, within a bound, until its leader can be reaped. Dropping the group reaps it.
async fn put_down(group: Group, counted: Option<&CountedChild>) {
    group.kill();
    let _gone = timeout(Duration::from_millis(DEATH_MS_MAX), group.exited()).await;
    note(counted, &group);
}

/// Tells whoever counts it how much memory a child had that has exited.
fn note(counted: Option<&CountedChild>, group: &Group) {
    if let (Some(counted), Some(bytes)) = (counted, group.peak_bytes()) {
        counted.had(bytes);
    }
}

/// What errors say about the child, and need to know about what was asked for.
struct Asked {
    /// The program without its folder, which may hold a user's name.
    program: String,
    limits: ChildLimits,
    /// Whether the system looks the program up on the search path: it does so for names without a slash.
    bare_name: bool,
    /// Its working folder, when one was named.
    folder: Option<PathBuf>,
}

impl Asked {
    fn of(child: &Child) -> Self {
        let program = child.program.file_name().unwrap_or(child.program.as_os_str());
        Self {
            program: program.to_string_lossy().into_owned(),
            limits: child.limits,
            bare_name: !child.program.as_os_str().as_encoded_bytes().contains(&b'/'),
            folder: child.folder.clone(),
        }
    }

    fn judge(self, end: End) -> Result<ChildOutput, ChildError> {
        let Self { program, .. } = self;
        let End { status, stdout, stderr_tail } = end;
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(ChildOutput { stdout, stderr_tail }),
            (Some(code), _) => Err(ChildError::Failed { program, code, stdout, stderr_tail }),
            (None, Some(signal)) => Err(ChildError::Killed { program, signal, stderr_tail }),
            (None, None) => {
                let source = io::Error::other("an exit status with neither code nor signal");
                Err(ChildError::Io { program, source })
            }
        }
    }

    fn stopped(self, stop: Stop) -> ChildError {
        let missing = matches!(&stop, Stop::NotStarted(error) if self.is_missing(error));
        let Self { program, limits, .. } = self;
        match stop {
            Stop::NotStarted(_) if missing => ChildError::Missing { program },
            Stop::NotStarted(source) | Stop::Io(source) => ChildError::Io { program, source },
            Stop::TimedOut => ChildError::TimedOut { program, seconds: whole_seconds(limits.wall) },
            Stop::TooMuchOutput => ChildError::TooMuchOutput { program, bytes: limits.output_bytes },
        }
    }

    /// A program that is nowhere is missing. So is a name that is only found where it may not be run or looked for:
    /// the system answers "permission denied" as soon as one folder on the search path is closed to us. A working
    /// folder that is not there gives the same answer as a missing program, and must not pass for one.
    fn is_missing(&self, error: &io::Error) -> bool {
        let folder_fits = self.folder.as_ref().is_none_or(|folder| folder.is_dir());
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => folder_fits,
            io::ErrorKind::PermissionDenied => folder_fits && self.bare_name,
            _ => false,
        }
    }
}

/// A bound in whole seconds, rounded up: "within 0 s" would read like a mistake.
fn whole_seconds(wall: Duration) -> u64 {
    wall.as_secs() + u64::from(wall.subsec_nanos() > 0)
}
