//! What needs no server.

use crate::{Login, Prefix, compare, link::login_in};
use serde_json::{Value, json};

#[test]
fn what_a_server_drops_is_noticed() {
    let asked = json!({ "max_msgs_per_subject": 1, "republish": { "src": "a" } });
    let more = json!({ "max_msgs_per_subject": 1, "republish": { "src": "a" }, "max_age": 0 });
    assert!(compare("a stream", &asked, Some(&more)).is_ok());
    for (echoed, told) in [
        (Some(json!({ "republish": { "src": "a" } })), "max_msgs_per_subject = null, where 1 was asked for"),
        (Some(json!({ "max_msgs_per_subject": 1, "republish": { "src": "b" } })), "republish = "),
        (Some(Value::Null), "a stream"),
        (None, "a stream"),
    ] {
        let error = compare("a stream", &asked, echoed.as_ref()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn an_address_may_say_who_logs_in() {
    let login = |address: &str| {
        login_in(&address.parse().unwrap()).map(|login| match login {
            Login::Password { user, password } => (user, Some(password)),
            Login::Token(token) => (token, None),
            other => panic!("{other:?}"),
        })
    };
    let said = |user: &str, password: Option<&str>| Some((user.to_owned(), password.map(str::to_owned)));
    assert_eq!(login("nats://node:a%40b%2Fc@queue:4222"), said("node", Some("a@b/c")));
    assert_eq!(login("tls://token@queue"), said("token", None));
    assert_eq!(login("nats://queue:4222"), None);
}

#[test]
fn prefixes_are_words_with_dots_between() {
    let prefix = Prefix::try_new("acme.dragoman-1").unwrap();
    assert_eq!((prefix.name(), prefix.inbox()), ("acme-dragoman-1".to_owned(), "acme.dragoman-1.inbox".to_owned()));
    for text in ["", "a b", "a..b", "a.*", "a.>", "ä", "a.", "$JS"] {
        let error = Prefix::try_new(text).unwrap_err().to_string();
        assert!(error.contains("cannot be the prefix for NATS"), "{error}");
    }
}
