//! A number for each of many lines, in a text column: which revision which line is at.
//!
//! It is written by number, `1=1-12,14;2=13`, because most lines share one. A text that cannot be read counts as
//! empty.

use crate::lines::LineSet;
use std::collections::BTreeMap;

/// Line to number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineNumbers {
    by_line: BTreeMap<u32, u32>,
}

impl LineNumbers {
    /// Reads what [`LineNumbers::write`] wrote.
    pub fn read(text: &str) -> Self {
        let parts = text.split(';').filter_map(|part| part.split_once('='));
        let parts = parts.filter_map(|(number, lines)| Some((number.parse::<u32>().ok()?, LineSet::read(lines))));
        Self { by_line: parts.flat_map(|(number, lines)| lines.into_lines().map(move |line| (line, number))).collect() }
    }

    /// The numbers as text.
    pub fn write(&self) -> String {
        let mut by_number: BTreeMap<u32, LineSet> = BTreeMap::new();
        for (line, number) in &self.by_line {
            by_number.entry(*number).or_default().insert_number(*line);
        }
        by_number.iter().map(|(number, lines)| format!("{number}={}", lines.write())).collect::<Vec<_>>().join(";")
    }

    /// The number of a line.
    pub fn get(&self, line: u32) -> Option<u32> {
        self.by_line.get(&line).copied()
    }

    /// Gives a line a number.
    pub fn set(&mut self, line: u32, number: u32) {
        self.by_line.insert(line, number);
    }

    /// Adds one to a line's number; none counts as 0.
    pub fn increment(&mut self, line: u32) {
        let number = self.by_line.entry(line).or_insert(0);
        *number = number.saturating_add(1);
    }

    /// Forgets a line.
    pub fn remove(&mut self, line: u32) {
        self.by_line.remove(&line);
    }

    /// Forgets all lines but these.
    pub fn retain(&mut self, lines: &LineNumbers) {
        self.by_line.retain(|line, _| lines.by_line.contains_key(line));
    }

    /// Every line with its number, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.by_line.iter().map(|(line, number)| (*line, *number))
    }

    /// How many lines have one.
    pub fn len(&self) -> usize {
        self.by_line.len()
    }

    /// The lines that have one.
    pub fn lines(&self) -> LineSet {
        let mut lines = LineSet::default();
        self.by_line.keys().for_each(|line| lines.insert_number(*line));
        lines
    }
}

impl FromIterator<(u32, u32)> for LineNumbers {
    fn from_iter<T: IntoIterator<Item = (u32, u32)>>(numbers: T) -> Self {
        Self { by_line: numbers.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_by_number_and_read_back() {
        let check = |numbers: &[(u32, u32)], text: &str| {
            let numbers: LineNumbers = numbers.iter().copied().collect();
            assert_eq!(numbers.write(), text);
            assert_eq!(LineNumbers::read(text), numbers);
        };
        check(&[], "");
        check(&[(1, 1), (2, 1), (3, 1)], "1=1-3");
        check(&[(1, 1), (2, 3), (3, 1), (7, 2)], "1=1,3;2=7;3=2");
        check(&[(u32::MAX, u32::MAX)], "4294967295=4294967295");
    }

    #[test]
    fn texts_that_nobody_wrote_read_as_something() {
        for (text, read) in [("x=1;2=3", "2=3"), ("1=;=", ""), ("nonsense", ""), ("1=2;2=2", "2=2")] {
            assert_eq!(LineNumbers::read(text).write(), read, "{text:?}");
        }
    }

    #[test]
    fn lines_count_up_and_are_forgotten() {
        let mut numbers = LineNumbers::read("1=1-4");
        numbers.increment(2);
        numbers.increment(9);
        numbers.remove(3);
        assert_eq!((numbers.write().as_str(), numbers.len()), ("1=1,4,9;2=2", 4));
        assert_eq!((numbers.get(2), numbers.get(3)), (Some(2), None));
        numbers.retain(&LineNumbers::read("7=2,4,5"));
        assert_eq!((numbers.write().as_str(), numbers.lines().write().as_str()), ("1=4;2=2", "2,4"));
    }
}
