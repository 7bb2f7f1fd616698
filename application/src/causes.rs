//! Errors for logs: one line with everything that led to it.

use std::error::Error;

/// An error and all its causes, from the outermost on: `the log could not be read: the disk failed`.
///
/// For logs only. Texts for people and for events are chosen where they are made.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // A transparent error says what its cause says.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::event_log::ReadError;
    use std::io;

    #[test]
    fn all_causes_stand_in_one_line() {
        let alone = io::Error::other("the disk failed");
        assert_eq!(with_causes(&alone), "the disk failed");
        let caused = ReadError::Unavailable(Box::new(alone));
        assert_eq!(with_causes(&caused), format!("{caused}: the disk failed"));
        assert_ne!(caused.to_string(), with_causes(&caused));
    }
}
