//! A mail as it goes over the wire. Pure.

use application::ports::mailer::{Mail, MailError};
use domain::value::Timestamp;
use lettre::{
    Address, Message,
    message::{Mailbox, header::ContentType},
};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Characters of a subject at most; the rest is cut.
const SUBJECT_CHARS_MAX: usize = 200;

/// The mail from `from`, made at `now` and known as `id`.
pub(crate) fn message(from: &Mailbox, mail: &Mail, now: Timestamp, id: Uuid) -> Result<Message, MailError> {
    let to = mail.to.reveal().ok_or(MailError::InvalidAddress)?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, address(to)?))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(now.unix_ms()))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .subject(one_line(&mail.subject))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.clone())
        .map_err(|_| MailError::InvalidAddress)
}

/// Whom mails come from.
pub(crate) fn sender(text: &str) -> Result<Mailbox, MailError> {
    if text.chars().any(char::is_control) {
        return Err(MailError::InvalidAddress);
    }
    text.parse().map_err(|_| MailError::InvalidAddress)
}

/// An address without a name. A quoted local part could hold anything: nobody has one.
fn address(text: &str) -> Result<Address, MailError> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || "\"<>(),;:\\".contains(c)) {
        return Err(MailError::InvalidAddress);
    }
    text.parse().map_err(|_| MailError::InvalidAddress)
}

/// A subject: one line of readable characters. What looks like an encoded word (RFC 2047) is taken apart, since it would
/// be shown as what it encodes.
fn one_line(subject: &str) -> String {
    let blanked: String = subject.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    blanked.replace("=?", "= ?").trim().chars().take(SUBJECT_CHARS_MAX).collect()
}

/// Whether a character ends a line somewhere or cannot be seen.
fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::value::Personal;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);

    fn made(to: &str, subject: &str, text: &str) -> Result<String, MailError> {
        let mail = Mail { to: Personal::new(to.to_owned()), subject: subject.to_owned(), text: text.to_owned() };
        let from = sender("Dragoman <dubbing@example.org>").unwrap();
        message(&from, &mail, NOW, Uuid::from_u128(7)).map(|made| String::from_utf8(made.formatted()).unwrap())
    }

    /// Names of the headers of a mail, in order.
    fn headers(mail: &str) -> Vec<&str> {
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split_once(':').unwrap().0).collect()
    }

    #[test]
    fn a_mail_says_when_by_whom_and_which_it_is() {
        let mail = made("ann@example.org", "Ready", "Done.\n").unwrap();
        for line in [
            "From: Dragoman <dubbing@example.org>\r\n",
            "To: ann@example.org\r\n",
            "Date: Sat, 31 Jan 2026 08:00:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.org>\r\n",
            "Subject: Ready\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
        ] {
            assert!(mail.contains(line), "{line:?} is not in {mail:?}");
        }
        assert!(mail.ends_with("\r\n\r\nDone.\r\n"), "{mail:?}");
    }

    #[test]
    fn nothing_in_a_mail_becomes_a_header() {
        let plain = made("ann@example.org", "Ready", "Done.\n").unwrap();
        let subjects = [
            "Ready\r\nBcc: eve@example.org",
            "Ready\nBcc: eve@example.org",
            "Ready\rBcc: eve@example.org",
            "Ready\r\n\r\nAnother body",
            "Ready\r\n .\r\nQUIT",
            "\u{2028}Bcc: eve@example.org\u{2029}\u{85}\u{0}\u{7f}",
            "Ünï\r\nBcc: eve@example.org",
            &format!("{}\r\nBcc: eve@example.org", "long ".repeat(100)),
        ];
        for subject in subjects {
            let mail = made("ann@example.org", subject, "Done.\n").unwrap();
            assert_eq!(headers(&mail), headers(&plain), "{subject:?} made {mail:?}");
            assert!(mail.ends_with("\r\n\r\nDone.\r\n"), "{mail:?}");
        }
        let mail = made("ann@example.org", "Ready", "Bcc: eve@example.org\r\n\r\n.\r\nQUIT\n").unwrap();
        assert_eq!(headers(&mail), headers(&plain));
    }

    #[test]
    fn addresses_are_addresses() {
        for good in ["ann@example.org", "a.b+c@sub.example.org", "ann@xn--bcher-kva.example", "änn@bücher.example"] {
            made(good, "Ready", "").unwrap();
        }
        let bad = [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@example.org\r\nBcc: eve@example.org",
            "ann@example.org\nRCPT TO:<eve@example.org>",
            "ann\r\n@example.org",
            "\"ann\r\nBcc: eve\"@example.org",
            "\"ann eve\"@example.org",
            "ann@example.org, eve@example.org",
            "ann@example.org>,<eve@example.org",
            "Ann <ann@example.org>",
            "ann@example.org ",
            "ann@exa mple.org",
            "ann\u{0}@example.org",
        ];
        for bad in bad {
            let refused = made(bad, "Ready", "");
            assert!(matches!(refused, Err(MailError::InvalidAddress)), "{bad:?}: {refused:?}");
        }
        let erased = Mail { to: Personal::erased(), subject: String::new(), text: String::new() };
        let from = sender("dubbing@example.org").unwrap();
        assert!(matches!(message(&from, &erased, NOW, Uuid::nil()), Err(MailError::InvalidAddress)));
        for bad in ["", "Dragoman", "a@example.org\r\nBcc: eve@example.org", "A\n <a@example.org>"] {
            assert!(matches!(sender(bad), Err(MailError::InvalidAddress)), "{bad:?}");
        }
    }
}
