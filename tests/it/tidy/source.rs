//! One file of the repository, read the way the rules need it.

use super::lexer;

/// A text file. What only Rust has is empty for others.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path below the root.
    pub path: String,
    /// As it is.
    pub text: String,
    /// Comments and strings made blank.
    pub code: String,
    /// `code` with its test modules made blank too.
    pub shipped: String,
    /// Lines of its test modules.
    pub test_lines: usize,
}

impl Source {
    /// Reads a text.
    pub fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { lexer::blank(text) } else { String::new() };
        let (shipped, test_lines) = lexer::without_test_modules(&code);
        Self { path: path.to_owned(), text: text.to_owned(), code, shipped, test_lines }
    }

    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file is a test: it lies in a folder of tests or is named so.
    pub fn is_test(&self) -> bool {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        let name = parts.pop().unwrap_or_default();
        let in_folder = parts.iter().any(|part| matches!(*part, "tests" | "benches"));
        let named = matches!(name, "tests.rs" | "test.rs" | "test_helpers.rs" | "test_utils.rs");
        in_folder || named || name.ends_with("_tests.rs") || name.ends_with("_test.rs")
    }

    /// Whether it exists to make tests of other crates fail: the harness of the deciders, the
    /// conformance kits of the ports. It lies in a library so that several crates can run it.
    pub fn is_kit(&self) -> bool {
        self.path.starts_with("application/src/testing/") || self.path == "domain/src/spec.rs"
    }

    /// Its lines.
    pub fn lines(&self) -> usize {
        self.text.matches('\n').count() + 1
    }

    /// Its lines outside test modules.
    pub fn shipped_lines(&self) -> usize {
        self.lines() - self.test_lines
    }
}
