//! Assets: one row per source that was handed in. What it is and whether it can be dubbed; never what it is called.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{centi, name_of, number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::asset::{AssetEvent, Quarantine, ValidatedAsset};
use serde_json::{Value, json};

/// One row per asset.
///
/// `state` is one of `uploaded` (waits to be looked at), `ready`, `quarantined`, `erased`; `scanned` says whether a
/// scanner looked at it. `code` is the stable code of what is wrong, `why` its kind: `unsupported`, `not-dubbable`,
/// `infected`. `revision` is the stream's. Levels are in hundredths of LUFS and dBTP. `width` and `height` are those
/// of the first picture. Of one that was erased nothing is left but that it was there.
pub static TABLE: Table = Table {
    name: "assets",
    key: &["asset_id"],
    columns: &[
        "asset_id",
        "tenant",
        "revision",
        "state",
        "scanned",
        "code",
        "why",
        "sha256",
        "media_type",
        "bytes",
        "container",
        "duration_ms",
        "width",
        "height",
        "video_streams",
        "audio_streams",
        "subtitle_tracks",
        "loudness_lufs_centi",
        "true_peak_dbtp_centi",
        "uploaded_at",
        "checked_at",
        "updated_at",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assets;

impl Projection for Assets {
    fn name(&self) -> &'static str {
        "assets"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        match &event.stream {
            StreamId::Asset(id) => Touched::one(vec![json!(id.to_string())]),
            StreamId::Dubbing(_)
            | StreamId::Track(_)
            | StreamId::Project(_)
            | StreamId::Glossary(_)
            | StreamId::Tenancy(_) => Touched::none(),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        matches!(stream, StreamId::Asset(_)).then(|| vec![json!(stream.subject().to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        let now = event.recorded_at.to_string();
        match &event.event {
            DomainEvent::Asset(happened) => asset(&mut row, key, happened, &now),
            DomainEvent::Dubbing(_)
            | DomainEvent::Track(_)
            | DomainEvent::Project(_)
            | DomainEvent::Glossary(_)
            | DomainEvent::Tenancy(_) => {}
        }
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "revision", number(event.revision));
        set(&mut row, "updated_at", now);
        Some(row)
    }
}

fn asset(row: &mut Row, key: &RowKey, happened: &AssetEvent, now: &str) {
    match happened {
        AssetEvent::AssetUploaded { media, .. } => {
            set(row, "state", "uploaded");
            set(row, "scanned", false);
            set(row, "sha256", media.sha256.to_string());
            set(row, "media_type", media.media_type.as_str());
            set(row, "bytes", number(media.bytes));
            set(row, "uploaded_at", now);
        }
        AssetEvent::AssetScanned { .. } => set(row, "scanned", true),
        AssetEvent::AssetNotScanned { .. } => set(row, "scanned", false),
        AssetEvent::AssetValidated(found) => {
            checked(row, "ready", now);
            validated(row, found);
        }
        AssetEvent::AssetQuarantined(Quarantine { why, code, .. }) => {
            checked(row, "quarantined", now);
            set(row, "code", code.as_str());
            set(row, "why", name_of(why));
        }
        AssetEvent::AssetErased => {
            let uploaded_at = row.get("uploaded_at").cloned().unwrap_or(Value::Null);
            *row = or_blank(None, &TABLE, key);
            set(row, "state", "erased");
            set(row, "uploaded_at", uploaded_at);
        }
    }
}

fn checked(row: &mut Row, state: &'static str, now: &str) {
    set(row, "state", state);
    set(row, "checked_at", now);
}

fn validated(row: &mut Row, found: &ValidatedAsset) {
    set(row, "container", found.container.as_str());
    set(row, "duration_ms", number(found.duration_ms));
    set(row, "width", found.video.first().map(|video| video.width));
    set(row, "height", found.video.first().map(|video| video.height));
    set(row, "video_streams", number(found.video.len()));
    set(row, "audio_streams", number(found.audio.len()));
    set(row, "subtitle_tracks", number(found.subtitles.len()));
    set(row, "loudness_lufs_centi", centi(found.loudness));
    set(row, "true_peak_dbtp_centi", centi(found.true_peak));
}
