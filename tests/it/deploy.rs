//! What is shipped to run an installation with says nothing that the program does not know. That it can be parsed is for
//! scripts/test-clients, which has a parser; nothing here runs a container.

use crate::{root, text_files};
use std::{collections::BTreeSet, fs};

/// Set by whoever builds or starts an image, and no key: the data folder has a variable of its own.
const NO_KEY: &str = "DRAGOMAN_DATA_DIR";

#[test]
fn every_variable_is_a_key() {
    let keys = variables_of(&read("docs/dragoman.example.toml"));
    assert!(keys.len() > 50 && keys.contains("DRAGOMAN_HTTP__LISTEN"), "the example was read");
    let shipped = text_files(&root().join("deploy")).expect("the folder");
    let mut seen = 0;
    for (path, text) in shipped {
        let unknown = unknown(&text, &keys);
        assert!(unknown.is_empty(), "deploy/{path} sets {unknown:?}");
        seen += named(&text).len();
    }
    assert!(seen > 5, "they were looked at");
}

#[test]
fn a_variable_that_is_no_key_is_caught() {
    let keys = variables_of("# Where.\n[http]\n#listen = \"127.0.0.1:8080\"\n#tls_key = \"\"   # unset\n");
    let check = |text: &str, expected: &[&str]| assert_eq!(unknown(text, &keys), expected, "{text}");
    check("DRAGOMAN_HTTP__LISTEN: 0.0.0.0:8080\nENV DRAGOMAN_DATA_DIR=/var/lib/dragoman", &[]);
    check("- DRAGOMAN_HTTP__LISTENS=1\nDRAGOMAN_HTTP_TLS_KEY: a", &["DRAGOMAN_HTTP__LISTENS", "DRAGOMAN_HTTP_TLS_KEY"]);
}

#[test]
fn the_image_has_every_program_that_setup_installs_and_that_runs() {
    let packages = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| c.is_whitespace() || c == '"' || c == '=');
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let setup = read("scripts/setup");
    let list = setup.split_once("packages=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a list").0;
    let image = read("deploy/Dockerfile");
    let runtime = packages(image.rsplit_once("\nFROM ").expect("two stages").1);
    // To build, to make the sample film, and to look at pipelines.
    let not_to_run = ["build-essential", "pkg-config", "flite", "python3", "gstreamer1.0-tools"];
    let runs = |package: &String| !package.ends_with("-dev") && !not_to_run.contains(&package.as_str());
    let missing: Vec<_> =
        packages(list).into_iter().filter(runs).filter(|package| !runtime.contains(package)).collect();
    assert!(missing.is_empty(), "deploy/Dockerfile does not install {missing:?}");
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split_once("channel = \"").and_then(|(_, rest)| rest.split_once('"')).expect("a version").0;
    assert!(image.contains(&format!("FROM rust:{version}-")), "the image builds with Rust {version}");
}

/// The variables of the keys of an example configuration.
fn variables_of(example: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut found = BTreeSet::new();
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}__");
        } else if let Some((key, _)) = line.strip_prefix('#').and_then(|rest| rest.split_once(" = "))
            && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            found.insert(format!("DRAGOMAN_{section}{key}").to_uppercase());
        }
    }
    found
}

/// The variables of the program that a text names.
fn named(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).filter(|word| word.starts_with("DRAGOMAN_")).collect()
}

fn unknown<'a>(text: &'a str, keys: &BTreeSet<String>) -> Vec<&'a str> {
    named(text).into_iter().filter(|name| *name != NO_KEY && !keys.contains(*name)).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a file of the repository")
}
