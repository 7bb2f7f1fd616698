//! The rules of the house that a text can break, each a pure function of one file.

use super::{
    lexer::{functions, line_at, public_items},
    source::Source,
};

/// A rule: its name, and where a file breaks it.
pub type Rule = (&'static str, fn(&Source) -> Vec<String>);

/// All rules about one file.
pub const RULES: &[Rule] = &[
    ("a file says what it is for", header),
    ("a function fits on a page", function_lines),
    ("a file can be read at once", file_lines),
    ("nothing panics on purpose", panics),
    ("exceptions give their reason", exceptions),
    ("nothing is left to do", left_to_do),
    ("no path of one machine", machine_paths),
    ("lines end where they end", line_ends),
    ("every public item is documented", documented),
];

/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a file.
const FILE_LINES_MAX: usize = 500;

fn header(file: &Source) -> Vec<String> {
    let missing = file.is_rust() && !file.text.starts_with("//! ");
    missing.then(|| at(file, 1, "begins without `//!`")).into_iter().collect()
}

fn function_lines(file: &Source) -> Vec<String> {
    if file.is_test() {
        return vec![];
    }
    let long = functions(&file.shipped).into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
    long.map(|function| at(file, function.line, &format!("{} has {} lines", function.name, function.lines))).collect()
}

fn file_lines(file: &Source) -> Vec<String> {
    let long = file.is_rust() && !file.is_test() && file.shipped_lines() > FILE_LINES_MAX;
    long.then(|| at(file, 1, &format!("has {} lines", file.shipped_lines()))).into_iter().collect()
}

fn panics(file: &Source) -> Vec<String> {
    const WORDS: [&str; 5] = [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!("];
    if file.is_test() || file.is_kit() {
        return vec![];
    }
    WORDS.iter().flat_map(|word| find(file, &file.shipped, word)).collect()
}

fn exceptions(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (begin, _) in file.code.match_indices("#[").chain(file.code.match_indices("#![")) {
        let attribute = file.code[begin..].trim_start_matches(['#', '!', '[']);
        let attribute = attribute.split(']').next().unwrap_or_default();
        let (name, rest) = attribute.split_at(attribute.find(|c: char| !c.is_alphabetic()).unwrap_or(attribute.len()));
        let offence = match name {
            "allow" => Some("allows: expect it, with a reason"),
            "expect" if !rest.contains("reason") => Some("expects without a reason"),
            "ignore" if !rest.contains('=') => Some("ignores without a reason"),
            _ => None,
        };
        found.extend(offence.map(|what| at(file, line_at(&file.code, begin), what)));
    }
    found
}

fn left_to_do(file: &Source) -> Vec<String> {
    const WORDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    WORDS.iter().flat_map(|word| find(file, &file.text, word)).collect()
}

fn machine_paths(file: &Source) -> Vec<String> {
    const FOLDERS: [&str; 4] =
        [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];
    // Ann is who the examples are about.
    const EXAMPLE: &str = concat!("/ho", "me/ann");
    let mut found = Vec::new();
    for folder in FOLDERS {
        let places = file.text.match_indices(folder).filter(|(place, _)| {
            let (before, after) = file.text.split_at(*place);
            !before.ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c)) && !after.starts_with(EXAMPLE)
        });
        found.extend(places.map(|(place, _)| at(file, line_at(&file.text, place), &format!("says {folder}"))));
    }
    if file.is_rust() && !file.is_test() {
        found.extend(find(file, &file.text, concat!("\"/t", "mp")));
    }
    found
}

fn line_ends(file: &Source) -> Vec<String> {
    // Fixtures and licences are kept as they came.
    if file.path.starts_with("tests/golden/") || file.path.starts_with("LICENSE") {
        return vec![];
    }
    let lines = file.text.split('\n').enumerate();
    let ragged = lines.filter(|(_, line)| line.ends_with(|c: char| c.is_whitespace()));
    let mut found: Vec<String> = ragged.map(|(line, _)| at(file, line + 1, "ends with a blank")).collect();
    let unended = !file.text.is_empty() && !file.text.ends_with('\n');
    found.extend(unended.then(|| at(file, file.lines(), "does not end")));
    found
}

fn documented(file: &Source) -> Vec<String> {
    if file.is_test() {
        return vec![];
    }
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let items = public_items(&file.shipped).into_iter();
    let bare = items.filter(|(line, _)| !is_documented(lines.get(..*line).unwrap_or_default()));
    bare.map(|(line, name)| at(file, line + 1, &format!("{name} is not documented"))).collect()
}

/// Whether the lines above an item end with its comment; attributes may stand between.
fn is_documented(above: &[&str]) -> bool {
    let is_attribute = |line: &str| line.starts_with("#[") || line.ends_with(']') || line.starts_with(')');
    let is_comment = |line: &str| line.starts_with("///") || line.starts_with("#[doc");
    above.iter().rev().find(|line| is_comment(line) || !is_attribute(line)).is_some_and(|line| is_comment(line))
}

fn find(file: &Source, text: &str, word: &str) -> Vec<String> {
    text.match_indices(word).map(|(place, _)| at(file, line_at(text, place), &format!("says {word}"))).collect()
}

fn at(file: &Source, line: usize, what: &str) -> String {
    format!("{}:{line} {what}", file.path)
}
