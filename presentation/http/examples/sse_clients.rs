//! Measures what listeners cost: a server in one process, a thousand clients of Server-Sent Events in another.
//!
//! `cargo run --release -p http-api --example sse_clients [CLIENTS] [EVENTS]` prints the server's memory per client, and
//! how long the slowest client waits for an event. It is no test: times depend on the machine.
#![expect(clippy::expect_used, reason = "a trial that cannot go on says where it stopped")]

use application::{
    admission::{Admission, AdmissionLimits},
    aggregates::Aggregates,
    estimate::Prices,
    ports::{
        clock::Ids,
        event_log::{Append, DomainEvent, EventLog, StreamId, Tenant},
    },
    process_manager::ProcessManager,
    testing::{ManualClock, MemoryKeyVault, MemoryReadStore, MemoryRequestStore, abilities},
};
use blob_store::LocalBlobStore;
use domain::{
    dubbing::{DubbingEvent, WhyDropped},
    value::{DubbingId, Sha256, UtteranceId},
};
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use host::RandomIds;
use http_api::{
    Api, ApiParts, HttpLimits,
    auth::LocalAccount,
    cache::AnswerCache,
    metrics::Metrics,
    rates::KnownRates,
    router,
    server::{ServerLimits, serve},
    signed_url::UrlSigner,
};
use std::{env, fs, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use work_queue_memory::MemoryWorkQueue;

const TOKEN: &str = "a-token";

#[tokio::main]
async fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("serve") => run_server().await,
        first => {
            let number = |word: Option<&str>, usual| word.map_or(usual, |word| word.parse().expect("a number"));
            run_clients(number(first, 1_000), number(words.get(1).map(String::as_str), 50)).await;
        }
    }
}

/// Serves, and writes one event whenever a line comes in.
async fn run_server() {
    let (vault, clock) = (Arc::new(MemoryKeyVault::new(1)), Arc::new(ManualClock::default()));
    let log: Arc<dyn EventLog> = Arc::new(MemoryEventLog::new(EventCodec::new("t", vault.clone()), clock.clone()));
    let aggregates = Arc::new(Aggregates::new(log.clone()));
    let queue = Arc::new(MemoryWorkQueue::new());
    let manager = Arc::new(ProcessManager { aggregates: aggregates.clone(), queue, clock: clock.clone() });
    let limits = AdmissionLimits { active_max: 2, queued_max: 10, retry_after: Duration::from_secs(1) };
    let folder = tempfile::tempdir().expect("a folder");
    let (_reach, applied) = watch::channel(0);
    let stop = CancellationToken::new();
    let api = Api::new(ApiParts {
        aggregates,
        log: log.clone(),
        read_store: Arc::new(MemoryReadStore::new()),
        blobs: Arc::new(LocalBlobStore::open(folder.path()).expect("a blob store")),
        vault,
        abilities: abilities("en", &["es"]),
        admission: Admission::new(manager, limits),
        prices: Prices::default(),
        rates: KnownRates::default(),
        engines: vec![],
        traces: Arc::new(application::ports::trace::NoTraces),
        requests: Arc::new(MemoryRequestStore::new(clock.clone(), Arc::new(RandomIds))),
        ids: Arc::new(RandomIds),
        clock,
        accounts: Arc::new(LocalAccount::new(TOKEN)),
        signer: UrlSigner::new(&[1; 32]),
        applied,
        cache: AnswerCache::new(1 << 20),
        metrics: Metrics::default(),
        health: vec![],
        stop: stop.clone(),
        limits: HttpLimits::default(),
        origins: vec![],
        tls: false,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    print_line(&listener.local_addr().expect("an address").to_string()).await;
    tokio::spawn(serve(listener, router(api), None, ServerLimits::default(), stop));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut revision = 0;
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "memory" {
            print_line(&resident_kib().to_string()).await;
            continue;
        }
        write(&log, revision).await;
        revision += 1;
    }
}

async fn print_line(line: &str) {
    let mut out = tokio::io::stdout();
    out.write_all(format!("{line}\n").as_bytes()).await.expect("written");
    out.flush().await.expect("written");
}

async fn write(log: &Arc<dyn EventLog>, revision: u64) {
    let dropped = DubbingEvent::UtteranceDropped { utterance: UtteranceId(1), reason: WhyDropped::NoWords };
    let append = Append {
        tenant: Tenant::default(),
        actor: "trial".to_owned(),
        command_id: RandomIds.next(),
        fingerprint: Sha256::new([0; 32]),
        causation_id: None,
        traceparent: None,
        stream: StreamId::Dubbing(DubbingId(Uuid::from_u128(1))),
        expected_revision: revision,
        events: vec![DomainEvent::Dubbing(dropped)],
    };
    log.append(append).await.expect("written");
}

/// What the system counts as this process's memory, in KiB.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

async fn run_clients(clients: usize, events: usize) {
    let program = env::current_exe().expect("this program");
    let mut server = Command::new(program)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a server");
    let mut input = server.stdin.take().expect("its input");
    let mut output = BufReader::new(server.stdout.take().expect("its output")).lines();
    let address = output.next_line().await.expect("a line").expect("an address");
    let (heard, mut hears) = mpsc::channel(clients);
    // One client more before the first measure: what every server has is not counted.
    tokio::spawn(listen(address.clone(), heard.clone()));
    hears.recv().await.expect("it listens");
    input.write_all(b"memory\n").await.expect("asked");
    let before: u64 = output.next_line().await.expect("a line").expect("a number").parse().expect("a number");
    for _ in 0..clients {
        tokio::spawn(listen(address.clone(), heard.clone()));
    }
    for _ in 0..clients {
        hears.recv().await.expect("it listens");
    }
    let mut slowest = Vec::new();
    for _ in 0..events {
        let began = Instant::now();
        input.write_all(b"event\n").await.expect("written");
        for _ in 0..=clients {
            hears.recv().await.expect("it hears");
        }
        slowest.push(began.elapsed());
    }
    input.write_all(b"memory\n").await.expect("asked");
    let after: u64 = output.next_line().await.expect("a line").expect("a number").parse().expect("a number");
    slowest.sort_unstable();
    let grown = after.saturating_sub(before);
    println!("{clients} clients, {events} events");
    println!("memory: {before} KiB with one client, {after} KiB now: {:.1} KiB each", grown as f64 / clients as f64);
    println!(
        "until the slowest client had an event: median {:?}, at most {:?}",
        slowest.get(events / 2).copied().unwrap_or_default(),
        slowest.last().copied().unwrap_or_default()
    );
}

/// Listens, and says so for the beginning and for every event.
async fn listen(address: String, heard: mpsc::Sender<()>) {
    let mut stream = TcpStream::connect(&address).await.expect("a connection");
    let head = format!("GET /v1/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("asked");
    let (mut bytes, mut last) = ([0; 4_096], 0);
    loop {
        let count = stream.read(&mut bytes).await.expect("bytes");
        assert!(count > 0, "the server closed the stream");
        for byte in &bytes[..count] {
            // An empty line ends the greeting, and every event.
            if (last, *byte) == (b'\n', b'\n') {
                heard.send(()).await.expect("somebody counts");
            }
            last = *byte;
        }
    }
}
