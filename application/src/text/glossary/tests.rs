//! Glossaries as data.

use super::*;

fn glossary(csv: &str) -> Glossary {
    Glossary::parse(csv.as_bytes()).expect("a glossary")
}

/// A sentence with its fixed parts between angle quotes.
fn show(sentence: &Sentence) -> String {
    let parts = sentence.parts.iter().map(|part| match part {
        SentencePart::Text(text) => text.clone(),
        SentencePart::Fixed(fixed) => format!("«{fixed}»"),
    });
    parts.collect::<Vec<_>>().join(" ")
}

#[test]
fn rows_are_read() {
    let check = |csv: &str, expected: &[(&str, &str)]| {
        let found = glossary(csv);
        let terms: Vec<_> = found.terms().iter().map(|term| (term.source.as_str(), term.target.as_str())).collect();
        assert_eq!(terms, expected, "{csv:?}");
        assert_eq!(found.is_empty(), expected.is_empty());
    };
    check("", &[]);
    check("source,target\n", &[]);
    check(
        "\u{FEFF}Source, Target\r\nflight director,director de vuelo\r\n",
        &[("flight director", "director de vuelo")],
    );
    check("a,b\n\n c , d \n", &[("a", "b"), ("c", "d")]);
    check("\"yes, sir\",\"sí, señor\",a note\n", &[("yes, sir", "sí, señor")]);
    check("a,b\nA,b\n", &[("a", "b")]);
    check("source,fuente\n", &[("source", "fuente")]);
}

#[test]
fn errors_name_the_line() {
    let check = |csv: &[u8], error: GlossaryError| assert_eq!(Glossary::parse(csv).expect_err("an error"), error);
    check(b"a,b\nc\n", GlossaryError::MissingColumn { line: 2 });
    check(b"a,b\n,c\n", GlossaryError::EmptyTerm { line: 2, column: "source" });
    check(b"a,b\n\n\"x\ny\",z\nc,\n", GlossaryError::EmptyTerm { line: 5, column: "target" });
    check(b"a,!?\n", GlossaryError::EmptyTerm { line: 1, column: "target" });
    check(b"a,b\nc,\xE9t\xE9\n", GlossaryError::NotUtf8 { line: 2 });
    check(b"source,target\na,b\nc,d\nA,e\n", GlossaryError::Contradiction { line: 4, first_line: 2 });
    let many: String = (0..=TERMS_MAX).map(|n| format!("t{n},u\n")).collect();
    check(many.as_bytes(), GlossaryError::TooMany);
}

#[test]
fn terms_are_laid_into_a_line() {
    let terms = glossary("engine,motor\nflight director,director de vuelo\nflight,vuelo\nC++,ce más más\n");
    let check = |line: &str, expected: &str| assert_eq!(show(&terms.apply(line)), expected, "{line}");
    check("Nothing of it.", "Nothing of it.");
    check("The engine, please.", "The «motor» , please.");
    check("The ENGINE runs.", "The «motor» runs.");
    check("Engine on! engine off. \"Engine\"", "«Motor» on! «motor» off. \" «Motor» \"");
    check("Her Engine", "Her «motor»");
    check("engines and reengine", "engines and reengine");
    check("the flight  director of flight 5", "the «director de vuelo» of «vuelo» 5");
    check("We love C++.", "We love «ce más más» .");
    check("", "");
}

#[test]
fn relevant_terms_are_those_that_apply() {
    let terms = glossary("flight director,director de vuelo\nflight,vuelo\nengine,motor\n");
    let check = |line: &str, expected: &[&str]| {
        let found: Vec<_> = terms.relevant(line).into_iter().map(|term| term.source.as_str()).collect();
        assert_eq!(found, expected, "{line}");
    };
    check("nothing", &[]);
    check("Engine, flight director, engine", &["engine", "flight director"]);
    check("flight flight director", &["flight", "flight director"]);
}

#[test]
fn missing_targets_are_found() {
    let terms = glossary("engine,motor\nflight director,director de vuelo\n");
    let check = |line: &str, translation: &str, expected: &[&str]| {
        let found: Vec<_> = terms.missing(line, translation).into_iter().map(|term| term.target.as_str()).collect();
        assert_eq!(found, expected, "{line} / {translation}");
    };
    check("The engine runs.", "El Motor funciona.", &[]);
    check("The engine runs.", "Los motores funcionan.", &["motor"]);
    check("The car runs.", "El coche funciona.", &[]);
    check("flight director", "el director, de vuelo", &[]);
    check("flight director and engine", "director y vuelo", &["director de vuelo", "motor"]);
}

#[test]
fn what_is_applied_is_never_missing() {
    let terms = glossary("engine,El Motor\nC#,ce sostenido\nU.S.,EE. UU.\n");
    for line in ["Engine in C# for the U.S. of today", "the U.S.", "C#"] {
        let text = show(&terms.apply(line)).replace(['«', '»'], "");
        assert_eq!(terms.missing(line, &text), Vec::<&Term>::new(), "{line}");
        assert!(!terms.relevant(line).is_empty());
    }
}
