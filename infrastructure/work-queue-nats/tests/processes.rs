//! Workers in processes of their own, which are killed and stopped at random while the server is restarted: each piece of
//! work is done once in effect, and whoever wakes up too late takes nothing from anybody.
//!
//! This test is its own children: `processes work URL` and `processes hold URL`. The number of works may be given by the
//! variable `WORKS`.

#[path = "common/mod.rs"]
mod common;

use anyhow::{Context, Result, ensure};
use application::ports::work_queue::WorkQueue;
use common::{at, settings, work};
use domain::flow::Stage;
use futures::TryStreamExt;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use scratch_nats::{ScratchNats, Stop};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};
use work_queue_nats::NatsWorkQueue;

/// Processes that work, and workers in each.
const PROCESSES: usize = 4;
const WORKERS: usize = 2;
/// Pieces of work, unless the environment says otherwise.
const WORKS: u32 = 10_000;
/// Every so many take long enough to be caught in the middle.
const LONG_ONES: u32 = 200;
const LEASE: Duration = Duration::from_secs(2);
/// After so long, something hangs.
const HANGING: Duration = Duration::from_secs(240);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1..) {
        Some([verb, url]) if verb == "work" => toil(url).await,
        Some([verb, url]) if verb == "hold" => hold(url).await,
        // The test runner's own arguments, such as filters, do not matter.
        _ => {
            timeout(HANGING, wake_up_late()).await.context("it does not come to its end")??;
            survive().await
        }
    }
}

async fn open(url: &str) -> Result<NatsWorkQueue> {
    Ok(NatsWorkQueue::connect(&at(url), settings("dragoman", LEASE)).await?)
}

/// Works for ever; prints `done NUMBER DELIVERIES` before the queue is told, as the log is told before the queue.
async fn toil(url: &str) -> Result<()> {
    let queue = Arc::new(open(url).await?);
    let workers = (0..WORKERS).map(|_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            loop {
                let Ok(delivery) = queue.pull(LEASE).await else { continue };
                let number = delivery.work.fence.attempt;
                let beats = if number.is_multiple_of(LONG_ONES) { 3 } else { 0 };
                let mut has_it = true;
                for _ in 0..beats {
                    sleep(LEASE / 8).await;
                    has_it = has_it && queue.heartbeat(delivery.receipt, LEASE).await.unwrap_or(false);
                }
                if has_it {
                    println!("done {number} {}", delivery.deliveries);
                    // An error costs a lease: it is handed out again, and the log wants it no more.
                    let _told = queue.complete(delivery.receipt).await;
                }
            }
        })
    });
    futures::future::join_all(workers).await;
    Ok(())
}

/// Takes one piece of work and says so; completes it once it is told to, however late, and says so.
async fn hold(url: &str) -> Result<()> {
    let queue = open(url).await?;
    let delivery = queue.pull(LEASE).await?;
    println!("has {} {}", delivery.work.fence.attempt, delivery.deliveries);
    let mut line = String::new();
    tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut line)).await??;
    queue.complete(delivery.receipt).await?;
    println!("completed {} 0", delivery.work.fence.attempt);
    Ok(())
}

fn child(verb: &str, url: &str) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(verb).arg(url).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().context("a child starts")
}

fn signal(child: &Child, signal: Signal) -> Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(child.id())?), signal)?)
}

/// A worker is stopped past its lease, and goes on when another one has its work.
async fn wake_up_late() -> Result<()> {
    let server = ScratchNats::start()?;
    let queue = open(&server.url()).await?;
    queue.publish(work(Stage::Ingest, 1)).await?;
    let mut late = child("hold", &server.url())?;
    let mut said = BufReader::new(late.stdout.take().context("its output")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    ensure!(line == "has 1 1\n", "it said: {line}");
    let taken = Instant::now();
    signal(&late, Signal::SIGSTOP)?;
    let current = queue.pull(LEASE).await?;
    ensure!(taken.elapsed() <= LEASE * 3 / 2, "handed out again after {:?}", taken.elapsed());
    ensure!(current.deliveries == 2, "{}", current.deliveries);
    signal(&late, Signal::SIGCONT)?;
    late.stdin.take().context("its input")?.write_all(b"go on\n")?;
    line.clear();
    said.read_line(&mut line)?;
    ensure!(line == "completed 1 0\n", "it said: {line}");
    late.wait()?;
    ensure!(queue.heartbeat(current.receipt, LEASE).await?, "whoever has it keeps it");
    queue.complete(current.receipt).await?;
    ensure!(queue.depth().await?.is_empty());
    println!("processes: a worker that was stopped past its lease took nothing from the next ... ok");
    Ok(())
}

/// What the log would know: which work is done. It takes a result once, and refuses it ever after.
#[derive(Default)]
struct Log {
    done: BTreeSet<u32>,
    refused: u32,
    redelivered: u32,
}

impl Log {
    fn take(&mut self, line: &str) -> Result<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["done", number, deliveries] = words.as_slice() else { return Ok(()) };
        let deliveries: u32 = deliveries.parse()?;
        self.redelivered += u32::from(deliveries > 1);
        self.refused += u32::from(!self.done.insert(number.parse()?));
        Ok(())
    }
}

