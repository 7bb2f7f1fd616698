//! How many appends a second the log takes, alone and grouped, and how fast it reads and verifies.
//!
//! `cargo run --release -p event-log-sqlite --example append_throughput -- [FOLDER]`
//! measures on FOLDER's disk; without it, on the system's temporary folder.

use anyhow::Result;
use application::{
    ports::event_log::EventLog,
    testing::{
        ManualClock, MemoryKeyVault,
        event_log_kit::{append, everything, speech, stream},
    },
};
use event_codec::EventCodec;
use event_log_sqlite::SqliteEventLog;
use std::{sync::Arc, time::Instant};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = match std::env::args().nth(1) {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    for callers in [1, 8, 64, 512] {
        let file = folder.path().join(format!("{callers}.db"));
        let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
        let log = Arc::new(SqliteEventLog::open(&file, codec, Arc::new(ManualClock::default())).await?);
        let each = 4_000_u64.div_ceil(callers).max(if callers == 1 { 500 } else { 1 }).min(1_000);
        let begun = Instant::now();
        let mut tasks: JoinSet<Result<()>> = JoinSet::new();
        for number in 0..callers {
            let log = Arc::clone(&log);
            tasks.spawn(async move {
                for revision in 0..each {
                    let command = number << 32 | revision;
                    log.append(append(command, stream(number), revision, vec![speech("A line of speech.")])).await?;
                }
                Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let wrote = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let events = everything(log.as_ref()).await.len() as f64;
        let read = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let faults = log.verify().await?.faults.len();
        let verified = begun.elapsed().as_secs_f64();
        println!(
            "{callers:>4} callers: {:>6.0} appends/s, {:>6.0} events/s read, {:>6.0} events/s verified, {faults} faults",
            events / wrote,
            events / read,
            events / verified
        );
        log.close().await;
    }
    Ok(())
}
