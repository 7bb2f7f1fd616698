//! What a parser says of a value, in the words of those who sent it: serde speaks of Rust's types.

/// The sentence without names of types.
pub(super) fn plain(text: &str) -> String {
    let is_number = ["invalid digit found in string", "number too large to fit", "number too small to fit"];
    match text {
        text if text.contains("UUID parsing failed") => return "it is no UUID".to_owned(),
        text if is_number.iter().any(|start| text.starts_with(start)) || text.starts_with("cannot parse integer") => {
            return "it is no whole number of this range".to_owned();
        }
        "provided string was not `true` or `false`" => return "expected `true` or `false`".to_owned(),
        _ => {}
    }
    match text.split_once(", expected ") {
        Some((found, expected)) => format!("{}, expected {}", seen(found), wanted(expected)),
        None => text.to_owned(),
    }
}

fn seen(found: &str) -> String {
    found
        .replace("invalid type: sequence", "invalid type: a list")
        .replace("invalid type: map", "invalid type: an object")
}

fn wanted(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a map" => "an object",
        "a sequence" => "a list",
        "unit" => "the word alone",
        "string or map" => "a word or an object",
        "a formatted UUID string" => "a UUID",
        struct_name if struct_name.starts_with("struct ") => "an object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_rust_are_not_named() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text), expected);
        check("invalid type: null, expected struct DubbingWish", "invalid type: null, expected an object");
        check(
            "invalid value: integer `-1`, expected u8",
            "invalid value: integer `-1`, expected a whole number, 0 or more",
        );
        check("invalid type: sequence, expected a map", "invalid type: a list, expected an object");
        check("invalid type: boolean `true`, expected unit", "invalid type: boolean `true`, expected the word alone");
        check("UUID parsing failed: invalid character: found `z` at 0", "it is no UUID");
        check("invalid digit found in string", "it is no whole number of this range");
        check("a limit is a whole number from 1 to 200", "a limit is a whole number from 1 to 200");
        check("unknown field `a`, expected `b` or `c`", "unknown field `a`, expected `b` or `c`");
    }
}
