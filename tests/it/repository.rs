//! The repository as files: its root, its texts, and its generated pages.

use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie below the root").to_owned()
}

/// Whether the environment asks for generated files to be written.
pub fn asked_for(name: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests asks for it this way")]
    std::env::var_os(name).is_some_and(|value| value == "1")
}

/// The page at `path` below the root says `expected`. `UPDATE_DOCS=1` writes it anew.
pub fn check_page(path: &str, expected: &str) {
    let file = root().join(path);
    if asked_for("UPDATE_DOCS") {
        fs::create_dir_all(file.parent().expect("a page lies in a folder")).expect("the folder of docs");
        fs::write(&file, expected).expect("written");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is out of date: UPDATE_DOCS=1 cargo test -p tests --test it");
}

/// All text files below a folder, by path below it, in order. What cargo and git keep is left out,
/// and so is what `make demo` writes.
pub fn text_files(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    collect(folder, folder, &mut found)?;
    found.sort();
    Ok(found)
}

/// Folders at the root that hold no sources.
const NOT_OURS: [&str; 4] = ["target", ".git", "demo", "data"];

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            if folder != crate::root() || !NOT_OURS.iter().any(|other| name == *other) {
                collect(root, &path, found)?;
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((path.strip_prefix(root)?.to_string_lossy().into_owned(), text));
        }
    }
    Ok(())
}
