//! What needs no server: settings, and messages as they travel.

use crate::{
    Settings, Storage,
    message::{Found, Ready, chain, found, notice, told},
};
use application::ports::{
    event_bus::{Mark, Notice, ToldEvent},
    event_log::{StreamId, Tenant},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use nats_connection::Prefix;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

fn settings(prefix: &str, events_prefix: &str) -> Settings {
    Settings {
        prefix: prefix.to_owned(),
        events_prefix: events_prefix.to_owned(),
        installation: Uuid::from_u128(1),
        replicas: 1,
        storage: Storage::File,
        bytes_max: 1 << 20,
        age_max: Duration::from_secs(3_600),
    }
}

#[test]
fn prefixes_do_not_mingle() {
    for (own, events) in
        [("dragoman", "dragoman.events"), ("a.b", "a.events"), ("dragoman", "dragoman.logs"), ("a", "b")]
    {
        assert!(settings(own, events).prefixes().is_ok(), "{own}, {events}");
    }
    for (own, events, said) in [
        ("dragoman", "dragoman", "what is under `dragoman.log` is something else"),
        ("a.b", "a", "what is under `a.b.log` is something else"),
        ("dragoman", "dragoman.log", "what is under `dragoman.log` is something else"),
        ("dragoman", "dragoman.work.events", "what is under `dragoman.work` is something else"),
        ("dragoman", "dragoman.inbox", "what is under `dragoman.inbox` is something else"),
        ("a b", "dragoman", "`a b` cannot be the prefix for NATS"),
        ("dragoman", "events.>", "`events.>` cannot be the prefix for NATS"),
    ] {
        let error = settings(own, events).prefixes().err().expect(said).to_string();
        assert!(error.contains(said), "{error}");
    }
    let brief = Settings { age_max: Duration::from_secs(59), ..settings("a", "b") };
    assert!(brief.prefixes().is_err_and(|error| error.to_string().contains("must be for a minute at least")));
    assert!(Settings { age_max: Duration::ZERO, ..brief }.prefixes().is_ok());
}

fn event(position: u64) -> ToldEvent {
    ToldEvent {
        mark: Mark { position, event: Uuid::from_u128(position.into()) },
        stream: "track-00000000-0000-0000-0000-000000000007-pt-BR".parse().unwrap(),
        event_type: "TrackPublished".to_owned(),
        tenant: Tenant(Uuid::from_u128(3).to_string()),
        traceparent: Some("00-1-2-01".to_owned()),
        body: "{\"type\":\"track.published\"}".to_owned(),
    }
}

fn header<'a>(message: &'a Ready, name: &str) -> Option<&'a str> {
    message.question.headers.get(name).map(|value| value.as_str())
}

/// What programs of others rely on.
#[test]
fn events_travel_in_a_form_that_stays() {
    let message = told(&Prefix::try_new("dragoman.events").unwrap(), &event(5));
    assert_eq!(message.question.subject, "dragoman.events.track.TrackPublished");
    assert_eq!(message.question.payload, "{\"type\":\"track.published\"}");
    for (name, value) in [
        ("Nats-Msg-Id", "00000000-0000-0000-0000-000000000005"),
        ("Dragoman-Position", "5"),
        ("Dragoman-Stream", "track-00000000-0000-0000-0000-000000000007-pt-BR"),
        ("Dragoman-Tenant", "00000000-0000-0000-0000-000000000003"),
        ("traceparent", "00-1-2-01"),
    ] {
        assert_eq!(header(&message, name), Some(value), "{name}");
    }
    for hostile in ["00-1\r\nNats-Msg-Id: x", "", "ä"] {
        let traced = ToldEvent { traceparent: Some(hostile.to_owned()), ..event(5) };
        let message = told(&Prefix::try_new("a").unwrap(), &traced);
        assert_eq!(header(&message, "traceparent").unwrap_or_default(), "", "{hostile}");
    }
}

#[test]
fn notices_say_how_far_the_log_has_come_and_nothing_else() {
    let stream: StreamId = "account-00000000-0000-0000-0000-000000000009".parse().unwrap();
    let said = Notice { mark: Mark { position: 12, event: Uuid::from_u128(6) }, stream };
    let message = notice(&Prefix::try_new("acme.dragoman").unwrap(), &said, "1795987177");
    assert_eq!(message.question.subject, "acme.dragoman.log.account");
    assert_eq!(
        message.question.payload,
        "{\"position\":12,\"stream\":\"account-00000000-0000-0000-0000-000000000009\"}"
    );
}

#[test]
fn messages_of_a_page_follow_each_other() {
    let mut page: Vec<Ready> = (1..=3).map(|position| told(&Prefix::try_new("a").unwrap(), &event(position))).collect();
    chain(&mut page, 40);
    let expected = |name: &str| page.iter().map(|message| header(message, name)).collect::<Vec<_>>();
    assert_eq!(expected("Nats-Expected-Last-Sequence"), [Some("40"), Some("41"), Some("42")]);
    let ids: Vec<&str> = page.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(expected("Nats-Expected-Last-Msg-Id"), [None, Some(ids[0]), Some(ids[1])]);
}

#[test]
fn what_is_there_tells_where_the_bus_is() {
    let answer = |headers: &str| json!({ "message": { "seq": 7, "hdrs": STANDARD.encode(headers) } });
    let event = Uuid::from_u128(6);
    let mark = Some(Mark { position: 12, event });
    let told = format!("NATS/1.0\r\nNats-Msg-Id: {event}\r\nDragoman-Position: 12\r\n\r\n");
    assert_eq!(found(&answer(&told)), Found { sequence: 7, mark, incarnation: None });
    let noticed = format!(
        "NATS/1.0\r\nnats-msg-id:{event}.99\r\nDragoman-Position:12\r\nDragoman-Event:{event}\r\nDragoman-Events:99\r\n\r\n"
    );
    assert_eq!(found(&answer(&noticed)), Found { sequence: 7, mark, incarnation: Some("99".to_owned()) });
    let cut = "NATS/1.0\r\nDragoman-Position:12\r\n\r\n";
    for foreign in
        [answer(cut), answer(""), json!({ "message": { "seq": 7 } }), json!({ "message": { "seq": 7, "hdrs": "?" } })]
    {
        assert_eq!(found(&foreign), Found { sequence: 7, mark: None, incarnation: None }, "{foreign}");
    }
}
