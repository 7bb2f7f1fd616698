//! Figures: what was measured, what it should be, and how both stand to each other. No measuring.

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// So much or more.
    AtLeast(f64),
    /// Less than that.
    Below(f64),
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is of.
    pub what: String,
    /// How much, in `unit`.
    pub measured: f64,
    /// `ms`, `MiB`, `/s`, `MB/s`, `%` or `s`.
    pub unit: &'static str,
    /// What it should be; none for what is only told.
    pub bound: Option<Bound>,
}

impl Figure {
    /// One that is only told.
    pub fn told(what: impl Into<String>, measured: f64, unit: &'static str) -> Self {
        Self { what: what.into(), measured, unit, bound: None }
    }

    /// One that should be so much or more.
    pub fn at_least(what: impl Into<String>, measured: f64, unit: &'static str, limit: f64) -> Self {
        Self { bound: Some(Bound::AtLeast(limit)), ..Self::told(what, measured, unit) }
    }

    /// One that should be less than that.
    pub fn below(what: impl Into<String>, measured: f64, unit: &'static str, limit: f64) -> Self {
        Self { bound: Some(Bound::Below(limit)), ..Self::told(what, measured, unit) }
    }

    /// One that should be less than that, if there is a limit.
    pub fn below_any(what: impl Into<String>, measured: f64, unit: &'static str, limit: Option<f64>) -> Self {
        Self { bound: limit.map(Bound::Below), ..Self::told(what, measured, unit) }
    }

    /// Whether it is as it should be; none for what is only told.
    pub fn is_kept(&self) -> Option<bool> {
        self.bound.map(|bound| match bound {
            Bound::AtLeast(limit) => self.measured >= limit,
            Bound::Below(limit) => self.measured < limit,
        })
    }

    /// The measured by the limit.
    pub fn ratio(&self) -> Option<f64> {
        self.bound.map(|bound| self.measured / limit_of(bound))
    }

    /// The cells of its row: what, measured, limit, ratio, verdict.
    pub fn cells(&self) -> Vec<String> {
        let amount = |amount: f64| format!("{}{}{}", rounded(amount), space(self.unit), self.unit);
        let limit = self.bound.map_or(String::new(), |bound| match bound {
            Bound::AtLeast(limit) => format!("≥ {}", amount(limit)),
            Bound::Below(limit) => format!("< {}", amount(limit)),
        });
        let ratio = self.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let verdict = self.is_kept().map_or("", |kept| if kept { "ok" } else { "MISSED" });
        vec![self.what.clone(), amount(self.measured), limit, ratio, verdict.to_owned()]
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut figure = serializer.serialize_struct("Figure", 7)?;
        figure.serialize_field("what", &self.what)?;
        figure.serialize_field("measured", &self.measured)?;
        figure.serialize_field("unit", self.unit)?;
        let bound = self.bound.map(|bound| match bound {
            Bound::AtLeast(_) => "at_least",
            Bound::Below(_) => "below",
        });
        figure.serialize_field("bound", &bound)?;
        figure.serialize_field("limit", &self.bound.map(limit_of))?;
        figure.serialize_field("ratio", &self.ratio())?;
        figure.serialize_field("ok", &self.is_kept())?;
        figure.end()
    }
}

/// The value in the middle; 0 of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The value that so many percent of all do not exceed; 0 of nothing. Nearest rank.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn limit_of(bound: Bound) -> f64 {
    match bound {
        Bound::AtLeast(limit) | Bound::Below(limit) => limit,
    }
}

/// Three digits that tell something.
fn rounded(amount: f64) -> String {
    match amount.abs() {
        small if small < 10.0 => format!("{amount:.2}"),
        middle if middle < 100.0 => format!("{amount:.1}"),
        _ => format!("{amount:.0}"),
    }
}

fn space(unit: &str) -> &'static str {
    if unit.starts_with('/') { "" } else { " " }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_figure_is_judged_by_its_bound() {
        let check = |figure: Figure, cells: [&str; 5]| assert_eq!(figure.cells(), cells, "{figure:?}");
        check(Figure::at_least("commands", 1_800.0, "/s", 1_500.0), ["commands", "1800/s", "≥ 1500/s", "1.20", "ok"]);
        check(
            Figure::at_least("commands", 1_499.0, "/s", 1_500.0),
            ["commands", "1499/s", "≥ 1500/s", "1.00", "MISSED"],
        );
        check(Figure::below("memory", 30.0, "MiB", 60.0), ["memory", "30.0 MiB", "< 60.0 MiB", "0.50", "ok"]);
        check(Figure::below("memory", 60.0, "MiB", 60.0), ["memory", "60.0 MiB", "< 60.0 MiB", "1.00", "MISSED"]);
        check(Figure::told("peer", 0.5, "s"), ["peer", "0.50 s", "", "", ""]);
    }

    #[test]
    fn a_figure_is_a_document() {
        let document = serde_json::to_value(Figure::below("p99", 25.0, "ms", 50.0)).expect("a document");
        let expected = json!({
            "what": "p99", "measured": 25.0, "unit": "ms", "bound": "below", "limit": 50.0, "ratio": 0.5, "ok": true,
        });
        assert_eq!(document, expected);
        let document = serde_json::to_value(Figure::told("peer", 1.0, "/s")).expect("a document");
        assert_eq!((&document["limit"], &document["ok"]), (&json!(null), &json!(null)));
    }

    #[test]
    fn ranks_are_found() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(
            (percentile(&values, 99.0), percentile(&values, 50.0), percentile(&values, 100.0)),
            (99.0, 50.0, 100.0)
        );
        assert_eq!((percentile(&[7.0], 99.0), percentile(&[], 99.0)), (7.0, 0.0));
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[])), (2.0, 0.0));
    }
}
