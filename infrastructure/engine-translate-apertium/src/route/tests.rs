//! Routes over made-up installations, as data.

use super::*;

const TRIANGLE: &[&str] = &["eng-spa", "spa-eng", "eng-cat", "eng-cat_valencia", "cat-eng", "spa-cat", "cat-spa"];

fn route(installed: &[&str], from: &str, to: &str) -> Result<Route, EngineError> {
    let modes: Vec<Mode> = installed.iter().filter_map(|name| Mode::parse(name)).collect();
    let atlas = Atlas { modes: &modes, hops_max: 3 };
    atlas.route(&from.parse().expect("a tag"), &to.parse().expect("a tag"))
}

#[test]
fn the_shortest_installed_way_is_taken() {
    let check = |installed: &[&str], from: &str, to: &str, languages: &[&str], modes: &[&str]| {
        let found = route(installed, from, to).expect("a route");
        assert_eq!(found.languages.iter().map(LanguageTag::as_str).collect::<Vec<_>>(), languages, "{from} to {to}");
        assert_eq!(found.modes, modes, "{from} to {to}");
        assert_eq!(found.is_pivoted(), modes.len() > 1);
    };
    check(TRIANGLE, "en", "es", &["en", "es"], &["eng-spa"]);
    check(TRIANGLE, "en-GB", "es-MX", &["en-GB", "es-MX"], &["eng-spa"]);
    check(TRIANGLE, "en", "ca-valencia", &["en", "ca-valencia"], &["eng-cat_valencia"]);
    check(&["eng-spa", "spa-cat"], "en", "ca", &["en", "es", "ca"], &["eng-spa", "spa-cat"]);
    check(&["eng-spa", "es-pt", "es-pt_BR"], "en", "pt-BR", &["en", "es", "pt-BR"], &["eng-spa", "es-pt_BR"]);
    check(&["eng-spa", "eng-cat", "cat-por", "es-pt"], "en", "pt", &["en", "es", "pt"], &["eng-spa", "es-pt"]);
    check(
        &["eng-cat", "cat-por", "por-glg"],
        "en",
        "gl",
        &["en", "ca", "pt", "gl"],
        &["eng-cat", "cat-por", "por-glg"],
    );
    check(&["slv-hbs_BS", "slv-hbs_HR"], "sl", "hr", &["sl", "hr"], &["slv-hbs_HR"]);
}

#[test]
fn what_is_missing_is_named() {
    let check = |installed: &[&str], from: &str, to: &str, packages: &str, way: &str| match route(installed, from, to) {
        Err(EngineError::Missing { engine, package }) => {
            assert_eq!(package, packages, "{from} to {to}");
            assert!(engine.contains(way), "{engine}");
        }
        other => panic!("{from} to {to}: {other:?}"),
    };
    check(&[], "en", "es", "apertium-eng-spa", "en → es");
    check(TRIANGLE, "en", "pt", "apertium-es-pt", "en → es → pt");
    check(TRIANGLE, "en", "gl", "apertium-en-gl", "en → gl");
    check(TRIANGLE, "en", "it", "apertium-spa-ita", "en → es → it");
    check(&[], "en", "pt", "apertium-eng-spa apertium-es-pt", "en → es → pt");
    check(&[], "pt-BR", "en-US", "apertium-eng-spa apertium-es-pt", "pt → es → en");
    check(&["is-en"], "is", "es", "apertium-eng-spa", "is → en → es");
}

#[test]
fn pairs_that_go_one_way_are_not_offered_backwards() {
    let check = |from: &str, to: &str| match route(TRIANGLE, from, to) {
        Err(EngineError::Missing { engine, package }) => {
            assert_eq!(package, "none", "{from} to {to}");
            assert!(engine.contains("not even over other languages"), "{engine}");
        }
        other => panic!("{from} to {to}: {other:?}"),
    };
    check("en", "ro");
    check("en", "eu");
    check("en", "is");
    check("en", "ja");
    check("tlh", "en");
}

#[test]
fn the_same_language_is_refused() {
    let check = |from, to| {
        assert!(matches!(route(TRIANGLE, from, to), Err(EngineError::Rejected { code: "same-language", .. })))
    };
    check("en", "en");
    check("en-GB", "en-US");
    check("hr", "sr");
}

#[test]
fn a_way_that_is_too_long_is_no_way() {
    assert!(route(&["eng-deu", "deu-fin", "fin-kaz"], "en", "kk").is_ok());
    assert!(route(&["eng-deu", "deu-fin", "fin-kaz", "kaz-tat"], "en", "tt").is_err());
}
