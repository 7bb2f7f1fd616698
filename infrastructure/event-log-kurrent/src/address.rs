//! From a connection string to what the client needs. What the client reads itself is left to it: hosts, `tls`,
//! `tlsCaFile` and the like. Read here are user and password, which the client would send as they are escaped, and
//! `streamPrefix`, which is ours.

use crate::error::KurrentError;
use kurrentdb::{ClientSettings, Credentials};
use percent_encoding::percent_decode_str;

/// Longest prefix of streams' names. KurrentDB's own limit of names is far above it.
const PREFIX_CHARS_MAX: usize = 64;

/// What a connection string says.
#[derive(Clone)]
pub(crate) struct Address {
    /// What the client reads from it.
    pub settings: ClientSettings,
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// What the names of this log's streams begin with, and no others.
    pub prefix: String,
    /// Hosts and ports, for messages.
    pub place: String,
}

impl Address {
    /// Reads a connection string. Streams are named after the log where it says nothing else.
    pub fn parse(text: &str, log: &str) -> Result<Self, KurrentError> {
        let (text, prefix) = take_prefix(text);
        let prefix = prefix.unwrap_or(log);
        if prefix.is_empty() || prefix.len() > PREFIX_CHARS_MAX || !prefix.bytes().all(is_plain) {
            return Err(KurrentError::Address("names a streamPrefix that is not 1 to 64 letters, digits or _"));
        }
        let settings: ClientSettings = text.parse().map_err(|_| KurrentError::Address("cannot be read"))?;
        let places: Vec<String> = settings.hosts().iter().map(|host| format!("{}:{}", host.host, host.port)).collect();
        let place = places.join(", ");
        // The client takes any other text for a host, and panics when it connects.
        if settings.hosts().iter().any(|host| host.host.is_empty() || !host.host.bytes().all(is_of_host)) {
            return Err(KurrentError::Address("names no host, or one that cannot be"));
        }
        Ok(Self { settings, credentials: credentials(&text)?, prefix: format!("{prefix}."), place })
    }
}

/// What a prefix may hold: a `-` would begin the name of a category, a `$` that of a system stream.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What a host's name or address may hold.
fn is_of_host(byte: u8) -> bool {
    is_plain(byte) || matches!(byte, b'.' | b'-' | b'[' | b']' | b':')
}

/// The text without `streamPrefix`, and its value.
fn take_prefix(text: &str) -> (String, Option<&str>) {
    let Some((before, query)) = text.split_once('?') else { return (text.to_owned(), None) };
    let is_ours = |part: &&str| part.to_ascii_lowercase().starts_with("streamprefix=");
    let prefix = query.split('&').find(is_ours).and_then(|part| part.split_once('=')).map(|(_, value)| value);
    let rest: Vec<&str> = query.split('&').filter(|part| !is_ours(part)).collect();
    let text = if rest.is_empty() { before.to_owned() } else { format!("{before}?{}", rest.join("&")) };
    (text, prefix)
}

/// User and password, unescaped.
fn credentials(text: &str) -> Result<Option<Credentials>, KurrentError> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((who, _)) = authority.rsplit_once('@') else { return Ok(None) };
    let (user, password) = who.split_once(':').unwrap_or((who, ""));
    let plain = |text| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
    match (plain(user), plain(password)) {
        (Ok(user), Ok(password)) => Ok(Some(Credentials::new(user, password))),
        _ => Err(KurrentError::Address("holds a user or a password that is not escaped as it should be")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text, "main").expect("it can be read")
    }

    #[test]
    fn what_the_client_reads_is_left_to_it() {
        let check = |text: &str, place: &str, is_secure: bool, prefix: &str| {
            let address = parsed(text);
            assert_eq!((address.place.as_str(), address.prefix.as_str()), (place, prefix), "{text}");
            assert_eq!(address.settings.is_secure_mode_enabled(), is_secure, "{text}");
        };
        check("kurrentdb://db.example", "db.example:2113", true, "main.");
        check("esdb://127.0.0.1:2114?tls=false", "127.0.0.1:2114", false, "main.");
        check("kurrentdb://a:1,b:2,c:3?tls=false", "a:1, b:2, c:3", false, "main.");
        check("kurrentdb+discover://cluster.example:2113", "cluster.example:2113", true, "main.");
        check("kurrentdb://a?streamPrefix=studio", "a:2113", true, "studio.");
        check("kurrentdb://a?tls=false&streamPrefix=studio_2&tlsVerifyCert=false", "a:2113", false, "studio_2.");
    }

    #[test]
    fn user_and_password_are_unescaped() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(user, password)| Credentials::new(user.to_owned(), password.to_owned()));
            assert_eq!(parsed(text).credentials, expected, "{text}");
        };
        check("kurrentdb://a:1", None);
        check("kurrentdb://admin:changeit@a:1", Some(("admin", "changeit")));
        check("kurrentdb://me%40home:p%3Aw%2F@a:1?tls=false", Some(("me@home", "p:w/")));
        check("kurrentdb://a:1?tlsCaFile=/tmp/x@y.pem", None);
    }

    #[test]
    fn what_cannot_be_read_is_told_without_the_password() {
        for text in [
            "",
            "hunter2",
            "postgres://me:hunter2@a",
            "kurrentdb://",
            "kurrentdb://me:hunter2@",
            "kurrentdb:/me:hunter2@a",
            "kurrentdb://me:hunter2@a b",
            "kurrentdb://me:hunter2@a:port",
            "kurrentdb://me:hunter2@a:1,b:hunter2",
            "kurrentdb://me:hunter2@a?tls=hunter2",
            "kurrentdb://me:hunter2%FF@a",
            "kurrentdb://me:hunter2@a?userCertFile=hunter2",
            "kurrentdb://me:hunter2@a?streamPrefix=",
            "kurrentdb://me:hunter2@a?streamPrefix=hunter2-",
        ] {
            let Err(error) = Address::parse(text, "main") else { panic!("{text} was read") };
            let told = format!("{error} {error:?}");
            assert!(told.starts_with("the connection string for KurrentDB "), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
