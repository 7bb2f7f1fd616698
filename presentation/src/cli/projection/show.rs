//! How read models, their differences and their progress are shown.

use crate::cli::{complain, table};
use indicatif::{ProgressBar, ProgressStyle};
use projections::{
    parked::ParkedKey,
    rebuild::{Diff, Model, Pace, RowDiff, Side},
};
use serde_json::{Map, Value, json};
use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Time between two lines about how far it is, where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Parked keys that are named below the list.
const PARKED_SHOWN: usize = 20;

/// How far a rebuild is: a bar on a terminal, a line now and then elsewhere. Always on standard error.
pub struct Bar {
    what: String,
    bar: Option<ProgressBar>,
    began: Instant,
    last: Mutex<Instant>,
}

impl Bar {
    /// About this.
    pub fn new(what: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::no_length);
        if let Some(bar) = &bar {
            bar.set_style(style());
            bar.set_prefix(what.to_owned());
        }
        let began = Instant::now();
        Self { what: what.to_owned(), bar, began, last: Mutex::new(began) }
    }

    /// Since it was made.
    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// Shows how far it is.
    pub fn show(&self, pace: Pace) {
        let Some(bar) = &self.bar else {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if !pace.is_done && last.elapsed() >= LINE_EVERY {
                *last = Instant::now();
                complain(&format!("{}: event {} of {}, {}", self.what, pace.position, pace.end, speed(&pace)));
            }
            return;
        };
        if pace.is_done {
            bar.finish_and_clear();
        } else {
            bar.set_length(pace.end);
            bar.set_position(pace.position);
            bar.set_message(speed(&pace));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// The template is fixed; should it ever not parse, the plain style does.
fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{prefix:.bold} {bar:24.cyan/dim} {pos}/{len} events {elapsed} ({msg})");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn speed(pace: &Pace) -> String {
    let left = pace.left.map_or_else(String::new, |left| format!(", {} s left", left.as_secs()));
    format!("{:.0} events/s{left}", pace.per_second)
}

/// The list, and what stands still.
pub fn models(models: &[Model]) -> String {
    let dash = |at: Option<u64>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let mut rows =
        vec![["READ MODEL", "ROWS", "AT", "BEHIND", "SHADOW AT", "BEFORE AT", "PARKED"].map(str::to_owned).to_vec()];
    rows.extend(models.iter().map(|model| {
        vec![
            model.name.to_owned(),
            model.rows.to_string(),
            model.standing.live.to_string(),
            behind(model).to_string(),
            dash(model.standing.shadow),
            dash(model.standing.before),
            model.parked.len().to_string(),
        ]
    }));
    let parked: Vec<_> = models.iter().flat_map(|model| model.parked.iter().map(|key| (model.name, key))).collect();
    let mut text = table(&rows);
    for (name, key) in parked.iter().take(PARKED_SHOWN) {
        text.push_str(&format!("\n{}", standing_still(name, key)));
    }
    if parked.len() > PARKED_SHOWN {
        text.push_str(&format!("\nand {} more (--json shows all)", parked.len() - PARKED_SHOWN));
    }
    if !parked.is_empty() {
        text.push_str("\nWith a program that can read and fold these events, `dragoman projection rebuild NAME` brings them back.");
    }
    text
}

fn standing_still(name: &str, ParkedKey { key, position, event_type, reason }: &ParkedKey) -> String {
    let key = Value::Array(key.clone());
    format!("{name} {key} stands still since event {position} ({event_type}): {}", reason.name())
}

fn behind(model: &Model) -> u64 {
    model.head.saturating_sub(model.standing.live)
}

/// The same as a document.
pub fn models_document(models: &[Model]) -> Value {
    let parked = |key: &ParkedKey| json!({ "key": key.key, "position": key.position, "event_type": key.event_type, "reason": key.reason.name() });
    let model = |model: &Model| {
        json!({
            "projection": model.name,
            "rows": model.rows,
            "live": model.standing.live,
            "shadow": model.standing.shadow,
            "before": model.standing.before,
            "head": model.head,
            "behind": behind(model),
            "parked": model.parked.iter().map(parked).collect::<Vec<_>>(),
        })
    };
    models.iter().map(model).collect()
}

/// What differs, column by column.
pub fn diff(name: &str, diff: &Diff) -> String {
    if diff.is_none() {
        return format!("{name} at event {}: all {} rows are the same.{}", diff.at, diff.same, stand_still(diff));
    }
    let Diff { at, same, changed, only_live, only_shadow, .. } = diff;
    let counts = format!("{changed} differ, {only_live} only live, {only_shadow} only in the shadow");
    let mut rows = vec![["KEY", "COLUMN", "LIVE", "SHADOW"].map(str::to_owned).to_vec()];
    for RowDiff { key, side } in &diff.samples {
        let key = Value::Array(key.clone()).to_string();
        match side {
            Side::Live => rows.push(vec![key, String::new(), "(there)".to_owned(), "(none)".to_owned()]),
            Side::Shadow => rows.push(vec![key, String::new(), "(none)".to_owned(), "(there)".to_owned()]),
            Side::Both(columns) => rows.extend(columns.iter().map(|(column, live, shadow)| {
                vec![key.clone(), (*column).to_owned(), live.to_string(), shadow.to_string()]
            })),
        }
    }
    let shown = if diff.samples.is_empty() { String::new() } else { format!("\n{}", table(&rows)) };
    format!("{name} at event {at}: {same} rows are the same, {counts}.{}{shown}", stand_still(diff))
}

fn stand_still(diff: &Diff) -> String {
    match (diff.parked_live, diff.parked_shadow) {
        (0, 0) => String::new(),
        (live, shadow) => format!(" Parked keys: {live} live, {shadow} in the shadow."),
    }
}

/// The same as a document.
pub fn diff_document(name: &str, diff: &Diff) -> Value {
    let sample = |RowDiff { key, side }: &RowDiff| match side {
        Side::Live => json!({ "key": key, "only": "live" }),
        Side::Shadow => json!({ "key": key, "only": "shadow" }),
        Side::Both(columns) => {
            let columns: Map<String, Value> = columns
                .iter()
                .map(|(column, live, shadow)| ((*column).to_owned(), json!({ "live": live, "shadow": shadow })))
                .collect();
            json!({ "key": key, "columns": columns })
        }
    };
    json!({
        "projection": name,
        "at": diff.at,
        "same": diff.same,
        "changed": diff.changed,
        "only_live": diff.only_live,
        "only_shadow": diff.only_shadow,
        "parked": { "live": diff.parked_live, "shadow": diff.parked_shadow },
        "samples": diff.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}
