//! The rules of the house that a machine can see, over every file of the repository.
//!
//! Each rule is a pure function. It holds for this tree, and a made-up file that breaks it is caught.

pub mod lexer;
mod rules;
mod source;
mod tree;

use rules::RULES;
use source::Source;

#[test]
fn this_tree_keeps_every_rule() {
    let files = files();
    let mut offences = Vec::new();
    for (name, rule) in RULES {
        offences.extend(files.iter().flat_map(rule).map(|offence| format!("{name}: {offence}")));
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn every_file_has_a_door() {
    assert_eq!(tree::orphans(&files()), Vec::<String>::new());
}

#[test]
fn a_file_without_a_door_is_caught() {
    let tree = |lib: &str| {
        let paths =
            ["a/src/flow.rs", "a/src/flow/stage.rs", "a/src/fit/mod.rs", "a/tests/real.rs", "a/src/bin/tool.rs"];
        let mut files: Vec<Source> = paths.iter().map(|path| Source::new(path, "//! Empty.\nmod stage;\n")).collect();
        files.push(Source::new("a/src/lib.rs", lib));
        tree::orphans(&files)
    };
    assert_eq!(tree("mod flow;\npub mod fit;\n"), Vec::<String>::new());
    assert_eq!(tree("mod flow;\n// mod fit;\n"), ["a/src/fit/mod.rs"]);
    assert_eq!(tree("mod fit;\n"), ["a/src/flow.rs"]);
}

#[test]
fn every_link_leads_somewhere() {
    let root = crate::root();
    assert_eq!(tree::dead_links(&files(), |path| root.join(path).exists()), Vec::<String>::new());
}

#[test]
fn a_dead_link_is_caught() {
    let links = "[a](b.md) [c](../README.md#top) [d](https://example.org) ![e](images/e.svg) [f](#here)\n";
    let dead = |there: &[&str]| tree::dead_links(&[Source::new("docs/a.md", links)], |path| there.contains(&path));
    assert_eq!(dead(&["docs/b.md", "README.md", "docs/images/e.svg"]), Vec::<String>::new());
    assert_eq!(
        dead(&["docs/b.md", "docs/README.md"]),
        ["docs/a.md links to ../README.md", "docs/a.md links to images/e.svg"]
    );
}

#[test]
fn every_schema_of_the_api_has_a_name_of_its_own() {
    assert_eq!(tree::shared_schemas(&files()), Vec::<String>::new());
}

#[test]
fn two_schemas_of_one_name_are_caught() {
    let shared = |other: &str| {
        let derived = Source::new("a/src/a.rs", "#[derive(ToSchema)]\n#[schema(as = Reason)]\nstruct Entry {}\n");
        tree::shared_schemas(&[derived, Source::new("a/src/b.rs", other)])
    };
    for other in ["#[derive(Debug, ToSchema)]\npub struct Reason(String);\n", "impl ToSchema for Reason {}\n"] {
        assert_eq!(shared(other), ["Reason: a/src/a.rs, a/src/b.rs"], "{other}");
    }
    for other in ["#[derive(Debug)]\nstruct Reason;\n", "#[derive(ToSchema)]\nenum Entry {}\n"] {
        assert_eq!(shared(other), Vec::<String>::new(), "{other}");
    }
}

#[test]
fn tests_and_code_are_counted() {
    let (code, tests) = tree::lines(&files());
    println!(
        "{code} lines of code, {tests} lines of tests: {:.2} lines of tests for each line of code",
        ratio(code, tests)
    );
    assert!(code > 10_000 && tests > 10_000, "the tree was read");
    let made_up = [
        Source::new("a/src/lib.rs", "//! A.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n"),
        Source::new("a/tests/real.rs", "//! B.\n"),
        Source::new("README.md", "# A\n"),
    ];
    assert_eq!(tree::lines(&made_up), (4, 5));
}

#[test]
fn a_file_without_a_header_is_caught() {
    let rule = "a file says what it is for";
    check(&[rule], "a/src/a.rs", "// A.\n");
    check(&[rule], "a/src/tests.rs", "use a;\n");
    check(&[], "a/script", "#!/bin/sh\n");
}

#[test]
fn a_long_function_is_caught() {
    let function = |lines: usize| format!("//! A.\nfn long() {{\n{}}}\n", "    go();\n".repeat(lines - 2));
    check(&["a function fits on a page"], "a/src/a.rs", &function(71));
    check(&[], "a/src/a.rs", &function(70));
    check(&[], "a/tests/a.rs", &function(71));
}

#[test]
fn a_long_file_is_caught() {
    let file = |lines: usize| format!("//! A.\n{}", "//! B.\n".repeat(lines - 2));
    check(&["a file can be read at once"], "a/src/a.rs", &file(501));
    check(&[], "a/src/a.rs", &file(500));
    check(&[], "a/src/a/tests.rs", &file(501));
}

#[test]
fn a_panic_is_caught() {
    let rule = "nothing panics on purpose";
    for call in ["a.unwrap()", "a.expect(\"b\")", "panic!(\"a\")", "todo!()", "unimplemented!()"] {
        let source = format!("//! A.\nfn a() {{ {call} }}\n");
        check(&[rule], "a/src/a.rs", &source);
        check(&[], "a/tests/a.rs", &source);
        check(&[], "application/src/testing/a_kit.rs", &source);
        check(&[], "a/src/a.rs", &format!("//! A.\n#[cfg(test)]\nmod tests {{\n    fn a() {{ {call} }}\n}}\n"));
    }
    check(&[], "a/src/a.rs", "//! A.\nfn a() { log(\"do not panic!(a)\") } // nor .unwrap()\n");
}

#[test]
fn an_exception_without_a_reason_is_caught() {
    let rule = "exceptions give their reason";
    for attribute in ["#[allow(dead_code)]", "#![allow(dead_code)]", "#[expect(dead_code)]", "#[ignore]"] {
        check(&[rule], "a/src/a.rs", &format!("//! A.\n{attribute}\nfn a() {{}}\n"));
    }
    for attribute in ["#[expect(dead_code, reason = \"b\")]", "#[ignore = \"b\"]", "#![warn(missing_docs)]"] {
        check(&[], "a/src/a.rs", &format!("//! A.\n{attribute}\nfn a() {{}}\n"));
    }
}

#[test]
fn a_thing_left_to_do_is_caught() {
    let rule = "nothing is left to do";
    for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")] {
        check(&[rule], "a/src/a.rs", &format!("//! A.\n// {word}: b\n"));
        check(&[rule], "docs/a.md", &format!("{word}\n"));
    }
}

#[test]
fn a_path_of_one_machine_is_caught() {
    let rule = "no path of one machine";
    for folder in [concat!("/ho", "me/bob"), concat!("/ro", "ot/a"), concat!("/Us", "ers/a"), concat!("/wo", "rk/a")] {
        check(&[rule], "docs/a.md", &format!("see {folder}\n"));
    }
    check(&[rule], "a/src/a.rs", concat!("//! A.\nconst A: &str = \"/t", "mp/a\";\n"));
    check(&[], "docs/a.md", concat!("in src/ho", "me/mod.rs, or with $PWD/src/wo", "rk/a\n"));
    check(&[], "docs/a.md", concat!("dragoman dub /ho", "me/ann/talk.mp4\n"));
}

#[test]
fn a_ragged_line_is_caught() {
    let rule = "lines end where they end";
    for text in ["a \nb\n", "a\t\n", "a\r\n", "a\nb"] {
        check(&[rule], "docs/a.md", text);
    }
    check(&[], "docs/a.md", "a\n\nb\n");
}

#[test]
fn an_item_without_a_comment_is_caught() {
    let rule = "every public item is documented";
    check(&[rule], "a/src/a.rs", "//! A.\n\npub struct A;\n");
    check(&[rule], "a/src/a.rs", "//! A.\n\n// Plain.\n#[derive(Debug)]\npub enum A {}\n");
    check(&[], "a/src/a.rs", "//! A.\n\n/// An A.\n#[derive(Debug)]\npub enum A {}\n");
    check(&[], "a/src/a.rs", "//! A.\n\nstruct A;\n");
}

/// Exactly these rules speak of the file.
fn check(expected: &[&str], path: &str, text: &str) {
    let file = Source::new(path, text);
    let spoken = RULES.iter().filter(|(_, rule)| !rule(&file).is_empty()).map(|(name, _)| *name);
    assert_eq!(spoken.collect::<Vec<_>>(), expected, "{path}\n{text}");
}

fn files() -> Vec<Source> {
    let texts = crate::text_files(&crate::root()).expect("the repository can be read");
    texts.iter().map(|(path, text)| Source::new(path, text)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "lines are few")]
fn ratio(code: usize, tests: usize) -> f64 {
    tests as f64 / code.max(1) as f64
}
