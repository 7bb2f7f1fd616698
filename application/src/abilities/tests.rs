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

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_voice_speaks_one_of_the_languages_that_it_is_chosen_for() {
    let abilities = crate::testing::abilities("en", &["es", "es-MX", "ca"]);
    let check = async |voice: &str, languages: &[&str], expected: Option<&str>| {
        let languages: Vec<LanguageTag> = languages.iter().map(|tag| tag.parse().expect("a tag")).collect();
        let voice = voice.to_owned();
        let required = abilities.require_voices([&voice], &languages).await;
        assert_eq!(required.err().map(|unable| unable.to_string()).as_deref(), expected, "{voice}");
    };
    check("es+f2", &["es"], None).await;
    check("es+f2", &["ca", "es"], None).await;
    check("es-MX+f2", &["es"], None).await;
    check("nobody", &["es"], Some("there is no voice “nobody”")).await;
    let foreign = "the voice “es+f2” does not speak ca; choose one that does";
    check("es+f2", &["ca"], Some(foreign)).await;
}
