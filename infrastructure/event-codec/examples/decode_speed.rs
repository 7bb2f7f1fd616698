//! How fast stored events are decoded: with keys, and without, as read models need them.
//!
//! `cargo run --release -p event-codec --example decode_speed -- [EVENTS]`
//! decodes a made-up history of so many events; 100,000 without it.

use application::{
    ports::event_log::{Append, Recorded},
    testing::{MemoryKeyVault, story::Story},
};
use domain::value::{Sha256, Timestamp};
use event_codec::{EventCodec, Row, Tail};
use std::{error::Error, hint::black_box, sync::Arc, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args().nth(1).map_or(Ok(100_000), |events| events.parse::<usize>())?;
    let keyed = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
    let rows = history(&keyed, wanted)?;
    let bytes: usize = rows.iter().map(|row| row.content.data.len()).sum();
    println!("{} events, {} bytes of data each", rows.len(), bytes / rows.len().max(1));
    report("with keys", &keyed, &rows)?;
    report("without keys", &EventCodec::without_keys("main"), &rows)
}

/// What a log would hold of a history.
fn history(codec: &EventCodec, wanted: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::with_capacity(wanted);
    for event in Story::history(wanted) {
        let prepared = codec.prepare(append(&event))?;
        let (_, written) = prepared.chain(&Tail::EMPTY, rows.len() as u64, Timestamp::from_unix_ms(0));
        rows.extend(written);
    }
    Ok(rows)
}

fn append(event: &Recorded) -> Append {
    Append {
        tenant: event.tenant.clone(),
        actor: event.actor.clone(),
        command_id: event.command_id,
        fingerprint: Sha256::new([1; 32]),
        causation_id: event.causation_id,
        traceparent: None,
        stream: event.stream.clone(),
        expected_revision: event.revision.saturating_sub(1),
        under: None,
        events: vec![event.event.clone()],
    }
}

fn report(what: &str, codec: &EventCodec, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    for row in rows {
        black_box(codec.decode(row.clone())?);
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what:>16}: {:.2} µs each, {:.0}/s", seconds * 1e6 / rows.len() as f64, rows.len() as f64 / seconds);
    Ok(())
}
