//! Languages.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A BCP 47 language tag in canonical case: `es`, `pt-BR`, `zh-Hant`.
///
/// Checks the form (RFC 5646 §2.1: language of 2–3 letters, then subtags of 1–8 letters or digits),
/// not the registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(String);

/// The text does not have the form of a language tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLanguageTag(pub String);

impl fmt::Display for InvalidLanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}” is not a language tag; write one like es, ca or pt-BR", self.0)
    }
}

impl std::error::Error for InvalidLanguageTag {}

impl LanguageTag {
    /// The whole tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without region or script: `pt` of `pt-BR`.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// Whether it is the other one, or a wider form of it: `pt` covers `pt-BR` (basic filtering, RFC 4647 §3.3.1).
    pub fn covers(&self, other: &LanguageTag) -> bool {
        let rest = other.0.strip_prefix(&self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

impl FromStr for LanguageTag {
    type Err = InvalidLanguageTag;

    fn from_str(text: &str) -> Result<Self, InvalidLanguageTag> {
        let invalid = || InvalidLanguageTag(text.to_owned());
        let mut tag = String::new();
        for (place, part) in text.split('-').enumerate() {
            let letters = part.chars().all(|c| c.is_ascii_alphabetic());
            let well_formed = match place {
                0 => letters && (2..=3).contains(&part.len()),
                _ => (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()),
            };
            if !well_formed {
                return Err(invalid());
            }
            if place > 0 {
                tag.push('-');
            }
            match (place, part.len()) {
                (1.., 2) if letters => tag.push_str(&part.to_ascii_uppercase()),
                (1.., 4) if letters => {
                    tag.push_str(&part[..1].to_ascii_uppercase());
                    tag.push_str(&part[1..].to_ascii_lowercase());
                }
                (_, _) => tag.push_str(&part.to_ascii_lowercase()),
            }
        }
        Ok(Self(tag))
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = InvalidLanguageTag;

    fn try_from(text: String) -> Result<Self, InvalidLanguageTag> {
        text.parse()
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> String {
        tag.0
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_covers_its_regional_forms() {
        let check = |wide: &str, narrow: &str, expected: bool| {
            let [wide, narrow] = [wide, narrow].map(|tag| tag.parse::<LanguageTag>().expect("a tag"));
            assert_eq!(wide.covers(&narrow), expected, "{wide} {narrow}");
        };
        check("pt", "pt", true);
        check("pt", "PT-br", true);
        check("pt-BR", "pt", false);
        check("pt-BR", "pt-PT", false);
        check("es", "est", false);
    }
}
