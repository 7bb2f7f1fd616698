//! Several processes write to one log and read it, and each of them is killed again and again: no reader skips an event,
//! sees one twice or out of order; nothing that was acknowledged is lost, and nothing is written twice.
//!
//! This test is its own children: `processes write …` and `processes read …`. The number of events to write may be given
//! by the variable `EVENTS`.

use anyhow::{Context, Result, bail, ensure};
use application::{
    ports::event_log::{AppendError, EventLog, Recorded},
    testing::{
        ManualClock, MemoryKeyVault,
        event_log_kit::{append, plain, stream},
    },
};
use domain::value::Sha256;
use event_codec::EventCodec;
use event_log_postgres::PostgresEventLog;
use scratch_postgres::ScratchPostgres;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Processes that write, each with several writers, and a stream for each of those.
const PROCESSES: u64 = 4;
const WRITERS: u64 = 4;
const READERS: u64 = 2;
/// The stream that all processes fight for.
const SHARED: u64 = 1_000;
/// Events written, unless the environment says otherwise.
const EVENTS: u64 = 100_000;
/// Events in one append.
const EVENTS_AN_APPEND: u64 = 1;
/// After so long, something hangs.
const HANGING: Duration = Duration::from_secs(1_800);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let numbers = |texts: &[String]| texts.iter().map(|text| Ok(text.parse()?)).collect::<Result<Vec<u64>>>();
    match arguments.get(1..) {
        Some([verb, url, rest @ ..]) if verb == "write" => write(url, &numbers(rest)?).await,
        Some([verb, url, rest @ ..]) if verb == "read" => read(url, &numbers(rest)?).await,
        // The test runner's own arguments, such as filters, do not matter.
        _ => survive().await,
    }
}

async fn open(url: &str) -> Result<PostgresEventLog> {
    let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    Ok(PostgresEventLog::connect(url, None, None, codec, Arc::new(ManualClock::default())).await?)
}

