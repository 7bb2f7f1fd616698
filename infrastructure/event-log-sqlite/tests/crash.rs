//! A writer killed with SIGKILL, again and again: what it acknowledged is there, and the log is sound.
//!
//! This test is its own child: `crash write FILE` appends until it is killed and prints every
//! acknowledgement.

use anyhow::{Context, Result, ensure};
use application::{
    ports::event_log::EventLog,
    testing::{
        ManualClock, MemoryKeyVault,
        event_log_kit::{append, plain, speech, stream},
    },
};
use event_codec::EventCodec;
use event_log_sqlite::SqliteEventLog;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use tokio::task::JoinSet;

const ROUNDS: usize = 30;
const STREAMS: u64 = 8;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1..) {
        Some([verb, file]) if verb == "write" => write_until_killed(Path::new(file)).await,
        // The test runner's own arguments, such as filters, do not matter.
        _ => survive().await,
    }
}

async fn survive() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("events.db");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        // The first rounds die while the file is being made.
        let patience = if round < 4 { 0 } else { round * 53 % 400 };
        acknowledged.extend(kill_after(&file, patience)?);
        let log = open(&file).await?;
        let found = log.verify().await?;
        ensure!(found.faults.is_empty(), "round {round}: {:?}", found.faults);
        for (number, revision, position) in &acknowledged {
            let events = log.read_stream(&stream(*number), *revision, 1).await?;
            let event = events.first().with_context(|| format!("round {round}: an acknowledged event is lost"))?;
            ensure!(event.position == *position, "round {round}: an event has moved");
        }
        log.close().await;
    }
    println!("crash: {ROUNDS} kills, {} acknowledged appends, all there ... ok", acknowledged.len());
    ensure!(acknowledged.len() > ROUNDS, "the child did not write");
    Ok(())
}

/// Runs the child until it has acknowledged so many appends, kills it, and gives all it acknowledged.
fn kill_after(file: &Path, patience: usize) -> Result<Vec<(u64, u64, u64)>> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("write")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .context("the child starts")?;
    let mut lines = BufReader::new(child.stdout.take().context("the child's output")?);
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    let mut killed = false;
    loop {
        if !killed && acknowledged.len() >= patience {
            child.kill()?;
            killed = true;
        }
        line.clear();
        // A line without an end was cut off by the kill.
        if lines.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            break;
        }
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [number, revision, position] = numbers.as_slice() else { anyhow::bail!("a malformed line") };
        acknowledged.push((*number, *revision, *position));
    }
    ensure!(killed, "the child ended by itself");
    child.wait()?;
    Ok(acknowledged)
}

async fn write_until_killed(file: &Path) -> Result<()> {
    let log = Arc::new(open(file).await?);
    let mut writers = JoinSet::new();
    for number in 0..STREAMS {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            let mut revision = log.read_stream(&stream(number), 1, usize::MAX).await?.len() as u64;
            loop {
                let command = number << 32 | revision;
                let events = vec![speech("Something was said."), plain(1)];
                let appended = log.append(append(command, stream(number), revision, events)).await?;
                revision = appended.revision;
                println!("{number} {revision} {}", appended.position);
            }
        });
    }
    writers.join_next().await.map_or(Ok(()), |ended: Result<Result<()>, _>| ended?)
}

async fn open(file: &Path) -> Result<SqliteEventLog> {
    let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    Ok(SqliteEventLog::open(file, codec, Arc::new(ManualClock::default())).await?)
}
