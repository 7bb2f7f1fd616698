//! The mailer against a mail server of the test's own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its helper functions")]

mod decode;
mod sink;

use application::{
    ports::mailer::{Mail, MailError, Mailer},
    testing::{CountedIds, ManualClock},
};
use domain::value::Personal;
use mail_smtp::{Security, SmtpConfig, SmtpMailer};
use sink::{Manners, Sink};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;

fn config(port: u16) -> SmtpConfig {
    SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        user: None,
        password: None,
        from: "Dragoman <dubbing@example.org>".to_owned(),
    }
}

fn mailer(config: &SmtpConfig) -> SmtpMailer {
    SmtpMailer::try_new(config, Arc::new(ManualClock::default()), Arc::new(CountedIds::default())).unwrap()
}

fn mail(to: &str, subject: &str, text: &str) -> Mail {
    Mail { to: Personal::new(to.to_owned()), subject: subject.to_owned(), text: text.to_owned() }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let texts = [
        ("Your film is ready", "It is.\n"),
        ("Ihr Film „Größe“ ist fertig – 完成 🎬", "Grüße,\nДрагоман\n\n.\n..\nein Punkt allein endet nichts\n"),
        ("", ""),
        (&"lang und länger ".repeat(12), &"eine sehr lange Zeile, ".repeat(200)),
        ("=?utf-8?b?RXZl?=", "From here on\n.\nQUIT\n"),
    ];
    for (subject, text) in texts {
        let sink = Sink::start(Manners::default()).await;
        mailer(&config(sink.port)).send(mail("ann@example.net", subject, text)).await.unwrap();
        let heard = sink.heard().await;
        assert_eq!(heard.commands[0], "EHLO example.org");
        let envelope = ["MAIL FROM:<dubbing@example.org>", "RCPT TO:<ann@example.net>", "DATA"];
        assert_eq!(heard.commands[1..4], envelope);
        // What looks encoded and is not must not be shown as something else.
        assert_eq!(decode::subject(&heard.mail), subject.trim().replace("=?", "= ?"));
        let body = decode::body(&heard.mail).replace("\r\n", "\n");
        assert_eq!(body.trim_end_matches('\n'), text.trim_end_matches('\n'));
        assert!(heard.mail.contains("From: Dragoman <dubbing@example.org>\r\n"), "{}", heard.mail);
        assert!(heard.mail.contains("To: ann@example.net\r\n"), "{}", heard.mail);
        assert!(heard.mail.is_ascii() && heard.mail.split("\r\n").all(|line| line.len() <= 998));
    }
}

#[tokio::test]
async fn line_breaks_bring_nobody_else_in() {
    let sink = Sink::start(Manners::default()).await;
    let subject = "Ready\r\nBcc: eve@example.org\r\n\r\n.\r\nRCPT TO:<eve@example.org>";
    mailer(&config(sink.port))
        .send(mail("ann@example.net", subject, ".\r\nRCPT TO:<eve@example.org>\r\n"))
        .await
        .unwrap();
    let heard = sink.heard().await;
    let to: Vec<_> = heard.commands.iter().filter(|command| command.starts_with("RCPT")).collect();
    assert_eq!(to, ["RCPT TO:<ann@example.net>"]);
    let (head, _) = heard.mail.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("\nbcc:"), "{head}");
    // An address is refused before anybody is spoken to: nobody listens at this port.
    let refused = mailer(&config(9)).send(mail("ann@example.net>\r\nRCPT TO:<eve@example.org", "", "")).await;
    assert!(matches!(refused, Err(MailError::InvalidAddress)), "{refused:?}");
}

#[tokio::test]
async fn it_signs_in_when_it_is_told_to() {
    let sink = Sink::start(Manners::default()).await;
    let signing_in =
        SmtpConfig { user: Some("dragoman".into()), password: Some("p\u{e4}ss \"1\"".into()), ..config(sink.port) };
    mailer(&signing_in).send(mail("ann@example.net", "Ready", "")).await.unwrap();
    let heard = sink.heard().await;
    let sign_in = heard.commands.iter().find_map(|command| command.strip_prefix("AUTH PLAIN ")).unwrap();
    assert_eq!(decode::base64(sign_in), "\0dragoman\0p\u{e4}ss \"1\"".as_bytes());
    let shown = format!("{signing_in:?}");
    assert!(!shown.contains("ss ") && !shown.contains("user: Some(\"dragoman\")"), "{shown}");
}

#[tokio::test]
async fn refusals_are_told_apart_and_repeat_nothing() {
    let cases = [
        ("RCPT", "550 5.1.1 ann@example.net is unknown", false),
        ("RCPT", "450 4.2.1 ann@example.net is busy", true),
        ("MAIL", "451 try later", true),
        ("DATA", "554 no", false),
        (".", "552 too much, ann@example.net", false),
        (".", "421 going down", true),
    ];
    for (at, answer, expected) in cases {
        let sink = Sink::start(Manners { refuse: Some((at, answer)), ..Manners::default() }).await;
        let refused = mailer(&config(sink.port)).send(mail("ann@example.net", "Ready", "")).await.unwrap_err();
        assert!(matches!(refused, MailError::Refused { transient } if transient == expected), "{answer}: {refused:?}");
        assert_eq!(refused.is_transient(), expected);
        let shown = format!("{refused} {refused:?}");
        assert!(!shown.contains("ann"), "{shown}");
    }
}

#[tokio::test]
async fn a_server_that_is_none_is_told_as_such() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let closed = mailer(&config(port)).send(mail("ann@example.net", "Ready", "")).await;
    assert!(matches!(closed, Err(MailError::Unreachable(_))), "{closed:?}");

    // It accepts connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let impatient = mailer(&config(port)).with_limit(Duration::from_millis(200));
    let waited = impatient.send(mail("ann@example.net", "Ready", "")).await;
    assert!(matches!(waited, Err(MailError::Unreachable(_))), "{waited:?}");

    let sink = Sink::start(Manners { greeting: "HTTP/1.1 400 ann@example.net", ..Manners::default() }).await;
    let other = mailer(&config(sink.port)).send(mail("ann@example.net", "Ready", "")).await.unwrap_err();
    assert!(matches!(other, MailError::Unreachable(_)) && !format!("{other:?}").contains("ann"), "{other:?}");
}

#[tokio::test]
async fn nothing_goes_in_the_open_when_it_must_not() {
    for security in [Security::StartTls, Security::Tls] {
        let sink = Sink::start(Manners::default()).await;
        let user = Some("dragoman".to_owned());
        let config = SmtpConfig { security, user, password: Some("secret".into()), ..config(sink.port) };
        let mailer = SmtpMailer::try_new(&config, Arc::new(ManualClock::default()), Arc::new(CountedIds::default()));
        // A machine without any certificates to trust says so here already.
        let Ok(mailer) = mailer else { continue };
        let sent = mailer.with_limit(Duration::from_secs(5)).send(mail("ann@example.net", "Ready", "")).await;
        assert!(matches!(sent, Err(MailError::Unreachable(_))), "{security:?}: {sent:?}");
        let commands = sink.heard().await.commands;
        let open =
            commands.iter().filter(|command| ["AUTH", "MAIL", "RCPT", "DATA"].iter().any(|it| command.starts_with(it)));
        assert_eq!(open.count(), 0, "{security:?}: {commands:?}");
    }
}
