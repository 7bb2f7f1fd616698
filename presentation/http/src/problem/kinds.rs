//! The table of kinds of faults: what `errors[].code` of a problem document may say. `GET /v1/errors` serves it.

use serde::Serialize;
use utoipa::ToSchema;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultKind {
    /// Stable name.
    #[schema(example = "unknown-field")]
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
}

const fn kind(code: &'static str, title: &'static str) -> FaultKind {
    FaultKind { code, title }
}

const INVALID_VALUE: FaultKind = kind("invalid-value", "The value is not one that is taken here");

/// All kinds.
pub const FAULT_KINDS: &[FaultKind] = &[
    kind("unknown-field", "Nothing here has this name"),
    kind("missing-field", "It must be said"),
    kind("duplicate-field", "It stands twice"),
    INVALID_VALUE,
    kind("unknown-reference", "What it names is not there"),
    kind("same-language", "Source and target are one language"),
    kind("no-recogniser", "Nothing here understands the language"),
    kind("no-translation", "Nothing here translates into the language"),
    kind("no-voice", "Nothing here speaks the language"),
    kind("not-ready", "It is not ready yet"),
    kind("not-dubbable", "It cannot be dubbed"),
];

/// The code of a kind. What stands in no row is an invalid value: clients never hear a code that is not listed.
pub(super) fn named(code: &str) -> &'static str {
    FAULT_KINDS.iter().find(|kind| kind.code == code).unwrap_or(&INVALID_VALUE).code
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    /// Calls that take a kind, directly or by a helper.
    const CALLS: [&str; 6] = ["Fault::at(", "Fault::of(", "invalid(", "fault(", "at(", "Err(fault("];

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push(fs::read_to_string(&path).expect("a source"));
            }
        }
    }

    /// Words between quotes in the calls, up to the end of their line.
    fn words(source: &str) -> impl Iterator<Item = &str> {
        let calls = CALLS.iter().flat_map(|call| source.split(call).skip(1));
        calls.flat_map(|rest| rest.lines().next().unwrap_or_default().split('"').skip(1).step_by(2))
    }

    #[test]
    fn every_kind_that_is_used_is_listed() {
        let (mut found, mut used) = (Vec::new(), BTreeSet::new());
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        for source in &found {
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            let is_kind = |word: &&str| word.contains('-') && word.bytes().all(|b| b == b'-' || b.is_ascii_lowercase());
            used.extend(words(source).filter(is_kind).map(str::to_owned));
        }
        let listed: BTreeSet<String> = FAULT_KINDS.iter().map(|kind| kind.code.to_owned()).collect();
        assert_eq!(used.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new());
        assert!(used.contains("unknown-reference") && used.contains("invalid-value"), "{used:?}");
    }

    #[test]
    fn what_is_not_listed_is_never_said() {
        assert_eq!((named("unknown-field"), named("unheard-of")), ("unknown-field", "invalid-value"));
    }
}
