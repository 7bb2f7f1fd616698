//! What is said where an engine is missing.

use super::*;

#[test]
fn a_package_is_named_where_there_is_one() {
    let route = |package: &str| {
        let [from, to] = ["en", "es"].map(|tag| tag.parse().expect("a tag"));
        Unable::NoRoute { from, to, engine: "the pair en-es".to_owned(), package: package.to_owned() }.to_string()
    };
    let there_is_none = "there is no translation from en to es: the pair en-es";
    assert_eq!(route("apertium-eng-spa"), format!("{there_is_none} (Debian package apertium-eng-spa)"));
    assert_eq!([route("none"), route("")], [there_is_none, there_is_none]);
}
