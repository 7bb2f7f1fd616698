//! Charges: what was ordered, month by month, by what has a price. What quotas of minutes and money are held against.
//!
//! An order counts when it is taken: the length of an asset is known then. That of any other source is known once it was
//! taken in; until then its languages wait. What ends before its source was taken in was not used, and goes.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{add, count, is_set, is_true, number, or_blank, set, text},
};
use application::{
    ports::{
        event_log::{DomainEvent, Recorded, StreamId},
        read_store::{Row, RowKey, Table},
    },
    quotas::{Charge, month},
};
use domain::{
    asset::AssetEvent,
    dubbing::{DubbingEvent, Order, Transcript},
    flow::Stage,
};
use serde_json::{Value, json};

/// One row per dubbing and month in which something of it was ordered; and, of month `''`, one per asset and dubbing with
/// what is known of it.
///
/// `thing` names the stream. `length_ms` is the length of the source, in milliseconds; `recognised` whether its words are;
/// `from_stage` where a fork begins; `begun_by` the command that it began with; `taken_in` whether its source was. In rows of
/// months stand the tenant and what is charged: milliseconds of the source, each language for itself. `languages_waiting`
/// are those that were ordered while the length was not known, `source_waits` says the same of the source.
pub static TABLE: Table = Table {
    name: "charges",
    key: &["thing", "month"],
    columns: &[
        "thing",
        "month",
        "length_ms",
        "recognised",
        "from_stage",
        "begun_by",
        "taken_in",
        "tenant",
        "source_waits",
        "languages_waiting",
        "source_ms",
        "transcribe_ms",
        "translate_ms",
        "synthesise_ms",
        "finish_ms",
    ],
};

/// The columns of a [`Charge`].
pub const CHARGED: [&str; 5] = ["source_ms", "transcribe_ms", "translate_ms", "synthesise_ms", "finish_ms"];

/// The month of rows that hold for all months.
const ALWAYS: &str = "";

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Charges;

/// What an event means here.
enum Step<'a> {
    /// The length of an asset is found.
    Measured(u64),
    /// A dubbing begins.
    Begins { is_recognised: bool, order: &'a Order },
    /// A language is ordered.
    Language,
    /// The source is taken in, and so long.
    TakenIn(u64),
    /// It ends before all was made.
    Off,
}

