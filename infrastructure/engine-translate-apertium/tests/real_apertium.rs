//! The real Apertium with the pairs eng-spa, eng-cat and spa-cat.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use application::{
    ports::engine::{Engine, EngineError},
    stages::translate::{Sentence, SentencePart, Translated, Translator},
};
use child_process::LocalChildren;
use engine_translate_apertium::{ApertiumConfig, ApertiumEngine};
use std::{path::Path, sync::Arc};

fn engine(config: ApertiumConfig) -> ApertiumEngine {
    ApertiumEngine::new(config, Arc::new(LocalChildren::default()))
}

fn sentence(text: &str) -> Sentence {
    Sentence { parts: vec![SentencePart::Text(text.to_owned())] }
}

/// A sentence whose fixed parts are written between double angle brackets: `the «NASA» engine`.
fn with_fixed(text: &str) -> Sentence {
    let mut parts = Vec::new();
    for (place, piece) in text.split(['«', '»']).enumerate() {
        let piece = piece.trim();
        match place % 2 {
            _ if piece.is_empty() => {}
            0 => parts.push(SentencePart::Text(piece.to_owned())),
            _ => parts.push(SentencePart::Fixed(piece.to_owned())),
        }
    }
    Sentence { parts }
}

async fn translated(engine: &ApertiumEngine, from: &str, to: &str, sentences: &[Sentence]) -> Vec<Translated> {
    let route = engine.route(&from.parse().expect("a tag"), &to.parse().expect("a tag")).await.expect("a route");
    let results = engine.translate(&route, sentences).await.expect("translated");
    assert_eq!(results.len(), sentences.len());
    results
}

/// A data folder in which only some of the installed modes exist.
fn only_modes(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("modes")).expect("made");
    for name in names {
        let name = format!("{name}.mode");
        let installed = Path::new("/usr/share/apertium/modes").join(&name);
        std::fs::copy(installed, folder.path().join("modes").join(&name)).expect("an installed mode");
    }
    folder
}

#[tokio::test]
async fn it_describes_what_is_installed() {
    let info = engine(ApertiumConfig::default()).describe().await.expect("installed");
    assert_eq!(info.name, "apertium");
    assert!(info.version.starts_with(|c: char| c.is_ascii_digit()), "{}", info.version);
    for language in ["en", "es", "ca"] {
        assert!(info.languages.contains(&language.parse().expect("a tag")), "{language}");
    }
    let all = info.model_digest.expect("a digest");
    let folder = only_modes(&["eng-spa"]);
    let one = engine(ApertiumConfig { data_folder: folder.path().to_owned(), ..ApertiumConfig::default() });
    assert_ne!(one.describe().await.expect("installed").model_digest.expect("a digest"), all);
}

