//! Every code that a failure is known by stands in the catalogue, which `/v1/errors` serves.

use application::reasons::{LOST, REASONS};
use std::collections::BTreeSet;

#[test]
fn every_reason_that_is_named_anywhere_is_listed() {
    let mut named = BTreeSet::from([LOST.to_owned()]);
    for (path, text) in crate::text_files(&crate::root()).expect("the sources") {
        let layer =
            ["application/src/", "domain/src/", "infrastructure/"].iter().any(|folder| path.starts_with(folder));
        let is_test = path.contains("/tests") || path.contains("/testing") || path.contains("/benches/");
        if layer && !is_test && path.ends_with(".rs") {
            named.extend(codes(text.split("#[cfg(test)]").next().unwrap_or_default()));
        }
    }
    let listed: BTreeSet<String> = REASONS.iter().map(|reason| reason.code.to_owned()).collect();
    assert_eq!(named, listed);
}

#[test]
fn a_reason_is_found_in_the_ways_in_which_it_is_named() {
    let check = |code: &str, expected: &[&str]| {
        assert_eq!(codes(code), expected.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), "{code}");
    };
    check("EngineError::Rejected { code: \"no-audio\", message }", &["no-audio"]);
    check("Quarantine { why, code: \"check-failed\".to_owned(), message }", &["check-failed"]);
    check("fn a() { rejected(\"mix-format\", error) }", &["mix-format"]);
    let matched = "fn other() { \"other\" }\nfn a() { let code = match self { A => \"a\", B => (\"b-c\", \"a sentence\") };\n\
                   EngineError::Rejected { code, message }\n}\nfn last() { \"last\" }";
    check(matched, &["a", "b-c"]);
    check("match error { EngineError::Rejected { code: found, .. } => \"none\" }", &[]);
}

/// Where a code that stands in a variable is made into a reason, at the end of the function that names it.
const MADE: [&str; 5] = [
    "Self::Rejected { code, message",
    "EngineError::Rejected { code, message }\n}",
    "EngineError::Rejected { code, message }\n    }",
    "Failure { code: code",
    "NotDubbable, code, message }",
];

/// The codes that a source names.
fn codes(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for before in ["code: \"", "rejected(\""] {
        found.extend(source.split(before).skip(1).filter_map(|rest| word(rest.split('"').next()?)));
    }
    for made in MADE {
        for (place, _) in source.match_indices(made) {
            let function = &source[source[..place].rfind("fn ").unwrap_or(0)..place];
            found.extend(function.split('"').skip(1).step_by(2).filter_map(word));
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let is_word = text.split('-').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
    is_word.then(|| text.to_owned())
}