impl Projection for Charges {
    fn name(&self) -> &'static str {
        "charges"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        let known = || known_of(&event.stream);
        let of_month = || vec![json!(event.stream.to_string()), json!(month(event.recorded_at))];
        match step(&event.event) {
            None => Touched::none(),
            Some(Step::Measured(_)) => Touched::one(known()),
            Some(Step::Begins { order, .. }) => Touched::many([known(), of_month()]).and_read(asset_of(order)),
            Some(Step::Language) => Touched::one(of_month()).and_read([known()]),
            Some(Step::TakenIn(_) | Step::Off) => {
                Touched::one(known()).and_alike(vec![Some(json!(event.stream.to_string())), None])
            }
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        matches!(stream, StreamId::Dubbing(_) | StreamId::Asset(_)).then(|| vec![json!(stream.to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, beside: &Beside<'_>) -> Option<Row> {
        let Some(step) = step(&event.event) else { return row };
        let row = or_blank(row, &TABLE, key);
        if key.get(1).and_then(Value::as_str) == Some(ALWAYS) {
            return learn(row, event, &step, beside);
        }
        charge(row, event, &step, beside(&known_of(&event.stream)).as_ref())
    }
}

/// What an event means here; `None` when nothing.
fn step(event: &DomainEvent) -> Option<Step<'_>> {
    match event {
        DomainEvent::Asset(AssetEvent::AssetValidated(found)) => Some(Step::Measured(found.duration_ms)),
        DomainEvent::Dubbing(happened) => match happened {
            DubbingEvent::VideoGenerationStarted { transcript, order, .. } => {
                Some(Step::Begins { is_recognised: matches!(transcript, Transcript::Recognised), order })
            }
            DubbingEvent::TrackRequested { .. } => Some(Step::Language),
            DubbingEvent::SourceIngested(source) => Some(Step::TakenIn(source.duration_ms)),
            DubbingEvent::VideoGenerationFailed { .. } | DubbingEvent::VideoGenerationCancelled => Some(Step::Off),
            DubbingEvent::DeliveryChosen { .. }
            | DubbingEvent::SourceRejected { .. }
            | DubbingEvent::SpeechSeparated(_)
            | DubbingEvent::SpeechSegmented { .. }
            | DubbingEvent::UtteranceTranscribed(_)
            | DubbingEvent::UtteranceDropped { .. }
            | DubbingEvent::SpeakerIdentified { .. }
            | DubbingEvent::TranscriptImported { .. }
            | DubbingEvent::UtteranceEdited { .. }
            | DubbingEvent::UtteranceSplit { .. }
            | DubbingEvent::UtterancesMerged { .. }
            | DubbingEvent::RegenerationRequested { .. }
            | DubbingEvent::TrackSettled { .. }
            | DubbingEvent::TrackRestored { .. }
            | DubbingEvent::VideoGenerationCompleted { .. }
            | DubbingEvent::Flow(_) => None,
        },
        DomainEvent::Asset(_) | DomainEvent::Track(_) => None,
        DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => None,
    }
}

/// What is known of an asset or a dubbing. What ends before it was taken in goes.
fn learn(mut row: Row, event: &Recorded, step: &Step<'_>, beside: &Beside<'_>) -> Option<Row> {
    match step {
        Step::Measured(ms) => set(&mut row, "length_ms", number(*ms)),
        Step::Begins { is_recognised, order } => {
            let asset = asset_of(order).and_then(|key| beside(&key));
            set(&mut row, "length_ms", asset.and_then(|asset| length(&asset)).map(number));
            set(&mut row, "recognised", *is_recognised);
            set(&mut row, "from_stage", order.forked_from.map(|fork| fork.stage.name()));
            set(&mut row, "begun_by", event.command_id.to_string());
            set(&mut row, "taken_in", false);
        }
        Step::TakenIn(ms) => {
            if !is_set(&row, "length_ms") {
                set(&mut row, "length_ms", number(*ms));
            }
            set(&mut row, "taken_in", true);
        }
        Step::Off if !is_true(&row, "taken_in") => return None,
        Step::Off | Step::Language => {}
    }
    Some(row)
}

/// What is charged in a month, by what is known.
fn charge(mut row: Row, event: &Recorded, step: &Step<'_>, known: Option<&Row>) -> Option<Row> {
    let length = known.and_then(length);
    let from: Option<Stage> = known.and_then(|known| text(known, "from_stage").parse().ok());
    let source = |ms| Charge::of_source(ms, known.is_some_and(|known| is_true(known, "recognised")), from);
    match (step, length) {
        (Step::Begins { .. }, Some(ms)) => put(belonging(&mut row, event), source(ms)),
        (Step::Begins { .. }, None) => set(belonging(&mut row, event), "source_waits", true),
        (Step::Language, Some(ms)) => {
            let is_first = known.is_some_and(|known| text(known, "begun_by") == event.command_id.to_string());
            put(belonging(&mut row, event), Charge::of_language(ms, from.filter(|_| is_first)));
        }
        (Step::Language, None) => add(belonging(&mut row, event), "languages_waiting", 1),
        (Step::TakenIn(_), Some(ms)) => {
            if is_true(&row, "source_waits") {
                put(&mut row, source(ms));
                set(&mut row, "source_waits", false);
            }
            let waiting = usize::try_from(count(&row, "languages_waiting")).unwrap_or(usize::MAX);
            put(&mut row, Charge::of_language(ms, from).times(waiting));
            set(&mut row, "languages_waiting", 0);
        }
        (Step::Off, _) if known.is_none() => return None,
        (Step::TakenIn(_), None) | (Step::Off | Step::Measured(_), _) => {}
    }
    Some(row)
}

/// The row, which is a month's of the tenant.
fn belonging<'a>(row: &'a mut Row, event: &Recorded) -> &'a mut Row {
    set(row, "tenant", event.tenant.0.as_str());
    put(row, Charge::default());
    if !is_set(row, "source_waits") {
        set(row, "source_waits", false);
    }
    add(row, "languages_waiting", 0);
    row
}

fn put(row: &mut Row, charge: Charge) {
    let Charge { source_ms, transcribe_ms, translate_ms, synthesise_ms, finish_ms } = charge;
    for (column, ms) in CHARGED.into_iter().zip([source_ms, transcribe_ms, translate_ms, synthesise_ms, finish_ms]) {
        add(row, column, ms);
    }
}

fn length(row: &Row) -> Option<u64> {
    row.get("length_ms").and_then(Value::as_u64)
}

fn known_of(stream: &StreamId) -> RowKey {
    vec![json!(stream.to_string()), json!(ALWAYS)]
}

fn asset_of(order: &Order) -> Option<RowKey> {
    order.asset.map(|asset| known_of(&StreamId::Asset(asset)))
}
