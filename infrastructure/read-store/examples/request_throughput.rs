//! How many requests a second are begun and finished, alone and by many at once.
//!
//! `cargo run --release -p read-store --example request_throughput -- [FOLDER]`
//! measures on FOLDER's disk; without it, on the system's temporary folder.

use anyhow::{Result, ensure};
use application::{
    ports::{
        event_log::Tenant,
        key_vault::Key,
        request_store::{Answer, Begun, RequestStore},
    },
    testing::{CountedIds, ManualClock},
};
use domain::value::Sha256;
use read_store::SqliteRequestStore;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = match std::env::args().nth(1) {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    for callers in [1, 8, 64] {
        let file = folder.path().join(format!("{callers}.db"));
        let (clock, ids) = (Arc::new(ManualClock::default()), Arc::new(CountedIds::default()));
        let store = Arc::new(SqliteRequestStore::open(&file, clock, ids, Key::new([5; 32])).await?);
        let each = 16_000_usize.div_ceil(callers).min(1_000);
        let begun = Instant::now();
        let mut tasks: JoinSet<Result<Vec<Duration>>> = JoinSet::new();
        for caller in 0..callers {
            let store = Arc::clone(&store);
            tasks.spawn(async move { requests(&*store, caller, each).await });
        }
        let mut took = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            took.extend(ended??);
        }
        let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
        took.sort();
        let (median, late) = (took[took.len() / 2], took[took.len() * 99 / 100]);
        println!("{callers:>3} callers: {rate:>6.0} requests/s, median {median:.1?}, 99 % below {late:.1?}");
        store.close().await;
    }
    Ok(())
}

/// Begins and finishes requests one after the other; how long each took.
async fn requests(store: &dyn RequestStore, caller: usize, count: usize) -> Result<Vec<Duration>> {
    let (tenant, asked) = (Tenant::default(), Sha256::new([7; 32]));
    let headers = vec![("location".to_owned(), "/v1/dubbings/0197".to_owned())];
    let answer = Answer { status: 202, headers, body: vec![b'x'; 500] };
    let mut took = Vec::with_capacity(count);
    for number in 0..count {
        let (key, begun) = (format!("{caller}-{number}"), Instant::now());
        ensure!(matches!(store.begin(&tenant, &key, &asked).await?, Begun::New(_)), "it is new");
        store.finish(&tenant, &key, &answer).await?;
        took.push(begun.elapsed());
    }
    Ok(took)
}