#[tokio::test]
async fn what_is_not_installed_is_missing() {
    let no_program = ApertiumConfig { program: "apertium-that-is-not-there".into(), ..ApertiumConfig::default() };
    let no_pair = ApertiumConfig { data_folder: "/nonexistent".into(), ..ApertiumConfig::default() };
    for (config, package) in [(no_program, "apertium apertium-eng-spa"), (no_pair, "apertium apertium-eng-spa")] {
        match engine(config).describe().await {
            Err(EngineError::Missing { package: named, .. }) => assert_eq!(named, package),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn plain_sentences() {
    let check = async |from: &str, to: &str, source: &str, target: &str| {
        let results = translated(&engine(ApertiumConfig::default()), from, to, &[sentence(source)]).await;
        assert_eq!(results[0], Translated { text: target.to_owned(), unknown: vec![] }, "{source}");
    };
    check("en", "es", "The house is big.", "La casa es grande.").await;
    check("en", "es-MX", "The house\nis\tbig", "La casa es grande").await;
    check("es", "ca", "La casa es grande.", "La casa és gran.").await;
    check("ca", "en-US", "La casa és gran.", "The home is big.").await;
    check("en", "es", "", "").await;
    check("en", "es", "12:30", "12:30").await;
}

#[tokio::test]
async fn unknown_words_are_told_and_stay_readable() {
    let sentences = ["The blorb opens the door.", "Hello.", "A fnord and a blorb, and a fnord."].map(sentence);
    let results = translated(&engine(ApertiumConfig::default()), "en", "es", &sentences).await;
    assert_eq!(results[0].text, "El blorb abre la puerta.");
    assert_eq!(results[0].unknown, ["blorb"]);
    assert_eq!(results[1].unknown, [""; 0]);
    assert_eq!(results[2].unknown, ["fnord", "blorb"]);
    assert!(results.iter().all(|result| !result.text.contains(['*', '#', '@'])), "{results:?}");
}

#[tokio::test]
async fn special_characters_survive() {
    let specials = [
        "*", "@", "#", "^", "$", "[", "]", "{", "}", "\\", "<", ">", "/", "~", "+", "_", "[]", "[[", "\\n", "*x*",
        "<b>",
    ];
    let mut sentences: Vec<Sentence> =
        specials.iter().map(|special| sentence(&format!("The {special} house is big."))).collect();
    sentences.extend(specials.iter().map(|special| sentence(&format!("{special} The house is big{special}"))));
    let results = translated(&engine(ApertiumConfig::default()), "en", "es", &sentences).await;
    for (place, result) in results.iter().enumerate() {
        let special = specials[place % specials.len()];
        for c in special.chars().filter(|c| !c.is_alphanumeric()) {
            let of = |text: &str| text.chars().filter(|&other| other == c).count();
            let before = special.chars().filter(|&other| other == c).count() * (1 + place / specials.len());
            assert_eq!(of(&result.text), before, "{c} in {}", result.text);
        }
        assert!(result.text.contains("casa") && result.text.contains("grande"), "{}", result.text);
    }
}

#[tokio::test]
async fn fixed_parts_appear_exactly_in_their_place() {
    let check = async |source: &str, target: &str| {
        let results = translated(&engine(ApertiumConfig::default()), "en", "es", &[with_fixed(source)]).await;
        assert_eq!(results[0].text, target, "{source}");
        assert_eq!(results[0].unknown, [""; 0], "{source}");
    };
    check("The «director de vuelo» opens the door.", "El director de vuelo abre la puerta.").await;
    check("«NASA» opens the door.", "NASA abre la puerta.").await;
    check("We like «Zqx*[1] #2», and «C/C++».", "Nos gusta Zqx*[1] #2, y C/C++.").await;
    check("The house («casa») of the U.S. government.", "La casa (casa) del gobierno de EE.UU.").await;
    check("«the»", "the").await;
    check("the «jefe» 's house", "La casa del jefe").await;
    check("«uno» «dos» «tres»", "uno dos tres").await;
}

#[tokio::test]
async fn a_batch_gives_what_single_runs_give() {
    let english = [
        "I believe that this nation should commit itself to achieving the goal.",
        "no full stop",
        "She gave the dog to her",
        "and what is that",
        "We choose to go to the moon in this decade and do the other things.",
        "The",
        "blorb",
        "He saw her; they left. It rained!",
        "the red car of the old man's friend",
        "Is it big?",
        "\"Yes,\" he said.",
        "3.5 dollars",
        "It was him",
        "Who",
        "go home",
        "to be or not to be: that is the question",
    ];
    let sentences: Vec<Sentence> = english.iter().map(|text| sentence(text)).collect();
    let together = translated(&engine(ApertiumConfig::default()), "en", "es", &sentences).await;
    let alone = ApertiumConfig { batch_sentences_max: 1, ..ApertiumConfig::default() };
    let apart = translated(&engine(alone), "en", "es", &sentences).await;
    for (source, (together, apart)) in english.iter().zip(together.iter().zip(&apart)) {
        assert_eq!(together, apart, "{source}");
    }
}

#[tokio::test]
async fn a_pivot_carries_everything_along() {
    let folder = only_modes(&["eng-spa", "spa-cat", "cat-eng"]);
    let engine = engine(ApertiumConfig { data_folder: folder.path().to_owned(), ..ApertiumConfig::default() });
    let route = engine.route(&"en".parse().expect("a tag"), &"ca".parse().expect("a tag")).await.expect("a route");
    assert_eq!(route.modes, ["eng-spa", "spa-cat"]);
    assert!(route.is_pivoted());
    // “perro” is no English word: kept by the first hop, it must not be translated by the second.
    let sentences = [
        with_fixed("The «cap de vol» opens the door."),
        with_fixed("The perro and the «*gat*» are big."),
        sentence("It is 3*4 big"),
    ];
    let results = translated(&engine, "en", "ca", &sentences).await;
    assert_eq!(results[0].text, "El cap de vol obre la porta.");
    assert_eq!(results[1].text, "El perro i el *gat* és gran.");
    assert_eq!(results[1].unknown, ["perro"]);
    assert!(results[2].text.contains("3*4"), "{}", results[2].text);
}

#[tokio::test]
async fn a_long_sentence_is_translated_whole() {
    let long = vec!["The house is big."; 3000].join(" ");
    let results =
        translated(&engine(ApertiumConfig::default()), "en", "es", &[sentence(&long), sentence("Hello.")]).await;
    assert_eq!(results[0].text, vec!["La casa es grande."; 3000].join(" "));
    assert_eq!(results[1].text, "Hola.");
}
