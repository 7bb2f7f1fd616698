//! SIGKILL while projecting: rows and checkpoint always belong together, and the next owner goes on as if
//! nothing had happened. In a file of SQLite, and on a server of PostgreSQL.
//!
//! Without the usual harness, because this program plays two parts: called with `--project WHERE`, it is
//! the process that folds events and is killed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its helper functions")]

use application::{
    ports::{
        event_log::{EventLog, Recorded},
        read_store::{ReadStore, Row},
    },
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use projections::{Projection, Runner};
use read_store::{PostgresReadStore, SqliteReadStore};
use scratch_postgres::ScratchPostgres;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Events that are folded.
const EVENTS: usize = 2_500;
/// Events folded in one step.
const STEP: usize = 5;
/// The database on the server.
const DATABASE: &str = "read";
/// How long a session may outlive its client.
const SESSION_MAX: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--project", place] => runtime.block_on(project(place)),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("read.db");
            runtime.block_on(check(&Place::File(&file)));
            let server = ScratchPostgres::start(&[("fsync", "off")]).unwrap();
            server.database(DATABASE).unwrap();
            runtime.block_on(check(&Place::Server(&server)));
        }
    }
    ExitCode::SUCCESS
}

/// Where the read models are.
enum Place<'a> {
    File(&'a Path),
    Server(&'a ScratchPostgres),
}

impl Place<'_> {
    fn address(&self) -> String {
        match self {
            Place::File(file) => file.display().to_string(),
            Place::Server(server) => server.url(DATABASE),
        }
    }

    /// Waits until nothing of a client that was killed is under way any more.
    fn settle(&self) {
        let Place::Server(server) = self else { return };
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dragoman'";
        let begun = Instant::now();
        while server.sql(DATABASE, sessions).unwrap() != "0" {
            assert!(begun.elapsed() < SESSION_MAX, "sessions of a dead client live on");
        }
    }
}

async fn open(address: &str) -> Arc<dyn ReadStore> {
    if address.starts_with("postgres://") {
        let store = PostgresReadStore::connect(address).await;
        return Arc::new(store.unwrap_or_else(|error| panic!("it opens again: {error}")));
    }
    let store = SqliteReadStore::open(Path::new(address)).await;
    Arc::new(store.unwrap_or_else(|error| panic!("it opens again: {error}")))
}

fn story() -> Vec<Recorded> {
    Story::of_events(77, 4, EVENTS).events().to_vec()
}

fn runner(events: &[Recorded], store: Arc<dyn ReadStore>) -> Runner {
    Runner::new(Arc::new(RecordedLog::new(events.to_vec())) as Arc<dyn EventLog>, store)
}

/// Folds the story bit by bit, saying after each bit that it is done.
async fn project(address: &str) {
    let (events, log) = (story(), Arc::new(RecordedLog::new(vec![])));
    let store = open(address).await;
    let begin = usize::try_from(store.checkpoint("engine_runs").await.unwrap()).unwrap();
    log.push(events[..begin].iter().cloned());
    let runner = Runner::new(Arc::clone(&log) as Arc<dyn EventLog>, store);
    for some in events[begin..].chunks(STEP) {
        log.push(some.iter().cloned());
        let reached = runner.catch_up().await.unwrap();
        // Whoever reads this may be gone; being killed is all that remains then.
        let _gone = writeln!(std::io::stdout(), "{reached}");
    }
}

async fn check(place: &Place<'_>) {
    let events = story();
    assert!(events.len() >= EVENTS, "the story is long enough");
    let mut kills = 0;
    // Killed after ever more steps: at once, in the first transactions, later.
    for lines in (0..).map(|round| round * 3 % 17) {
        let done = kill_after(&place.address(), lines);
        place.settle();
        let reached = check_rows(place, &events).await;
        if done {
            assert_eq!(reached, events.len() as u64);
            break;
        }
        kills += 1;
    }
    assert!(kills >= 20, "killed {kills} times only");
    println!("killed {kills} times while folding {} events: rows and checkpoints held", events.len());
}

/// Starts the other part and kills it after it has said so many lines; `true` when it ended before.
fn kill_after(address: &str, lines: usize) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--project")
        .arg(address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().take(lines).filter(Result::is_ok).count();
    // Sends SIGKILL; an error means that it has ended.
    let _ended = child.kill();
    let status = child.wait().unwrap();
    assert!(status.success() || status.code().is_none(), "it failed by itself: {status}");
    said < lines || status.success()
}

/// Every model's rows are those of a fresh fold up to its checkpoint; returns the least of these.
async fn check_rows(place: &Place<'_>, events: &[Recorded]) -> u64 {
    // As a reader first: there may be no file, or none that is finished.
    if let Place::File(file) = place
        && let Ok(reader) = SqliteReadStore::open_read_only(file).await
    {
        check_store(&reader, events).await;
    }
    check_store(&*open(&place.address()).await, events).await
}

async fn check_store(store: &dyn ReadStore, events: &[Recorded]) -> u64 {
    let mut fresh: BTreeMap<u64, Arc<MemoryReadStore>> = BTreeMap::new();
    let mut least = u64::MAX;
    for projection in projections::all() {
        let checkpoint = store.checkpoint(projection.name()).await.unwrap();
        least = least.min(checkpoint);
        let memory = Arc::clone(fresh.entry(checkpoint).or_default());
        let upto = &events[..usize::try_from(checkpoint).unwrap()];
        runner(upto, Arc::clone(&memory) as Arc<dyn ReadStore>).catch_up().await.unwrap();
        let (found, expected) = (rows(store, &*projection).await, rows(&*memory, &*projection).await);
        assert!(found == expected, "{} at {checkpoint} is not what its events make", projection.name());
    }
    least
}

async fn rows(store: &dyn ReadStore, projection: &dyn Projection) -> Vec<Row> {
    store.query(projection.table(), &[]).await.unwrap()
}
