//! Old shapes of events, lifted to the newest one version at a time.
//!
//! An upcaster is a pure function over the opened data. To change an event's shape: raise its version
//! in the catalogue, add the step from the version before here, add a golden file. Old golden files
//! stay for ever.

use serde_json::{Value, json};

/// Lifts the data of one type from one version to the next.
#[derive(Clone, Copy)]
pub(crate) struct Upcaster {
    /// The type.
    pub event_type: &'static str,
    /// The version it lifts from; it lifts to the next.
    pub from: u16,
    /// The step; `None` when the data does not have the old shape.
    pub step: fn(Value) -> Option<Value>,
}

/// All steps.
pub(crate) const UPCASTERS: &[Upcaster] = &[
    Upcaster { event_type: "VideoGenerationStarted", from: 1, step: came_in_by_command_line },
    Upcaster { event_type: "TrackStarted", from: 1, step: lines_as_first_understood },
    Upcaster { event_type: "TrackMixed", from: 1, step: levels_not_noted },
];

/// Before there were orders, everything came from the command line.
fn came_in_by_command_line(mut data: Value) -> Option<Value> {
    let order = json!({
        "asset": null, "project": null, "client_reference": null, "priority": "normal", "forked_from": null,
    });
    data.as_object_mut()?.insert("order".to_owned(), order);
    Some(data)
}

/// Before lines were made anew, nobody noted levels.
fn levels_not_noted(mut data: Value) -> Option<Value> {
    data.as_object_mut()?.insert("levels".to_owned(), Value::Null);
    Some(data)
}

/// Before there were edits, every line of the transcript was at its first revision.
fn lines_as_first_understood(mut data: Value) -> Option<Value> {
    let fields = data.as_object_mut()?;
    let utterances = fields.remove("utterances")?;
    let line = |utterance: &Value| json!({ "utterance": utterance, "revision": 1 });
    fields.insert("lines".to_owned(), utterances.as_array()?.iter().map(line).collect());
    Some(data)
}

/// Lifts data from version `from` to version `to`; `None` where a step is missing or does not fit.
pub(crate) fn lift(steps: &[Upcaster], event_type: &str, from: u16, to: u16, data: Value) -> Option<Value> {
    (from..to).try_fold(data, |data, version| {
        let step = steps.iter().find(|step| step.event_type == event_type && step.from == version)?;
        (step.step)(data)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;
    use serde_json::json;

    const CHAIN: &[Upcaster] = &[
        Upcaster { event_type: "LineSpoken", from: 1, step: seconds_to_ms },
        Upcaster { event_type: "LineSpoken", from: 2, step: add_rate },
    ];

    fn seconds_to_ms(data: Value) -> Option<Value> {
        Some(json!({ "duration_ms": data.get("seconds")?.as_u64()? * 1000 }))
    }

    fn add_rate(mut data: Value) -> Option<Value> {
        data.as_object_mut()?.insert("rate".to_owned(), json!(100));
        Some(data)
    }

    #[test]
    fn data_is_lifted_one_version_at_a_time() {
        let newest = Some(json!({ "duration_ms": 3000, "rate": 100 }));
        assert_eq!(lift(CHAIN, "LineSpoken", 1, 3, json!({ "seconds": 3 })), newest);
        assert_eq!(lift(CHAIN, "LineSpoken", 2, 3, json!({ "duration_ms": 3000 })), newest);
        assert_eq!(lift(CHAIN, "LineSpoken", 3, 3, json!("as it is")), Some(json!("as it is")));
    }

    #[test]
    fn a_missing_step_and_another_shape_are_noticed() {
        assert_eq!(lift(CHAIN, "LineSpoken", 0, 3, json!({})), None);
        assert_eq!(lift(CHAIN, "LineDropped", 1, 2, json!({})), None);
        assert_eq!(lift(CHAIN, "LineSpoken", 1, 3, json!({ "minutes": 3 })), None);
    }

    #[test]
    fn every_older_version_has_its_step_and_no_step_is_left_over() {
        let mut expected: Vec<_> =
            catalogue().iter().flat_map(|doc| (1..doc.version).map(|from| (doc.event_type, from))).collect();
        let mut there: Vec<_> = UPCASTERS.iter().map(|step| (step.event_type, step.from)).collect();
        expected.sort_unstable();
        there.sort_unstable();
        assert_eq!(there, expected);
    }
}
