//! The rules that need more than one file: rooms that nobody enters, pages that forget a crate.

use super::source::Source;
use std::collections::BTreeMap;

/// Rust files that no module declares: the compiler never sees them, and never says so.
pub fn orphans(files: &[Source]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.is_rust());
    rust.filter(|file| is_orphan(file, files)).map(|file| file.path.clone()).collect()
}

fn is_orphan(file: &Source, files: &[Source]) -> bool {
    let Some((mut folder, name)) = file.path.rsplit_once('/') else { return false };
    let mut stem = name.trim_end_matches(".rs");
    if matches!(stem, "lib" | "main") {
        return false;
    }
    if stem == "mod" {
        let Some((above, own)) = folder.rsplit_once('/') else { return false };
        (folder, stem) = (above, own);
    }
    let doors =
        [format!("{folder}/mod.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs"), format!("{folder}.rs")];
    let mut parents = files.iter().filter(|other| doors.contains(&other.path)).peekable();
    // Without a door it is the root of a test, a program or an example.
    parents.peek().is_some() && !parents.any(|parent| parent.code.contains(&format!("mod {stem};")))
}

/// Links between pages that lead to no file.
pub fn dead_links(files: &[Source], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for page in files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let targets = page.text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
        let inside =
            targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"));
        let dead = inside.filter(|target| !exists(&resolve(folder, target)));
        found.extend(dead.map(|target| format!("{} links to {target}", page.path)));
    }
    found
}

/// A relative path, as a path below the root.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Types that share the name of a schema of the API: of two, the document has only one, and answers of the other break it.
pub fn shared_schemas(files: &[Source]) -> Vec<String> {
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.is_test()) {
        for name in schemas(&file.shipped) {
            owners.entry(name).or_default().push(&file.path);
        }
    }
    let shared = owners.into_iter().filter(|(_, owners)| owners.len() > 1);
    shared.map(|(name, owners)| format!("{name}: {}", owners.join(", "))).collect()
}

/// The names of the schemas that a file declares.
fn schemas(code: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    let (mut names, mut derived) = (Vec::new(), None);
    for line in code.lines().map(str::trim) {
        let kind = line.split("struct ").nth(1).or_else(|| line.split("enum ").nth(1));
        if line.starts_with("#[derive(") {
            derived = line.contains("ToSchema").then_some(None);
        } else if let Some(name) = line.strip_prefix("#[schema(as = ") {
            derived = derived.map(|_| Some(&name[..word(name)]));
        } else if let Some(name) = line.strip_prefix("impl ToSchema for ").filter(|name| !name.starts_with('$')) {
            names.push(&name[..word(name)]);
        } else if let Some((alias, name)) = kind.and_then(|name| Some((derived.take()?, name))) {
            names.push(alias.unwrap_or(&name[..word(name)]));
        }
    }
    names
}

/// Lines of code and lines of tests.
pub fn lines(files: &[Source]) -> (usize, usize) {
    let (mut code, mut tests) = (0, 0);
    for file in files.iter().filter(|file| file.is_rust()) {
        if file.is_test() {
            tests += file.lines();
        } else {
            code += file.shipped_lines();
            tests += file.test_lines;
        }
    }
    (code, tests)
}
