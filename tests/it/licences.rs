//! Every crate in the tree may be used under the licences that `deny.toml` allows, and each of those
//! is needed.
//!
//! What is deliberately absent: bans, advisories and sources; `cargo deny check` looks at those.

use cargo_metadata::MetadataCommand;
use std::{collections::BTreeSet, fs};

#[test]
fn the_tree_keeps_to_the_licences_of_deny_toml() {
    let allowed = allowed(&fs::read_to_string(crate::root().join("deny.toml")).expect("deny.toml"));
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let flags = ["--offline", "--locked", "--filter-platform", &platform].map(str::to_owned);
    let mut command = MetadataCommand::new();
    let metadata = command.current_dir(crate::root()).other_options(flags.to_vec()).exec().expect("the tree");
    let (mut refused, mut needed) = (Vec::new(), BTreeSet::new());
    for package in &metadata.packages {
        match package.license.as_deref().and_then(|licence| satisfy(licence, &allowed)) {
            Some(used) => needed.extend(used),
            None => refused.push(format!("{}: {:?}", package.name, package.license)),
        }
    }
    assert!(metadata.packages.len() > 100, "the tree was read");
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
    assert_eq!(needed, allowed, "each licence is needed");
}

#[test]
fn an_expression_is_satisfied_by_what_is_allowed() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC"].map(str::to_owned).into();
    let check = |expression: &str, expected: Option<&[&str]>| {
        let used = satisfy(expression, &allowed);
        let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        assert_eq!(used, expected, "{expression}");
    };
    check("MIT", Some(&["MIT"]));
    check("GPL-3.0-only OR MIT", Some(&["MIT"]));
    check("Unlicense/MIT", Some(&["MIT"]));
    check("Apache-2.0 AND ISC", Some(&["Apache-2.0", "ISC"]));
    check("(MPL-2.0 OR MIT) AND ISC", Some(&["ISC", "MIT"]));
    check("Apache-2.0 WITH LLVM-exception", Some(&["Apache-2.0 WITH LLVM-exception"]));
    check("GPL-3.0-only", None);
    check("MIT AND MPL-2.0", None);
    check("MIT AND (MPL-2.0 OR GPL-2.0)", None);
    check("Apache-2.0 WITH Other-exception", None);
    check("", None);
}

#[test]
fn the_allowed_ones_are_read_from_the_list() {
    let list = "[licenses]\n# \"GPL-3.0-only\"\nallow = [\n    \"MIT\",\n    \"ISC\",\n]\n[bans]\nallow = [\"a\"]\n";
    assert_eq!(allowed(list), ["ISC", "MIT"].map(str::to_owned).into());
}

/// The licences in the `allow` list of a `deny.toml`.
fn allowed(toml: &str) -> BTreeSet<String> {
    let section = toml.split("[licenses]").nth(1).unwrap_or_default();
    let list = section.split("allow = [").nth(1).unwrap_or_default().split(']').next().unwrap_or_default();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Which allowed licences an expression is satisfied with; the fewest-worded choice first.
///
/// `AND` binds tighter than `OR`; `/` is an old way to write `OR`.
fn satisfy(expression: &str, allowed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let expression = expression.replace('/', " OR ");
    let choices = split(&expression, " OR ");
    let satisfied = choices.into_iter().filter_map(|choice| {
        let parts = split(choice, " AND ").into_iter();
        let used: Option<Vec<BTreeSet<String>>> = parts.map(|part| term(part.trim(), allowed)).collect();
        used.map(|used| used.into_iter().flatten().collect::<BTreeSet<_>>())
    });
    satisfied.min_by_key(|used| used.iter().map(String::len).sum::<usize>())
}

fn term(part: &str, allowed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    match part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => satisfy(inner, allowed),
        None => allowed.get(part).map(|name| BTreeSet::from([name.clone()])),
    }
}

/// The parts between a word, outside parentheses.
fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && at >= from && text[at..].starts_with(word) => {
                parts.push(&text[from..at]);
                from = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
