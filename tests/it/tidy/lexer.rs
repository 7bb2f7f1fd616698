//! A lexer that knows just enough Rust: what is comment or string, where test modules and functions
//! lie, which items are public.
//!
//! What is deliberately absent: a grammar. Nested block comments and macros that write items are not
//! understood; in a formatted tree of ours neither matters.

/// A function: its name, the line on which it begins, how many lines it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

/// The source with everything in comments and strings made blank; lines stay where they are.
pub fn blank(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let token = token(rest);
        let (taken, left) = rest.split_at(token.unwrap_or(first.len_utf8()));
        match token {
            Some(_) => code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
            None => code.push(first),
        }
        rest = left;
    }
    code
}

/// The code with its `#[cfg(test)] mod … { … }` blocks made blank, and how many lines they have.
pub fn without_test_modules(code: &str) -> (String, usize) {
    let (mut kept, mut lines, mut from) = (String::with_capacity(code.len()), 0, 0);
    while let Some(begin) = code[from..].find("#[cfg(").map(|at| from + at) {
        let end = test_module(&code[begin..]).map_or(begin + 1, |open| close(code, begin + open));
        let is_test = end > begin + 1;
        kept.push_str(&code[from..begin]);
        let span = &code[begin..end];
        kept.extend(span.chars().map(|c| if is_test && c != '\n' { ' ' } else { c }));
        lines += if is_test { span.matches('\n').count() } else { 0 };
        from = end;
    }
    kept.push_str(&code[from..]);
    (kept, lines)
}

/// The functions with a body.
pub fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (begin, _) in code.match_indices("fn") {
        let (before, after) = (&code[..begin], &code[begin + 2..]);
        let name: String = after.trim_start().chars().take_while(|c| is_word(*c)).collect();
        let is_keyword = !before.ends_with(is_word) && after.starts_with(char::is_whitespace);
        if !is_keyword || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            continue;
        }
        if let Some(open) = body(code, begin) {
            let lines = code[begin..close(code, open)].matches('\n').count() + 1;
            found.push(Function { name, line: line_at(code, begin), lines });
        }
    }
    found
}

/// The public items, as line (from 0) and name. Modules, fields and re-exports are not items here.
pub fn public_items(code: &str) -> Vec<(usize, String)> {
    code.lines().enumerate().filter_map(|(line, text)| Some((line, public_item(text)?))).collect()
}

/// The line, from 1, of a place in a text.
pub fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// How long the comment, string or character at the beginning of `text` is, if there is one.
fn token(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if let Some(rest) = text.strip_prefix("/*") {
        return rest.find("*/").map(|end| end + 4);
    }
    let plain = text.strip_prefix('b').unwrap_or(text);
    let prefix = text.len() - plain.len();
    if let Some(raw) = plain.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(content) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return content.find(&end).map(|at| prefix + 2 + hashes + at + end.len());
        }
    }
    if let Some(content) = plain.strip_prefix('"') {
        return quoted(content).map(|len| prefix + 1 + len);
    }
    character(text)
}

/// How long the rest of a string is, its closing quote included.
fn quoted(content: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in content.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// How long the character literal at the beginning is; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let content = text.strip_prefix('\'')?;
    let first = content.chars().next().filter(|c| !matches!(c, '\'' | '\n'))?;
    let end = match first {
        '\\' => 2 + content.get(2..)?.find('\'')?,
        c if content[c.len_utf8()..].starts_with('\'') => c.len_utf8(),
        _ => return None,
    };
    let len = end + 2;
    (!text[len..].starts_with(is_word)).then_some(len)
}

/// Where the brace opens of the test module that begins here, if one does.
fn test_module(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("#[cfg(")?;
    let inner = inner.strip_prefix("all(").unwrap_or(inner).strip_prefix("test")?;
    if inner.starts_with(is_word) {
        return None;
    }
    let mut rest = inner[inner.find(']')? + 1..].trim_start();
    while rest.starts_with("#[") {
        rest = rest[rest.find(']')? + 1..].trim_start();
    }
    if let Some(public) = rest.strip_prefix("pub") {
        let scope = if public.starts_with('(') { public.find(')')? + 1 } else { 0 };
        rest = public[scope..].trim_start();
    }
    let name = rest.strip_prefix("mod ")?.trim_start();
    let block = name.trim_start_matches(is_word).trim_start();
    block.starts_with('{').then(|| text.len() - block.len())
}

/// Where the body of the function opens that begins here; none for one that ends with `;`.
fn body(code: &str, begin: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code[begin..].char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' if depth == 0 => return Some(begin + at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Just after the brace that closes the one at `open`.
fn close(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return open + at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn public_item(line: &str) -> Option<String> {
    let mut words = line.trim_start().strip_prefix("pub ")?.split_whitespace().peekable();
    loop {
        let word = words.next()?;
        let next = words.peek().copied().unwrap_or_default();
        match word {
            "async" | "unsafe" | "extern" => {}
            "const" if matches!(next, "fn" | "async" | "unsafe" | "extern") => {}
            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" => {
                return Some(next.chars().take_while(|c| is_word(*c)).collect());
            }
            _ => return None,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn comments_strings_and_characters_are_made_blank() {
    let check = |source: &str, code: &str| assert_eq!(blank(source), code, "{source}");
    check("a // b\nc", "a     \nc");
    check("a /* { \n */ b", "a      \n    b");
    check(r#"f("{\"}", b"}")"#, "f(      ,     )");
    check("f(r#\"{\"}\"#, 1)", "f(        , 1)");
    check("f('{', '\\'', b'}', '\\u{7d}')", "f(   ,     , b   ,         )");
    check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let code =
        "impl A {\n    fn one() {}\n    fn two(\n        a: [u8; 3],\n    ) {\n        if a {}\n    }\n}\nfn no();\n";
    let found: Vec<_> = functions(code).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
    assert_eq!(found, [("one".to_owned(), 2, 1), ("two".to_owned(), 3, 5)]);
}

#[test]
fn test_modules_are_told_from_code() {
    let check = |module: &str, lines: usize| {
        let code = format!("fn a() {{}}\n{module} {{\n    fn b() {{}}\n}}\nfn c() {{}}\n");
        let (kept, found) = without_test_modules(&code);
        assert_eq!((found, kept.contains("fn b"), kept.len()), (lines, lines == 0, code.len()), "{module}");
        assert!(kept.contains("fn a") && kept.contains("fn c"), "{module}");
    };
    check("#[cfg(test)]\nmod tests", 3);
    check("#[cfg(all(test, unix))]\n#[path = x]\npub(crate) mod t", 4);
    check("#[cfg(unix)]\nmod tests", 0);
    check("#[cfg(testing)]\nmod tests", 0);
    check("mod tests", 0);
}

#[test]
fn public_items_are_found() {
    let check = |line: &str, name: Option<&str>| assert_eq!(public_item(line).as_deref(), name, "{line}");
    check("pub fn run<T>(t: T) {", Some("run"));
    check("    pub const fn new() -> Self {", Some("new"));
    check("pub async unsafe fn go() {", Some("go"));
    check("pub const MAX: u32 = 4;", Some("MAX"));
    check("pub struct Point {", Some("Point"));
    check("pub mod flow;", None);
    check("pub(crate) fn near() {}", None);
    check("    pub stage: Stage,", None);
    check("fn private() {}", None);
}