/// Writes to each stream of a process from a revision on, and to the shared one; prints `wrote STREAM REVISION POSITION`.
async fn write(url: &str, numbers: &[u64]) -> Result<()> {
    let [process, life, target, starts @ ..] = numbers else { bail!("process, life, target and revisions") };
    let log = Arc::new(open(url).await?);
    let mut writers: JoinSet<Result<()>> = JoinSet::new();
    for (writer, start) in (0..).zip(starts.iter().copied()) {
        let (log, target, number) = (Arc::clone(&log), *target, process * WRITERS + writer);
        writers.spawn(async move {
            let mut revision = start;
            while revision < target {
                // The same command each time: what was written before the kill is written once.
                let command = number << 32 | revision;
                let events = vec![plain(1); EVENTS_AN_APPEND as usize];
                let appended = log.append(append(command, stream(number), revision, events)).await?;
                revision = appended.revision;
                println!("wrote {number} {revision} {}", appended.position);
            }
            Ok(())
        });
    }
    let (log, process, life) = (Arc::clone(&log), *process, *life);
    let fight = tokio::spawn(async move {
        let mut revision = 0;
        for round in 0_u64.. {
            let command = (SHARED + process) << 40 | life << 20 | round;
            match log.append(append(command, stream(SHARED), revision, vec![plain(1)])).await {
                Ok(appended) => {
                    revision = appended.revision;
                    println!("wrote {SHARED} {revision} {}", appended.position);
                }
                Err(AppendError::WrongRevision { actual, .. }) => revision = actual,
                Err(error) => return Err(anyhow::Error::from(error)),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    });
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    fight.abort();
    println!("done {process} 0 0");
    Ok(())
}

/// Follows the log from a position on; prints `read FROM TO DIGEST` for each page.
async fn read(url: &str, numbers: &[u64]) -> Result<()> {
    let [after] = numbers else { bail!("a position") };
    let log = open(url).await?;
    let mut wakeups = log.wakeups();
    let mut after = *after;
    loop {
        let page = log.read_log(after, 500).await?;
        if page.events.is_empty() {
            // Silence is no error: a wake-up is a hint.
            let _silence = tokio::time::timeout(Duration::from_millis(100), wakeups.changed()).await;
            continue;
        }
        ensure!(page.events.iter().zip(after + 1..).all(|(event, due)| event.position == due), "skipped or repeated");
        println!("read {after} {} {}", page.scanned_to, digest(&page.events));
        after = page.scanned_to;
    }
}

/// Something that differs where any event of a page does.
fn digest(events: &[Recorded]) -> u64 {
    events.iter().fold(7, |digest: u64, event| {
        let hash: &Sha256 = &event.hash;
        let head = hash.as_bytes().first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        digest.rotate_left(9) ^ head
    })
}

/// A child that is started again whenever it was killed.
struct Life {
    child: Child,
    lives: u64,
}

/// What the parent knows from its children.
#[derive(Default)]
struct Heard {
    /// Revision by stream, as acknowledged.
    revisions: BTreeMap<u64, u64>,
    /// Position by stream and revision.
    acknowledged: BTreeMap<(u64, u64), u64>,
    /// Pages by reader.
    pages: BTreeMap<u64, Vec<(u64, u64, u64)>>,
    /// Processes that have written all.
    done: BTreeSet<u64>,
}

impl Heard {
    fn take(&mut self, child: u64, line: &str) -> Result<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [verb, one, two, three] = words.as_slice() else { bail!("a malformed line: {line}") };
        let (one, two, three): (u64, u64, u64) = (one.parse()?, two.parse()?, three.parse()?);
        match *verb {
            "wrote" => {
                let end = self.revisions.entry(one).or_default();
                *end = two.max(*end);
                let before = self.acknowledged.insert((one, two), three);
                ensure!(before.is_none_or(|before| before == three), "a revision has two winners: {line}");
            }
            "read" => {
                let pages = self.pages.entry(child).or_default();
                ensure!(pages.last().map_or(0, |(_, to, _)| *to) == one, "a reader skipped or repeated: {line}");
                pages.push((one, two, three));
            }
            "done" => {
                self.done.insert(child);
            }
            _ => bail!("a malformed line: {line}"),
        }
        Ok(())
    }

    /// From where a child goes on.
    fn arguments(&self, child: u64, life: u64, target: u64) -> Vec<String> {
        let numbers = if child < PROCESSES {
            let end = |writer| self.revisions.get(&(child * WRITERS + writer)).copied().unwrap_or(0);
            [child, life, target].into_iter().chain((0..WRITERS).map(end)).collect()
        } else {
            vec![self.pages.get(&child).and_then(|pages| pages.last()).map_or(0, |(_, to, _)| *to)]
        };
        numbers.iter().map(u64::to_string).collect()
    }
}

async fn survive() -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "`make bench-faults` says how many")]
    let events = std::env::var("EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(EVENTS);
    let target = (events / PROCESSES / WRITERS).next_multiple_of(EVENTS_AN_APPEND);
    let server = ScratchPostgres::start(&[("fsync", "off")])?;
    let url = server.database("log")?;
    // One of them makes the schema.
    open(&url).await?.close().await;
    let (heard, kills) = thread::spawn({
        let url = url.clone();
        move || torment(&url, target)
    })
    .join()
    .map_err(|_| anyhow::anyhow!("the parent has panicked"))??;
    judge(&url, &heard, target).await?;
    println!(
        "processes: {} events, {kills} kills: 0 skipped, 0 twice, 0 out of order, 0 lost ... ok",
        heard.acknowledged.len()
    );
    ensure!(kills >= 20, "there were only {kills} kills");
    Ok(())
}

/// Starts the children, kills them at random, and starts them again until all is written and read.
fn torment(url: &str, target: u64) -> Result<(Heard, u32)> {
    let (tell, told) = channel();
    let mut heard = Heard::default();
    let mut children = BTreeMap::new();
    for child in 0..PROCESSES + READERS {
        children.insert(child, start(url, child, heard.arguments(child, 0, target), 0, &tell)?);
    }
    let (mut kills, mut random, mut next_kill) = (0, 0x2545_f491_4f6c_dd1d_u64, Instant::now());
    let mut ended = BTreeMap::<u64, u64>::new();
    let began = Instant::now();
    loop {
        ensure!(began.elapsed() < HANGING, "it does not come to its end");
        listen(&told, &mut heard, &mut ended, next_kill)?;
        if is_over(&heard, target) {
            children.values_mut().try_for_each(|life| life.child.kill())?;
            return Ok((heard, kills));
        }
        if Instant::now() >= next_kill {
            // xorshift64 (Marsaglia 2003): any will do.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            next_kill = Instant::now() + Duration::from_millis(100 + random % 400);
            if let Some(life) = children.get_mut(&(random % (PROCESSES + READERS))) {
                life.child.kill()?;
                kills += 1;
            }
        }
        // All that one said is heard before the next one goes on from there.
        while let Some((child, lives)) = ended.pop_first() {
            let Some(life) = children.get_mut(&child).filter(|life| life.lives == lives) else { continue };
            life.child.wait()?;
            if heard.done.contains(&child) {
                continue;
            }
            *life = start(url, child, heard.arguments(child, lives + 1, target), lives + 1, &tell)?;
        }
    }
}

