//! An event log by itself, beside plain inserts of the same rows and the disk beneath.

use super::{
    Scratch,
    figures::{Figure, percentile},
};
use crate::{
    cli::{
        bench::{Backend, LogArgs},
        complain,
    },
    exit::Failure,
    wiring::bench::{MeasuredLog, Yardstick},
};
use application::ports::event_log::{Append, DomainEvent, EventLog, StreamId, Tenant};
use domain::{
    dubbing::DubbingEvent,
    value::{DubbingId, Sha256},
};
use std::{
    fs::File,
    io::{Seek, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long each limit of the machine is measured.
const LIMIT_FOR: Duration = Duration::from_secs(2);
/// Rows of a plain insert that is meant to be fast.
const ROWS: usize = 50;
/// By the number of writers and the backend: the ratio that should be reached.
const RATIO_MIN: [(Backend, bool, f64); 3] =
    [(Backend::Postgres, true, 0.40), (Backend::Postgres, false, 0.30), (Backend::Sqlite, true, 0.80)];

/// What was measured.
pub struct Measured {
    /// Figure by figure.
    pub figures: Vec<Figure>,
    /// Events a second by those of the yardstick.
    pub ratio: f64,
}

/// Measures a log, and what it is compared with.
pub async fn run(args: &LogArgs) -> Result<Measured, Failure> {
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let folder = scratch.folder("log")?;
    complain("measuring: the disk");
    let mut figures = vec![Figure::told("disk: writes of 8 KiB, each synced", syncs(&folder)?, "/s")];
    let place = MeasuredLog::make(args.backend, &folder, args.url.as_deref())?;
    let log = place.open().await?;
    if log.head().await? > 0 {
        return Err(Failure::usage(
            "there are events in this log already, and what is measured would stay beside them; name an empty database",
        ));
    }
    complain("measuring: plain inserts");
    let (mut one, mut many) = (None, None);
    if let Some(yardstick) = place.yardstick(append(0, 0))? {
        one = Some(plain(&yardstick, 1, &mut figures).await?);
        many = Some((format!("plain inserts of {ROWS} rows"), plain(&yardstick, ROWS, &mut figures).await?));
        if let Some(rate) = yardstick.own_inserts(ROWS, LIMIT_FOR).await? {
            figures.push(Figure::told(format!("inserts of {ROWS} rows into the log's table: rows"), rate, "/s"));
            many = Some((format!("inserts of {ROWS} rows into the log's table"), rate));
        }
    }
    complain(&format!("measuring: {} writers", args.writers));
    let appended = drive(&log, args.writers, args.events).await?;
    figures.push(Figure::told(format!("appends by {} writers", args.writers), appended.per_second, "/s"));
    figures.push(Figure::told("an append: p50", percentile(&appended.took_ms, 50.0), "ms"));
    figures.push(Figure::told("an append: p99", percentile(&appended.took_ms, 99.0), "ms"));
    let is_crowd = args.writers > 1;
    let (than, yardstick) = match (one, many) {
        (_, Some(many)) if is_crowd => many,
        (Some(one), _) => ("plain inserts of one row".to_owned(), one),
        (None, _) => {
            let alone = MeasuredLog::make(args.backend, &folder, None)?.open().await?;
            let alone = drive(&alone, 1, (args.events / 10).max(1)).await?.per_second;
            figures.push(Figure::told("appends by one writer", alone, "/s"));
            ("one writer".to_owned(), alone)
        }
    };
    let ratio = appended.per_second / yardstick;
    let wanted = RATIO_MIN.iter().find(|(backend, crowd, _)| (*backend, *crowd) == (args.backend, is_crowd));
    let what = format!("appends, of {than}");
    figures.push(match wanted {
        Some((_, _, least)) => Figure::at_least(what, ratio * 100.0, "%", least * 100.0),
        None => Figure::told(what, ratio * 100.0, "%"),
    });
    place.check(&log, args.events).await?;
    Ok(Measured { figures, ratio })
}

async fn plain(yardstick: &Yardstick<'_>, rows: usize, figures: &mut Vec<Figure>) -> Result<f64, Failure> {
    let rate = yardstick.plain_inserts(rows, LIMIT_FOR).await?;
    let what = if rows == 1 {
        "plain inserts of one row: rows".to_owned()
    } else {
        format!("plain inserts of {rows} rows: rows")
    };
    figures.push(Figure::told(what, rate, "/s"));
    Ok(rate)
}

/// Writes a second that wait for the disk.
fn syncs(folder: &Path) -> Result<f64, Failure> {
    let failed = |error: std::io::Error| Failure::internal(&error);
    let mut file = File::create(folder.join("syncs")).map_err(failed)?;
    let (block, began, mut count) = ([7_u8; 8 << 10], Instant::now(), 0_u32);
    while began.elapsed() < LIMIT_FOR / 2 {
        file.rewind().and_then(|()| file.write_all(&block)).and_then(|()| file.sync_data()).map_err(failed)?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

struct Appends {
    per_second: f64,
    took_ms: Vec<f64>,
}

/// Each writer appends to a stream of its own, one event after the other.
async fn drive(log: &Arc<dyn EventLog>, writers: u64, events: u64) -> Result<Appends, Failure> {
    let mut tasks: JoinSet<Result<Vec<f64>, Failure>> = JoinSet::new();
    let began = Instant::now();
    for writer in 0..writers {
        let log = Arc::clone(log);
        let own = events / writers + u64::from(writer < events % writers);
        tasks.spawn(async move {
            let mut took_ms = Vec::new();
            for revision in 0..own {
                let asked = Instant::now();
                log.append(append(writer, revision)).await?;
                took_ms.push(asked.elapsed().as_secs_f64() * 1_000.0);
            }
            Ok(took_ms)
        });
    }
    let mut took_ms = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        took_ms.extend(ended.map_err(|error| Failure::internal(&error))??);
    }
    let per_second = events as f64 / began.elapsed().as_secs_f64();
    took_ms.sort_by(f64::total_cmp);
    Ok(Appends { per_second, took_ms })
}

/// The append that brings a writer's stream beyond this revision.
pub fn append(writer: u64, revision: u64) -> Append {
    let number = u128::from(writer) << 64 | u128::from(revision);
    let mut fingerprint = [0; 32];
    fingerprint[..16].copy_from_slice(&number.to_be_bytes());
    Append {
        tenant: Tenant::default(),
        actor: "bench".to_owned(),
        command_id: Uuid::from_u128(number),
        fingerprint: Sha256::new(fingerprint),
        causation_id: None,
        traceparent: None,
        stream: StreamId::Dubbing(DubbingId(Uuid::from_u128(u128::from(writer) + 1))),
        expected_revision: revision,
        under: None,
        events: vec![DomainEvent::Dubbing(DubbingEvent::TranscriptImported { cues: 12, left_out: 0 })],
    }
}
