//! The picture of the house, proven: layers, owners of dependencies, manifests, rooms of engines.
//!
//! Each rule is a pure function over a small model of the workspace. It holds for this workspace, and
//! a made-up workspace that breaks exactly this rule is caught by exactly this rule.

mod lists;
mod model;
mod rules;

use model::{Dependency, Kind, Member, Workspace, sections};
use rules::{RULES, misdrawn, stale_owners};
use std::{collections::BTreeMap, fs};

#[test]
fn this_workspace_keeps_every_rule() {
    let workspace = Workspace::load().expect("cargo describes the workspace");
    assert!(workspace.members.len() > 10, "the workspace was read");
    let mut offences = Vec::new();
    for (name, rule) in RULES {
        offences.extend(rule(&workspace).into_iter().map(|offence| format!("{name}: {offence}")));
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn the_lists_name_nothing_that_is_gone() {
    let workspace = Workspace::load().expect("cargo describes the workspace");
    assert_eq!(stale_owners(&workspace), Vec::<String>::new());
    let unused = lists::UNDER_DOMAIN.into_iter().filter(|name| !workspace.under_domain.contains(*name));
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_page_of_the_architecture_has_a_row_for_every_crate_and_no_other() {
    let workspace = Workspace::load().expect("cargo describes the workspace");
    let page = fs::read_to_string(crate::root().join("docs/ARCHITECTURE.md")).expect("the page");
    assert_eq!(misdrawn(&workspace, &page), Vec::<String>::new());
}

#[test]
fn a_crate_that_the_page_forgets_or_remembers_for_too_long_is_caught() {
    let workspace = Workspace { members: vec![member("domain", "domain"), member("tests", "tests")], ..sound() };
    let page =
        |row: &str| misdrawn(&workspace, &format!("| `domain/` | `domain` | pure |\n{row}\n| `scripts/` | – | b |\n"));
    assert_eq!(page("| `tests/` | `tests` | all |"), Vec::<String>::new());
    assert_eq!(page("The crate `tests`."), ["`tests/` | `tests` has no row"]);
    assert_eq!(page("| `tests/` | `tests` | a |\n| `old/` | `old` | c |"), ["`old/` | `old` is no crate"]);
}

#[test]
fn an_owner_that_is_gone_is_caught() {
    let mut workspace = sound();
    depend(&mut workspace, "event-log-sqlite", "sqlx", Kind::Normal);
    let stale = stale_owners(&workspace);
    assert!(stale.contains(&"read-store does not depend on sqlx".to_owned()));
    assert!(!stale.contains(&"event-log-sqlite does not depend on sqlx".to_owned()));
}

#[test]
fn a_sound_workspace_breaks_no_rule() {
    check(&[], |_| {});
}

#[test]
fn a_crate_out_of_place_is_caught() {
    check(&["every crate has its place"], |w| w.members.push(member("helpers", "util/helpers")));
    check(&["every crate has its place"], |w| w.members.push(member("mail", "infrastructure/e-mail")));
}

#[test]
fn a_dependency_outward_is_caught() {
    let rule = "dependencies point inward";
    check(&[rule], |w| depend(w, "domain", "application", Kind::Normal));
    check(&[rule], |w| depend(w, "application", "event-log-sqlite", Kind::Normal));
    check(&[rule], |w| depend(w, "application", "projections", Kind::Normal));
    check(&[rule], |w| depend(w, "projections", "event-codec", Kind::Normal));
    check(&[rule], |w| depend(w, "event-log-sqlite", "projections", Kind::Normal));
    check(&[rule], |w| depend(w, "event-codec", "event-log-sqlite", Kind::Normal));
    check(&[rule], |w| depend(w, "http-api", "child-process", Kind::Normal));
    check(&[], |w| depend(w, "http-api", "projections", Kind::Normal));
    check(&[], |w| depend(w, "http-api", "event-log-sqlite", Kind::Dev));
}

#[test]
fn a_dependency_on_the_top_is_caught() {
    let rule = "nothing depends on the program or on the tests of the whole";
    check(&[rule], |w| depend(w, "application", "dragoman", Kind::Normal));
    check(&[rule], |w| depend(w, "projections", "http-api", Kind::Normal));
    check(&[rule], |w| depend(w, "http-api", "dragoman", Kind::Dev));
    check(&[], |w| depend(w, "dragoman", "http-api", Kind::Normal));
    check(&[rule], |w| depend(w, "tests", "dragoman", Kind::Normal));
    check(&[rule], |w| depend(w, "domain", "tests", Kind::Dev));
}

#[test]
fn an_adapter_on_another_is_caught() {
    let rule = "no adapter depends on another one";
    check(&[rule], |w| depend(w, "engine-mix-loud", "child-process", Kind::Normal));
    check(&[], |w| depend(w, "event-log-sqlite", "event-codec", Kind::Normal));
}

#[test]
fn a_test_that_leans_on_another_adapter_is_caught() {
    let rule = "tests of adapters use few other adapters";
    check(&[rule], |w| depend(w, "engine-mix-loud", "event-log-sqlite", Kind::Dev));
    check(&[rule], |w| depend(w, "domain", "event-codec", Kind::Dev));
    check(&[rule], |w| depend(w, "application", "event-log-sqlite", Kind::Dev));
    check(&[], |w| depend(w, "engine-mix-loud", "child-process", Kind::Dev));
}

#[test]
fn a_stranger_under_domain_is_caught() {
    check(&["domain stands on few crates"], |w| {
        w.under_domain.insert("tokio".to_owned());
    });
}

#[test]
fn a_crowd_under_domain_is_caught() {
    let mut workspace = sound();
    workspace.under_domain.extend((0..8).map(|n| format!("tiny-{n}")));
    let rule = RULES.iter().find(|(name, _)| *name == "domain stands on few crates").expect("the rule").1;
    assert_eq!(rule(&workspace).last().map(String::as_str), Some("domain stands on 11 crates"));
}

#[test]
fn an_inner_crate_that_reaches_outside_is_caught() {
    let rule = "inner crates reach outside by ports only";
    check(&[rule], |w| write(w, "domain", "src/clock.rs", "use std::time::SystemTime;"));
    check(&[rule], |w| write(w, "application", "src/keep.rs", "fn keep() { std::fs::write(a, b) }"));
    check(&[rule], |w| write(w, "projections", "src/keep.rs", "use tokio::fs;"));
    check(&[], |w| write(w, "domain", "src/clock.rs", "// no std::time here"));
}

#[test]
fn a_dependency_without_or_with_another_owner_is_caught() {
    let rule = "every dependency has its owners";
    check(&[rule], |w| depend(w, "engine-mix-loud", "sqlx", Kind::Normal));
    check(&[rule], |w| depend(w, "application", "gstreamer-app", Kind::Normal));
    check(&[rule], |w| depend(w, "application", "left-pad", Kind::Normal));
    check(&[], |w| depend(w, "event-log-sqlite", "sqlx", Kind::Normal));
    check(&[], |w| depend(w, "application", "left-pad", Kind::Dev));
}

#[test]
fn an_adapter_that_nobody_wires_is_caught() {
    check(&["every adapter is wired"], |w| w.members.push(member("mail", "infrastructure/mail")));
}

#[test]
fn lints_of_its_own_are_caught() {
    let rule = "lints are inherited";
    check(&[rule], |w| drop(find(w, "domain").manifest.remove("lints")));
    check(&[rule], |w| find(w, "domain").manifest.entry("lints".to_owned()).or_default().push("rust = {}".to_owned()));
}

#[test]
fn package_data_of_its_own_is_caught() {
    let rule = "package data is inherited";
    check(&[rule], |w| set(w, "license.workspace = true", "license = \"GPL-3.0\""));
    check(&[rule], |w| set(w, "edition.workspace = true", "edition = \"2021\""));
    check(&[rule], |w| set(w, "publish = false", "publish = true"));
}

#[test]
fn a_version_of_its_own_is_caught() {
    let rule = "versions are chosen in one place";
    check(&[rule], |w| manifest(w, "domain", "[dependencies]\nserde = \"1\""));
    check(&[rule], |w| manifest(w, "domain", "[dev-dependencies.serde]\nversion = \"1\""));
    check(&[], |w| manifest(w, "domain", "[dependencies]\nserde = { workspace = true, features = [\"rc\"] }"));
}

#[test]
fn a_build_script_is_caught() {
    let rule = "nothing runs while building";
    check(&[rule], |w| write(w, "domain", "build.rs", "fn main() {}"));
    check(&[rule], |w| depend(w, "domain", "serde", Kind::Build));
}

#[test]
fn an_engine_without_its_rooms_is_caught() {
    let rule = "engines have the same rooms";
    check(&[rule], |w| drop(find(w, "engine-mix-loud").files.remove("docs.md")));
    check(&[rule], |w| drop(find(w, "engine-mix-loud").files.remove("src/engine.rs")));
    check(&[rule], |w| write(w, "engine-mix-loud", "src/engine.rs", "pub struct LoudConfig {"));
    check(&[], |w| write(w, "engine-mix-loud", "src/config.rs", "pub struct LoudConfig {"));
}

/// Given a sound workspace, when `change` is made, then exactly these rules speak.
fn check(expected: &[&str], change: impl FnOnce(&mut Workspace)) {
    let mut workspace = sound();
    change(&mut workspace);
    let spoken = RULES.iter().filter(|(_, rule)| !rule(&workspace).is_empty()).map(|(name, _)| *name);
    assert_eq!(spoken.collect::<Vec<_>>(), expected);
}

/// A small workspace with a crate in every layer.
fn sound() -> Workspace {
    let mut workspace = Workspace::default();
    for name in ["domain", "application", "projections", "tests"] {
        workspace.members.push(member(name, name));
    }
    for name in ["event-codec", "event-log-sqlite", "child-process", "engine-mix-loud"] {
        workspace.members.push(member(name, &format!("infrastructure/{name}")));
    }
    workspace.members.push(member("dragoman", "presentation"));
    workspace.members.push(member("http-api", "presentation/http"));
    depend(&mut workspace, "dragoman", "http-api", Kind::Normal);
    for adapter in ["event-log-sqlite", "child-process", "engine-mix-loud"] {
        depend(&mut workspace, adapter, "application", Kind::Normal);
        depend(&mut workspace, "dragoman", adapter, Kind::Normal);
    }
    depend(&mut workspace, "application", "domain", Kind::Normal);
    depend(&mut workspace, "projections", "application", Kind::Normal);
    for file in ["src/lib.rs", "src/engine.rs", "docs.md"] {
        write(&mut workspace, "engine-mix-loud", file, "//! Loud.");
    }
    workspace.under_domain = ["serde", "serde_core", "uuid"].map(str::to_owned).into();
    workspace
}

const MANIFEST: &str = "[package]
version.workspace = true
edition.workspace = true
license.workspace = true
publish = false

[lints]
workspace = true
";

fn member(name: &str, folder: &str) -> Member {
    let (name, folder) = (name.to_owned(), folder.to_owned());
    Member { name, folder, dependencies: vec![], manifest: sections(MANIFEST), files: BTreeMap::new() }
}

fn find<'a>(workspace: &'a mut Workspace, name: &str) -> &'a mut Member {
    workspace.members.iter_mut().find(|member| member.name == name).expect("a member of this name")
}

fn depend(workspace: &mut Workspace, from: &str, to: &str, kind: Kind) {
    find(workspace, from).dependencies.push(Dependency { name: to.to_owned(), kind });
}

fn write(workspace: &mut Workspace, name: &str, path: &str, text: &str) {
    find(workspace, name).files.insert(path.to_owned(), text.to_owned());
}

fn manifest(workspace: &mut Workspace, name: &str, more: &str) {
    find(workspace, name).manifest = sections(&format!("{MANIFEST}\n{more}"));
}

fn set(workspace: &mut Workspace, line: &str, other: &str) {
    find(workspace, "domain").manifest = sections(&MANIFEST.replace(line, other));
}
