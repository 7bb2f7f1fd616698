//! The revisions of a track's line: what it is at, what is being made of it, what can be heard.

use super::count;
use crate::{making, row::set};
use application::ports::read_store::Row;
use serde_json::Value;

/// From now on the line is made, from this revision of the transcript's line.
pub(super) fn make(row: &mut Row, made_from: u32, transcript: Option<&Row>) {
    let edits = count(row, "edits");
    set(row, "edits", edits);
    set(row, "made_from", made_from);
    set(row, "making_revision", made_from.saturating_add(edits));
    of_source(row, transcript);
}

/// A person said something about it. What is said before anything is made goes into what is made.
pub(super) fn said(row: &mut Row) {
    let edits = count(row, "edits").saturating_add(1);
    set(row, "edits", edits);
    if making::is_waiting(row) {
        let made_from = count(row, "made_from");
        set(row, "making_revision", made_from.saturating_add(edits));
    }
    compare(row);
}

/// What was made can be heard.
pub(super) fn published(row: &mut Row) {
    let made = row.get("making_revision").cloned();
    set(row, "output_revision", made);
    compare(row);
}

/// The transcript's line is as it is now; `None` when there is none any more.
pub(super) fn of_source(row: &mut Row, transcript: Option<&Row>) {
    let revision = transcript.and_then(|line| line.get("revision")).filter(|revision| !revision.is_null());
    set(row, "removed", revision.is_none());
    if let Some(revision) = revision {
        let revision = revision.clone();
        set(row, "source_revision", revision);
    }
    compare(row);
}

fn compare(row: &mut Row) {
    let revision = count(row, "source_revision").saturating_add(count(row, "edits"));
    let output = row.get("output_revision").and_then(Value::as_u64);
    let is_removed = crate::row::is_true(row, "removed");
    set(row, "revision", revision);
    set(row, "stale", is_removed || output.is_some_and(|output| output < u64::from(revision)));
}
