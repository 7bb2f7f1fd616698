//! Which passwords are too easy to guess. Pure.

use application::ports::passwords::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use zxcvbn::{Score, zxcvbn};

/// The least score that is good enough: "safely unguessable", at least 10^8 guesses
/// (<https://github.com/dropbox/zxcvbn#usage>).
const SCORE_MIN: Score = Score::Three;

/// How many words about the owner are looked at, and how short a part may be.
const WORDS_MAX: usize = 64;
const PART_CHARS_MIN: usize = 3;

/// Why the password is too weak, if it is. `about` is what others know of its owner.
pub(super) fn weakness(password: &str, about: &[&str]) -> Option<&'static str> {
    const { assert!(PASSWORD_CHARS_MIN == 10 && PASSWORD_CHARS_MAX == 128, "the sentences say these figures") };
    let chars = password.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        return Some("a password has at least 10 characters");
    }
    if chars > PASSWORD_CHARS_MAX {
        return Some("a password has at most 128 characters");
    }
    let is_weak = zxcvbn(password, &words(about)).score() < SCORE_MIN;
    is_weak.then_some("the password is too easy to guess; take several words that do not belong together")
}

/// What was said about the owner, whole and in parts: `ada@example.org` is also `ada` and `example`.
fn words<'a>(about: &[&'a str]) -> Vec<&'a str> {
    let parts = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let parts = parts.filter(|part| part.chars().count() >= PART_CHARS_MIN);
    ["dragoman"].into_iter().chain(about.iter().copied()).chain(parts).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Option<&str> = Some("a password has at least 10 characters");
    const LONG: Option<&str> = Some("a password has at most 128 characters");
    const EASY: Option<&str> =
        Some("the password is too easy to guess; take several words that do not belong together");
    const ABOUT: [&str; 2] = ["katharina.oberhuber@lichtspiel-studio.example", "Katharina Oberhuber"];

    #[test]
    fn lengths_count_characters() {
        check("kV9#xq!Lz", SHORT);
        check("kV9#xq!Lzé", None);
        check("ééééééééé", SHORT);
        check("", SHORT);
        check(&format!("{}12345678", "kV9#xq!Lz2".repeat(12)), None);
        check(&"é".repeat(129), LONG);
        check(&"x".repeat(100_000), LONG);
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for weak in ["password123", "1234567890", "qwertyuiop", "aaaaaaaaaaaa", "Passw0rd2024", "iloveyou123"] {
            check(weak, EASY);
        }
        for good in
            ["correct horse battery staple", "vB7-mango-Tiber-41", "un éléphant joue du tuba", "七転び八起き猫は窓辺で"]
        {
            check(good, None);
        }
    }

    #[test]
    fn what_is_known_of_the_owner_and_of_us_does_not_count() {
        check("katharinaoberhuber", EASY);
        check("LichtspielStudio", EASY);
        check("katharina.oberhuber@lichtspiel-studio.example", EASY);
        check("dragoman2026", EASY);
        assert_eq!(weakness("katharinaoberhuber", &[]), None);
    }

    fn check(password: &str, expected: Option<&str>) {
        assert_eq!(weakness(password, &ABOUT), expected, "{password}");
    }
}
