//! Sets of lines in a text column: which lines have come how far, and what is wrong with which.
//!
//! A set is written as ranges, `1-12,14`, so that the lines of an hour fit into a few characters. A
//! text that cannot be read counts as the empty set.

use domain::{flow::Stage, track::Flag, value::UtteranceId};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::row::name_of;

/// Numbers of lines, as inclusive ranges that neither touch nor overlap, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineSet {
    ranges: Vec<(u32, u32)>,
}

impl LineSet {
    /// Reads what [`LineSet::write`] wrote.
    pub fn read(text: &str) -> Self {
        let mut set = Self::default();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
                set.insert_range(first, last);
            }
        }
        set
    }

    /// The set as text.
    pub fn write(&self) -> String {
        let mut text = String::new();
        for (first, last) in &self.ranges {
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a string does not fail.
            let _ok =
                if first == last { write!(text, "{comma}{first}") } else { write!(text, "{comma}{first}-{last}") };
        }
        text
    }

    /// Adds a line.
    pub fn insert(&mut self, line: UtteranceId) {
        self.insert_range(line.0, line.0);
    }

    /// Adds a line by its number.
    pub fn insert_number(&mut self, line: u32) {
        self.insert_range(line, line);
    }

    /// Removes all lines that another set does not hold.
    pub fn retain(&mut self, others: &LineSet) {
        let mut kept = Self::default();
        for (first, last) in &self.ranges {
            for (from, to) in &others.ranges {
                kept.insert_range(*first.max(from), *last.min(to));
            }
        }
        *self = kept;
    }

    /// Every line, in order.
    pub fn into_lines(self) -> impl Iterator<Item = u32> {
        self.ranges.into_iter().flat_map(|(first, last)| first..=last)
    }

    /// Adds all lines of another set.
    pub fn extend(&mut self, other: &LineSet) {
        other.ranges.iter().for_each(|(first, last)| self.insert_range(*first, *last));
    }

    /// How many lines it holds.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    fn insert_range(&mut self, mut first: u32, mut last: u32) {
        if last < first {
            return;
        }
        let apart = |(from, to): &(u32, u32)| to.saturating_add(1) < first || last.saturating_add(1) < *from;
        let (kept, met): (Vec<_>, Vec<_>) = self.ranges.iter().copied().partition(apart);
        for (from, to) in met {
            first = first.min(from);
            last = last.max(to);
        }
        let place = kept.partition_point(|(from, _)| *from < first);
        self.ranges = kept;
        self.ranges.insert(place, (first, last));
    }
}

/// What is wrong with which lines of a track: `fit:late=3,5-7;translate:unknown-word=2`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlaggedLines {
    by_flag: BTreeMap<String, LineSet>,
}

impl FlaggedLines {
    /// Reads what [`FlaggedLines::write`] wrote.
    pub fn read(text: &str) -> Self {
        let parts = text.split(';').filter_map(|part| part.split_once('='));
        Self { by_flag: parts.map(|(flag, lines)| (flag.to_owned(), LineSet::read(lines))).collect() }
    }

    /// The flags as text.
    pub fn write(&self) -> String {
        let parts: Vec<_> = self.by_flag.iter().map(|(flag, lines)| format!("{flag}={}", lines.write())).collect();
        parts.join(";")
    }

    /// Flags a line.
    pub fn insert(&mut self, stage: Stage, flag: Flag, line: UtteranceId) {
        self.by_flag.entry(label(stage, flag)).or_default().insert(line);
    }

    /// Takes back what these stages said.
    pub fn take_back(&mut self, stages: &[Stage]) {
        self.by_flag.retain(|label, _| !is_said_by(label, stages));
    }

    /// Takes back what was said about all other lines.
    pub fn retain(&mut self, lines: &LineSet) {
        self.by_flag.values_mut().for_each(|flagged| flagged.retain(lines));
        self.by_flag.retain(|_, flagged| !flagged.ranges.is_empty());
    }

    /// Lines with any flag.
    pub fn all(&self) -> LineSet {
        self.union(|_| true)
    }

    /// Lines that a person should look at.
    pub fn to_attend(&self) -> LineSet {
        self.union(needs_attention)
    }

    fn union(&self, wanted: impl Fn(&str) -> bool) -> LineSet {
        let mut union = LineSet::default();
        self.by_flag.iter().filter(|(label, _)| wanted(label)).for_each(|(_, lines)| union.extend(lines));
        union
    }
}

/// The flags of one line: `fit:late,translate:unknown-word`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineFlags {
    labels: BTreeSet<String>,
}

impl LineFlags {
    /// Reads what [`LineFlags::write`] wrote.
    pub fn read(text: &str) -> Self {
        Self { labels: text.split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect() }
    }

    /// The flags as text.
    pub fn write(&self) -> String {
        self.labels.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    /// Adds a flag.
    pub fn insert(&mut self, stage: Stage, flag: Flag) {
        self.labels.insert(label(stage, flag));
    }

    /// Takes back what these stages said.
    pub fn take_back(&mut self, stages: &[Stage]) {
        self.labels.retain(|label| !is_said_by(label, stages));
    }

    /// Whether a person should look at the line.
    pub fn needs_attention(&self) -> bool {
        self.labels.iter().any(|label| needs_attention(label))
    }
}

fn label(stage: Stage, flag: Flag) -> String {
    format!("{stage}:{}", name_of(&flag))
}

fn is_said_by(label: &str, stages: &[Stage]) -> bool {
    let said_by = label.split_once(':').map(|(stage, _)| stage);
    stages.iter().any(|stage| said_by == Some(stage.name()))
}

fn needs_attention(label: &str) -> bool {
    let flag = label.split_once(':').map(|(_, flag)| Value::from(flag));
    flag.and_then(|flag| serde_json::from_value::<Flag>(flag).ok()).is_some_and(Flag::needs_attention)
}

#[cfg(test)]
mod tests;