async fn survive() -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "whoever measures says how many")]
    let works = std::env::var("WORKS").ok().and_then(|works| works.parse().ok()).unwrap_or(WORKS);
    let server = Arc::new(ScratchNats::start()?);
    let queue = Arc::new(open(&server.url()).await?);
    let log = Arc::new(Mutex::new(Log::default()));
    let began = Instant::now();
    let tormented = {
        let (server, log) = (Arc::clone(&server), Arc::clone(&log));
        tokio::task::spawn_blocking(move || torment(&server, &log, works))
    };
    // As the dispatcher does: at once, and again what is owed after the server has lost it.
    let publish = |numbers: Vec<u32>| {
        let queue = Arc::clone(&queue);
        futures::stream::iter(numbers.into_iter().map(Ok::<u32, anyhow::Error>)).try_for_each_concurrent(
            16,
            move |number| {
                let queue = Arc::clone(&queue);
                async move { Ok(queue.publish(work(Stage::Ingest, number)).await?) }
            },
        )
    };
    publish((1..=works).collect()).await?;
    let published = began.elapsed();
    while !tormented.is_finished() {
        sleep(Duration::from_secs(1)).await;
        let owed = {
            let log = heard(&log);
            (1..=works).filter(|number| !log.done.contains(number)).collect::<Vec<u32>>()
        };
        publish(owed).await?;
    }
    let torments = tormented.await??;
    // What was killed after its report and before the queue was told is handed out once more, and refused.
    let drain = async {
        while !queue.depth().await?.is_empty() {
            if let Ok(delivery) = timeout(Duration::from_millis(100), queue.pull(LEASE)).await {
                let delivery = delivery?;
                ensure!(heard(&log).done.contains(&delivery.work.fence.attempt), "it was done");
                queue.complete(delivery.receipt).await?;
            }
        }
        Ok(())
    };
    timeout(LEASE * 5, drain).await.context("the queue becomes empty")??;
    let log = heard(&log);
    ensure!(log.done == (1..=works).collect(), "all is done");
    let Torments { kills, stops, restarts, wipes } = torments;
    println!(
        "processes: {works} works published in {published:.1?}, done in {:.1?}; {kills} kills, {stops} stops, \
         {restarts} restarts of the server, {wipes} losses of all it had; {} handed out again, {} results refused, \
         each done once in effect ... ok",
        began.elapsed(),
        log.redelivered,
        log.refused
    );
    ensure!(kills >= 20 && stops >= 3 && restarts >= 1 && wipes >= 1, "there was too little trouble");
    Ok(())
}

fn heard(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone, Copy, Debug, Default)]
struct Torments {
    kills: u32,
    stops: u32,
    restarts: u32,
    wipes: u32,
}

/// Starts the children, and kills and stops them and the server at random until all is done.
fn torment(server: &ScratchNats, log: &Mutex<Log>, works: u32) -> Result<Torments> {
    let (tell, told) = channel();
    let mut children = Vec::new();
    for _ in 0..PROCESSES {
        children.push(start(server, &tell)?);
    }
    let mut torments = Torments::default();
    let mut stopped: Option<(usize, Instant)> = None;
    let (mut random, began) = (0x2545_f491_4f6c_dd1d_u64, Instant::now());
    while heard(log).done.len() < works as usize || torments.kills < 20 || torments.stops < 3 {
        ensure!(began.elapsed() < HANGING, "it does not come to its end");
        // xorshift64 (Marsaglia 2003): any will do.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        listen(&told, log, Duration::from_millis(100 + random % 400))?;
        if let Some((index, _)) = stopped.filter(|(_, since)| since.elapsed() > LEASE * 3 / 2) {
            signal(&children[index], Signal::SIGCONT)?;
            stopped = None;
        }
        let index = usize::try_from(random >> 16)? % PROCESSES;
        let done = heard(log).done.len() as u32;
        // What takes long would never come to its end on a busy machine, where a process begins slowly.
        let is_enough = torments.kills >= 40 && torments.stops >= 3 && torments.wipes >= 1 && done > works / 10 * 9;
        if is_enough || stopped.is_some_and(|(other, _)| other == index) {
            continue;
        }
        if stopped.is_none() && random.is_multiple_of(4) {
            signal(&children[index], Signal::SIGSTOP)?;
            stopped = Some((index, Instant::now()));
            torments.stops += 1;
            continue;
        }
        children[index].kill()?;
        children[index].wait()?;
        torments.kills += 1;
        // A third of the way, the server is away for some seconds; at two thirds, it comes back without all it had.
        if torments.restarts == 0 && done > works / 3 {
            server.stop(Stop::Immediate)?;
            listen(&told, log, Duration::from_secs(3))?;
            server.start_again()?;
            torments.restarts += 1;
        } else if torments.wipes == 0 && done > works * 2 / 3 {
            server.stop(Stop::Fast)?;
            server.wipe()?;
            server.start_again()?;
            torments.wipes += 1;
        }
        children[index] = start(server, &tell)?;
    }
    for child in &mut children {
        child.kill()?;
        child.wait()?;
    }
    listen(&told, log, Duration::from_millis(100))?;
    Ok(torments)
}

/// Takes what was said for so long.
fn listen(told: &Receiver<String>, log: &Mutex<Log>, patience: Duration) -> Result<()> {
    let until = Instant::now() + patience;
    loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => heard(log).take(&line)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn start(server: &ScratchNats, tell: &Sender<String>) -> Result<Child> {
    let mut started = child("work", &server.url())?;
    let mut lines = BufReader::new(started.stdout.take().context("the child's output")?);
    let tell = tell.clone();
    thread::spawn(move || {
        let mut line = String::new();
        // One without an end was cut off by the kill.
        while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with('\n') {
            if tell.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    Ok(started)
}
