//! Prefixes of subjects: each installation on an account has its own.

use crate::NatsError;

/// What all subjects of an installation, or of one purpose, begin with: words of letters, digits, `-` and `_`, with dots
/// between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// From its text; an error when it cannot be part of a subject.
    pub fn try_new(text: &str) -> Result<Self, NatsError> {
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        };
        let is_prefix = text.split('.').all(is_word);
        if is_prefix { Ok(Self(text.to_owned())) } else { Err(NatsError::Prefix(text.to_owned())) }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as a name, which has no dots.
    pub fn name(&self) -> String {
        self.0.replace('.', "-")
    }

    /// Where answers go: under the prefix, so that permissions may be given for it alone.
    pub fn inbox(&self) -> String {
        format!("{}.inbox", self.0)
    }
}
