//! Every reason for which work fails, stands still or a file is put aside: stable codes for programs, beside the sentence
//! that says what it is this time.
//!
//! Whoever finds a reason names its code in place: engines do in `EngineError::Rejected`, the worker for what befalls a
//! stage, the check of assets for what it puts aside. A test of the repository compares their sources with this table.

/// A stage that was begun again and again and never came to its end: there is no failure that would say more.
pub const LOST: &str = "lost";

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

const fn reason(code: &'static str, title: &'static str, remedy: &'static str) -> Reason {
    Reason { code, title, remedy }
}

const ANOTHER_FILE: &str = "Convert or export the file again, or hand in another one.";
const TRY_AGAIN: &str = "Retry the dubbing; when that does not help, tell the operator.";
const OPERATOR: &str = "Tell the operator what the message says, then retry the dubbing.";
const TRANSCRIPT: &str = "Give a transcript with the order.";

/// All reasons, in the order of their codes.
pub const REASONS: &[Reason] = &[
    reason("bad-glossary", "The glossary cannot be read", "Mend the glossary, then ask for the language again."),
    reason("bad-transcript", "The transcript cannot be read", "Send SRT or WebVTT in UTF-8."),
    reason("blob-store", "A file could not be kept or read", TRY_AGAIN),
    reason("check-failed", "The file could not be looked at", "Hand it in again; when that does not help, convert it."),
    reason("damaged", "The file is damaged", ANOTHER_FILE),
    reason("disk-full", "The disk is full", "Free some space on the server, then retry the dubbing."),
    reason("empty", "The file is empty", "Copy or download it again, then hand it in."),
    reason("engine-failed", "An engine failed", TRY_AGAIN),
    reason("engine-missing", "An engine is not installed", "Install what the message names, then retry the dubbing."),
    reason("erased", "What it needs was erased", "Order a new dubbing of another source."),
    reason("event-log", "The event log could not be used", TRY_AGAIN),
    reason("extension-mismatch", "The name's ending does not fit the content", "Name the file by what it is."),
    reason("file-lost", "The file is not where it was kept", "Hand it in again."),
    reason("infected", "Malware was found in the file", "Hand in a clean copy."),
    reason(
        "input-missing",
        "What a stage works on is gone",
        "Order the dubbing anew; `dragoman verify` names what is missing.",
    ),
    reason("language-not-understood", "Nothing here understands the language spoken", TRANSCRIPT),
    reason("line-too-long", "A line is too long to be spoken", "Split the line, or shorten its translation."),
    reason(LOST, "A stage was begun again and again, and never came to its end", OPERATOR),
    reason("memo-store", "Kept results could not be used", TRY_AGAIN),
    reason("mix-format", "The sound cannot be mixed", TRY_AGAIN),
    reason("mix-too-short", "There is too little sound to mix", "Hand in a longer source."),
    reason("no-audio", "The file has no sound", "Hand in a file with speech in it."),
    reason("no-speech", "Nobody speaks in it", "Give a transcript with the order, or hand in another file."),
    reason("no-stream", "The file has no such stream", "Choose one of the streams that the asset lists."),
    reason("no-subtitles", "The file has no text track", "Give a transcript, or leave it to recognition."),
    reason("no-such-stream", "The file has no such sound", "Choose one of the sounds that the asset lists."),
    reason("no-voice", "Nothing here speaks the language", "Install a voice for it, then retry the dubbing."),
    reason("not-media", "The file is no video or sound", "Hand in an MP4, MOV, MKV, WebM, AVI or sound file."),
    reason(
        "not-scannable",
        "The file could not be scanned for malware",
        "Hand in a smaller file, or tell the operator.",
    ),
    reason("not-speech-wav", "The separated speech cannot be read", TRY_AGAIN),
    reason("nothing-to-say", "A line has nothing to be spoken", "Write words into the line, or drop it."),
    reason("over-limit", "The file is larger than is taken here", "Cut it into parts, or scale it down."),
    reason("provenance-unreadable", "The file's provenance cannot be read", ANOTHER_FILE),
    reason("refused", "The attempt was not waited for any more", TRY_AGAIN),
    reason("same-language", "Source and target are one language", "Choose another target language."),
    reason("signing-credential", "The credential for signing cannot be used", OPERATOR),
    reason("truncated", "The file ends early", "Copy or download it again, then hand it in."),
    reason("undecodable", "The file cannot be decoded", ANOTHER_FILE),
    reason("unknown-voice", "Nothing here has such a voice", "Choose a voice that `GET /v1/voices` lists."),
    reason(
        "unreadable",
        "The file cannot be read",
        "Hand it in again; on the command line, check its name and permissions.",
    ),
    reason("unsupported-container", "The file's container cannot be signed", "Convert the file to MP4."),
    reason("work-queue", "The work queue could not be used", TRY_AGAIN),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_each_says_what_to_do() {
        assert!(REASONS.windows(2).all(|pair| pair[0].code < pair[1].code));
        for Reason { code, title, remedy } in REASONS {
            assert!(code.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase())));
            assert!(!title.ends_with('.') && remedy.ends_with('.'), "{code}");
        }
    }
}
