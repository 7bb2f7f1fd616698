//! SIGKILL while deliveries are kept, sent and given up: the checkpoint and the deliveries before it are always there
//! together, each line has one that is due next, and none that was said to be delivered is due again.
//!
//! Without the usual harness, because this program plays two parts: called with `--serve FOLDER`, it is the process
//! that keeps deliveries and is killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use application::ports::{
    delivery_store::{
        Attempt, AttemptEnding, DeliveryBatch, DeliveryQuery, DeliveryState, DeliveryStore, NewDelivery, Next, Source,
    },
    event_log::Tenant,
};
use domain::value::{Timestamp, WebhookId};
use read_store::SqliteDeliveryStore;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
};
use uuid::Uuid;

/// Times that the process is killed.
const KILLS: usize = 30;
/// Events taken in at once, and lines that they are spread over.
const BATCH: u64 = 7;
const LINES: u64 = 5;
const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);
const WEBHOOK: WebhookId = WebhookId(Uuid::from_u128(1));

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--serve", folder] => runtime.block_on(serve(Path::new(folder))),
        // Asked by tools that want to know the tests' names: there are none to pick from.
        [_, "--list", ..] => {}
        _ => runtime.block_on(check()),
    }
    ExitCode::SUCCESS
}

async fn opened(folder: &Path) -> SqliteDeliveryStore {
    SqliteDeliveryStore::open(&folder.join("webhooks.db")).await.unwrap()
}

/// Takes in batch after batch and delivers what is due, saying so, until it is killed.
async fn serve(folder: &Path) {
    let store = opened(folder).await;
    loop {
        let from = store.checkpoint().await.unwrap();
        let deliveries = (from + 1..=from + BATCH).map(new).collect();
        let batch = DeliveryBatch { source: Source::Log, from, to: from + BATCH, deliveries, now: NOW };
        store.enqueue(batch).await.unwrap();
        for due in store.due(NOW, 3, 3).await.unwrap() {
            let next = if due.what.position % 3 == 0 { Next::Dead } else { Next::Delivered };
            let attempt = Attempt { at: NOW, took_ms: 1, status: Some(200), ending: AttemptEnding::Delivered };
            store.outcome(due.what.id, &attempt, next).await.unwrap();
            // Whoever reads this may be gone; being killed is all that remains then.
            let _gone = writeln!(std::io::stdout(), "{}", due.what.position);
        }
    }
}

fn new(position: u64) -> NewDelivery {
    NewDelivery {
        id: Uuid::from_u128(u128::from(position)),
        webhook: WEBHOOK,
        tenant: Tenant::default(),
        event: Uuid::from_u128(u128::from(position)),
        kind: "dubbing.queued".to_owned(),
        position,
        subject: Uuid::from_u128(u128::from(position % LINES)),
        body: "{}".to_owned(),
    }
}

async fn check() {
    let folder = tempfile::tempdir().unwrap();
    let mut ended = BTreeSet::new();
    for round in 0..KILLS {
        ended.extend(kill_after(folder.path(), (round * 7) % 40));
        let store = opened(folder.path()).await;
        let checkpoint = store.checkpoint().await.unwrap();
        let query = DeliveryQuery { webhook: WEBHOOK, state: None, before: None, limit: usize::MAX };
        let mut kept = store.list(&query).await.unwrap();
        kept.reverse();
        let positions: Vec<u64> = kept.iter().map(|delivery| delivery.what.position).collect();
        assert_eq!(positions, (1..=checkpoint).collect::<Vec<_>>(), "all up to the checkpoint, and no other ones");

        let mut first: BTreeMap<Uuid, u64> = BTreeMap::new();
        for delivery in kept.iter().filter(|delivery| delivery.state == DeliveryState::Waiting) {
            assert!(!ended.contains(&delivery.what.position), "{} had ended", delivery.what.position);
            first.entry(delivery.what.subject).or_insert(delivery.what.position);
        }
        let due = store.due(NOW, usize::MAX, usize::MAX).await.unwrap();
        let due: BTreeMap<Uuid, u64> = due.iter().map(|one| (one.what.subject, one.what.position)).collect();
        assert_eq!(due, first, "the first of each line");
        store.close().await;
    }
    assert!(ended.len() > 200, "{} deliveries came to their ends", ended.len());
    println!("killed {KILLS} times: {} deliveries came to their ends, each once", ended.len());
}

/// Starts the other part and kills it after it has said so many lines; what it said.
fn kill_after(folder: &Path, lines: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--serve")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().take(lines);
    let said = said.map(|line| line.unwrap().parse().unwrap()).collect();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it was killed, and did not fail");
    said
}
