//! What the daemon's answers mean. Pure.

use application::ports::scanner::{ScanError, Verdict};

/// What is kept of an answer.
const CHARS_MAX: usize = 200;

/// Reads the answer to `INSTREAM` about a file of so many bytes.
pub(crate) fn verdict(answer: &str, file_bytes: u64) -> Result<Verdict, ScanError> {
    let answer = answer.trim();
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said == "OK" {
        return Ok(Verdict::Clean);
    }
    let is_over_limit = |name: &str| name.starts_with("Heuristics.Limits.Exceeded");
    match said.strip_suffix(" FOUND") {
        // Not a finding: the daemon says by this, when told to, that it did not look at everything.
        Some(name) if is_over_limit(name) => Err(ScanError::TooLarge { bytes: file_bytes }),
        Some(name) => Ok(Verdict::Infected { signature: tidy(name) }),
        None if said.contains("size limit exceeded") => Err(ScanError::TooLarge { bytes: file_bytes }),
        None => Err(ScanError::Failed { answer: tidy(said) }),
    }
}

/// Reads the answer to `VERSION`: `ClamAV 1.4.6/27800/Thu Nov 20 …`; version and day of the database follow the
/// program's when there are any.
pub(crate) fn version(answer: &str) -> Result<String, ScanError> {
    let unread = || ScanError::Failed { answer: tidy(answer) };
    let said = answer.trim().strip_prefix("ClamAV ").ok_or_else(unread)?;
    let mut parts = said.split('/');
    let program = parts.next().filter(|version| !version.is_empty()).ok_or_else(unread)?;
    Ok(match parts.next() {
        Some(database) => tidy(&format!("{program}, database {database}")),
        None => tidy(program),
    })
}

/// Reads the answer to `PING`.
pub(crate) fn pong(answer: &str) -> Result<(), ScanError> {
    (answer.trim() == "PONG").then_some(()).ok_or_else(|| ScanError::Failed { answer: tidy(answer) })
}

fn tidy(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_a_stream_are_told_apart() {
        check("stream: OK", "Ok(Clean)");
        check("stream: Test.Signature.UNOFFICIAL FOUND", "Ok(Infected { signature: \"Test.Signature.UNOFFICIAL\" })");
        check("INSTREAM size limit exceeded. ERROR", "Err(TooLarge { bytes: 7 })");
        check("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND", "Err(TooLarge { bytes: 7 })");
        check("stream: Heuristics.Encrypted.Zip FOUND", "Ok(Infected { signature: \"Heuristics.Encrypted.Zip\" })");
        check("stream: Can't allocate memory ERROR", "Err(Failed { answer: \"Can't allocate memory ERROR\" })");
        check("UNKNOWN COMMAND", "Err(Failed { answer: \"UNKNOWN COMMAND\" })");
        check("", "Err(Failed { answer: \"\" })");
        check("HTTP/1.1 400 \u{7}", "Err(Failed { answer: \"HTTP/1.1 400\" })");
    }

    #[test]
    fn what_is_kept_of_an_answer_is_bounded() {
        let Err(ScanError::Failed { answer }) = verdict(&"é".repeat(4000), 0) else { panic!("no verdict") };
        assert_eq!(answer.chars().count(), CHARS_MAX);
    }

    #[test]
    fn versions_are_read() {
        let read = |answer: &str| version(answer).ok();
        assert_eq!(read("ClamAV 1.4.6/27800/Thu Nov 20 09:00:00 2025").as_deref(), Some("1.4.6, database 27800"));
        assert_eq!(read("ClamAV 1.4.6").as_deref(), Some("1.4.6"));
        assert_eq!(read("ClamAV "), None);
        assert_eq!(read("Other 1.0"), None);
    }

    fn check(answer: &str, expected: &str) {
        assert_eq!(format!("{:?}", verdict(answer, 7)), expected, "{answer}");
    }
}
