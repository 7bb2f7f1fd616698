//! Usage: one row per tenant and month. What was asked for, taken in, worked on and published.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{add, is_set, or_blank, set},
};
use application::{
    ports::{
        event_log::{DomainEvent, Recorded, StreamId},
        read_store::{Row, RowKey, Table},
    },
    quotas::month,
};
use domain::{
    asset::AssetEvent,
    dubbing::DubbingEvent,
    flow::{FlowEvent, Stage},
    track::TrackEvent,
};
use serde_json::json;

/// One row per tenant and month of the log's clock, in UTC: `2026-11`.
///
/// `source_ms` is the length of the sources that were taken in, those of forks included; `engine_ms` the wall time of
/// all finished stages, in milliseconds; `lines_spoken` and `lines_reused` are lines of finished runs of Synthesise:
/// made anew, and found again. Numbers only grow.
pub static TABLE: Table = Table {
    name: "usage",
    key: &["tenant", "month"],
    columns: &[
        "tenant",
        "month",
        "dubbings_started",
        "source_ms",
        "tracks_published",
        "bytes_uploaded",
        "engine_ms",
        "lines_spoken",
        "lines_reused",
        "updated_at",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage;

impl Projection for Usage {
    fn name(&self) -> &'static str {
        "usage"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        if used(&event.event).is_empty() {
            return Touched::none();
        }
        Touched::one(vec![json!(event.tenant.0), json!(month(event.recorded_at))])
    }

    /// Whom an event counts for does not follow from its stream: one that cannot be read is not counted.
    fn rows_of(&self, _stream: &StreamId) -> Option<RowKey> {
        None
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        for column in COUNTS {
            if !is_set(&row, column) {
                set(&mut row, column, 0);
            }
        }
        for (column, more) in used(&event.event) {
            add(&mut row, column, more);
        }
        set(&mut row, "updated_at", event.recorded_at.to_string());
        Some(row)
    }
}

const COUNTS: [&str; 7] = [
    "dubbings_started",
    "source_ms",
    "tracks_published",
    "bytes_uploaded",
    "engine_ms",
    "lines_spoken",
    "lines_reused",
];

/// What an event adds to which columns.
fn used(event: &DomainEvent) -> Vec<(&'static str, u64)> {
    match event {
        DomainEvent::Dubbing(DubbingEvent::VideoGenerationStarted { .. }) => vec![("dubbings_started", 1)],
        DomainEvent::Dubbing(DubbingEvent::SourceIngested(source)) => vec![("source_ms", source.duration_ms)],
        DomainEvent::Track(TrackEvent::TrackPublished(_)) => vec![("tracks_published", 1)],
        DomainEvent::Asset(AssetEvent::AssetUploaded { media, .. }) => vec![("bytes_uploaded", media.bytes)],
        DomainEvent::Dubbing(DubbingEvent::Flow(FlowEvent::StageCompleted { fence, summary }))
        | DomainEvent::Track(TrackEvent::Flow(FlowEvent::StageCompleted { fence, summary })) => {
            let mut used = vec![("engine_ms", summary.wall_ms)];
            if fence.stage == Stage::Synthesise {
                used.extend([("lines_spoken", summary.made.into()), ("lines_reused", summary.reused.into())]);
            }
            used
        }
        DomainEvent::Dubbing(_) | DomainEvent::Track(_) | DomainEvent::Asset(_) => vec![],
        DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => vec![],
    }
}