/// Whether all writers have written all, and all readers have read that.
fn is_over(heard: &Heard, target: u64) -> bool {
    let written = (0..PROCESSES * WRITERS).all(|number| heard.revisions.get(&number) == Some(&target));
    let head = heard.acknowledged.values().max();
    let read = |reader| heard.pages.get(&reader).and_then(|pages| pages.last()).map(|(_, to, _)| to);
    written && (PROCESSES..PROCESSES + READERS).all(|reader| read(reader) >= head)
}

/// Takes what was said until it is time to kill.
fn listen(
    told: &Receiver<(u64, u64, Option<String>)>,
    heard: &mut Heard,
    ended: &mut BTreeMap<u64, u64>,
    until: Instant,
) -> Result<()> {
    let mut patience = until.saturating_duration_since(Instant::now());
    loop {
        match told.recv_timeout(patience) {
            Ok((child, _, Some(line))) => heard.take(child, &line)?,
            Ok((child, lives, None)) => {
                ended.insert(child, lives);
            }
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody speaks any more"),
        }
        patience = until.saturating_duration_since(Instant::now());
        if patience.is_zero() {
            return Ok(());
        }
    }
}

fn start(
    url: &str,
    child: u64,
    arguments: Vec<String>,
    lives: u64,
    tell: &Sender<(u64, u64, Option<String>)>,
) -> Result<Life> {
    let verb = if child < PROCESSES { "write" } else { "read" };
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(verb).arg(url).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut started = command.spawn().context("a child starts")?;
    let lines = started.stdout.take().context("the child's output")?;
    let tell = tell.clone();
    thread::spawn(move || pass_on(lines, child, lives, &tell));
    Ok(Life { child: started, lives })
}

/// Passes on whole lines: one without an end was cut off by the kill.
fn pass_on(lines: ChildStdout, child: u64, lives: u64, tell: &Sender<(u64, u64, Option<String>)>) {
    let mut lines = BufReader::new(lines);
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with('\n') {
        if tell.send((child, lives, Some(std::mem::take(&mut line)))).is_err() {
            return;
        }
    }
    let _parent_has_gone = tell.send((child, lives, None));
}

async fn judge(url: &str, heard: &Heard, target: u64) -> Result<()> {
    let log = open(url).await?;
    let found = log.verify().await?;
    ensure!(found.faults.is_empty(), "{:?}", found.faults);
    let mut events: Vec<Recorded> = Vec::new();
    while (events.len() as u64) < found.events {
        events.extend(log.read_log(events.len() as u64, 2_000).await?.events);
    }
    let at: BTreeMap<(String, u64), u64> =
        events.iter().map(|event| ((event.stream.to_string(), event.revision), event.position)).collect();
    for ((number, revision), position) in &heard.acknowledged {
        let found = at.get(&(stream(*number).to_string(), *revision));
        ensure!(found == Some(position), "acknowledged: {number} {revision} at {position}; found at {found:?}");
    }
    for number in 0..PROCESSES * WRITERS {
        let own = log.read_stream(&stream(number), target + 1, 1).await?;
        ensure!(own.is_empty(), "stream {number} has more than was to be written: something was written twice");
    }
    for (reader, pages) in &heard.pages {
        for (from, to, told) in pages {
            let page = events.get(usize::try_from(*from)?..usize::try_from(*to)?).context("a page within the log")?;
            ensure!(digest(page) == *told, "reader {reader} saw other events between {from} and {to}");
        }
    }
    Ok(())
}
