//! Kinds of values: what is allowed, and how a text becomes a typed value. Pure.

use super::NodeRole;
use application::identity::Email;
use domain::{
    flow::{Stage, TABLE},
    value::Role,
};
use scan_clamd::ClamdAddress;
use std::{ffi::OsString, fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};
use telemetry::{Endpoint, LogFilter};

/// A value as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    /// A string of the file.
    Text(String),
    /// A number of the file, whole or not, in its own digits.
    Number(String),
    /// A boolean of the file.
    Flag(bool),
    /// A list of strings of the file.
    List(Vec<String>),
    /// A variable or a flag: it is what it can be read as.
    Loose(OsString),
    /// Something else of the file, by the name of its type.
    Other(&'static str),
}

/// How a value is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In quotes.
    Text,
    /// As it is: numbers and booleans.
    Bare,
    /// In brackets, each in quotes.
    List,
}

/// Reads a value, or says why it cannot be: nothing, or what follows "is not allowed".
type Read<T> = Box<dyn Fn(Option<&Raw>) -> Result<T, String>>;

/// What a key takes.
pub struct Kind<T> {
    /// What is allowed, to follow "allowed: ".
    pub allowed: String,
    /// How it is written.
    pub form: Form,
    /// Whether its value is never shown.
    pub is_secret: bool,
    /// Reads it.
    pub read: Read<T>,
}

impl<T: 'static> Kind<T> {
    fn new(form: Form, allowed: impl Into<String>, read: impl Fn(&Raw) -> Option<T> + 'static) -> Self {
        Self::explained(form, allowed, move |raw| read(raw).ok_or_else(String::new))
    }

    fn explained(form: Form, allowed: impl Into<String>, read: impl Fn(&Raw) -> Result<T, String> + 'static) -> Self {
        let read = move |raw: Option<&Raw>| raw.map_or_else(|| Err(String::new()), &read);
        Self { allowed: allowed.into(), form, is_secret: false, read: Box::new(read) }
    }

    /// The same, and it may be left out.
    pub fn optional(self) -> Kind<Option<T>> {
        let Self { allowed, form, is_secret, read } = self;
        let read = Box::new(move |raw: Option<&Raw>| raw.map(|raw| read(Some(raw))).transpose());
        Kind { allowed, form, is_secret, read }
    }

    /// The same, and it is never shown.
    pub fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }
}

/// An address to listen on.
pub fn address() -> Kind<SocketAddr> {
    parsed("an address and a port, such as 127.0.0.1:8080 or [::]:8443")
}

/// Where others find the server: an origin and a path, without a slash at its end.
pub fn public_url() -> Kind<String> {
    let allowed = "an address such as https://dub.example.org or https://example.org/dragoman, without query and user";
    Kind::new(Form::Text, allowed, |raw| {
        let text = raw.text()?;
        let (scheme, rest) = text.split_once("://")?;
        let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
        let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
        let is_sound = is_origin(&format!("{scheme}://{host}")) && path.bytes().all(is_path);
        is_sound.then(|| text.trim_end_matches('/').to_owned())
    })
}

/// A path. Not looked at.
pub fn path() -> Kind<PathBuf> {
    Kind::new(Form::Text, "a path", |raw| match raw {
        Raw::Text(text) if !text.is_empty() => Some(PathBuf::from(text)),
        Raw::Loose(text) if !text.is_empty() => Some(PathBuf::from(text)),
        _other => None,
    })
}

/// A time span within bounds, both included.
pub fn duration(min: &'static str, max: &'static str) -> Kind<Duration> {
    let allowed = format!("a time from {min} to {max}, with a unit: ms, s, m, h or d");
    Kind::new(Form::Text, allowed, move |raw| within(raw.text().and_then(read_duration)?, read_duration, min, max))
}

/// Bytes within bounds, both included.
pub fn bytes(min: &'static str, max: &'static str) -> Kind<u64> {
    let allowed = format!("a size from {min} to {max}, with a unit: B, KiB, MiB, GiB or TiB");
    Kind::new(Form::Text, allowed, move |raw| within(raw.text().and_then(read_bytes)?, read_bytes, min, max))
}

/// A whole number within bounds, both included.
pub fn count(min: u64, max: u64) -> Kind<u64> {
    Kind::new(Form::Bare, format!("a whole number from {min} to {max}"), move |raw| {
        let number = raw.number()?.parse().ok()?;
        (min..=max).contains(&number).then_some(number)
    })
}

/// A switch.
pub fn switch() -> Kind<bool> {
    Kind::new(Form::Bare, "true or false", |raw| match raw {
        Raw::Flag(flag) => Some(*flag),
        Raw::Loose(text) => text.to_str()?.parse().ok(),
        Raw::Text(_) | Raw::Number(_) | Raw::List(_) | Raw::Other(_) => None,
    })
}

/// One of some words.
pub fn choice<T: Copy + 'static>(words: &'static [(&'static str, T)]) -> Kind<T> {
    let allowed = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
    Kind::new(Form::Text, allowed, |raw| {
        words.iter().find(|(word, _)| raw.text() == Some(*word)).map(|(_, value)| *value)
    })
}

/// Which events are logged.
pub fn log_filter() -> Kind<LogFilter> {
    parsed("off, error, warn, info, debug, trace, or directives such as warn,application=debug")
}

/// Where traces go.
pub fn collector() -> Kind<Endpoint> {
    parsed("an address such as http://127.0.0.1:4318, without user and password; for https put a collector in between")
}

/// A text that a type of its own reads.
fn parsed<T>(allowed: &'static str) -> Kind<T>
where
    T: FromStr + 'static,
{
    Kind::new(Form::Text, allowed, |raw| raw.text()?.parse().ok())
}

/// Where clamd listens.
pub fn clamd() -> Kind<ClamdAddress> {
    parsed("unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310")
}

/// A word of letters, digits and `-._`, at most 63.
pub fn name() -> Kind<String> {
    Kind::new(Form::Text, "1 to 63 letters, digits, '-', '.' or '_'", |raw| {
        let text = raw.text()?;
        let is_sound = (1..=63).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        is_sound.then(|| text.to_owned())
    })
}

/// A text on one line, as others prescribe it: at most 500 characters, none of them for control.
pub fn line() -> Kind<String> {
    Kind::new(Form::Text, "a text on one line, of at most 500 characters", |raw| {
        let text = raw.text()?;
        let is_line = !text.is_empty() && text.chars().count() <= 500 && !text.chars().any(char::is_control);
        is_line.then(|| text.to_owned())
    })
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// The text, for the purpose it was given for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// A password of somebody.
pub fn hidden() -> Kind<Hidden> {
    let kind = Kind::new(Form::Text, "a text that is not empty", |raw| {
        raw.text().filter(|text| !text.is_empty()).map(|text| Hidden(text.to_owned()))
    });
    kind.secret()
}

/// The address of a PostgreSQL database; there may be a password in it.
pub fn postgres_url() -> Kind<Hidden> {
    address_of("an address such as postgres://user:password@host:5432/database", &["postgres://", "postgresql://"])
}

/// The address of an event log; there may be a password in it.
pub fn log_url() -> Kind<Hidden> {
    let allowed =
        "an address such as postgres://user:password@host:5432/database or kurrentdb://user:password@host:2113";
    let schemes =
        &["postgres://", "postgresql://", "kurrentdb://", "kurrentdb+discover://", "esdb://", "esdb+discover://"];
    address_of(allowed, schemes)
}

/// Addresses of NATS servers; there may be a password in them.
pub fn nats_url() -> Kind<Hidden> {
    address_of("addresses such as nats://user:password@host:4222, with commas between", &["nats://", "tls://"])
}

/// A bucket, and what the names of objects in it begin with.
pub fn s3_url() -> Kind<String> {
    Kind::new(Form::Text, "a bucket such as s3://bucket/prefix", |raw| {
        let text = raw.text()?;
        let (bucket, _prefix) = text.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
        (!bucket.is_empty()).then(|| text.to_owned())
    })
}

fn address_of(allowed: &'static str, schemes: &'static [&'static str]) -> Kind<Hidden> {
    let kind = Kind::new(Form::Text, allowed, move |raw| {
        let text = raw.text()?;
        let is_address = schemes.iter().any(|scheme| text.starts_with(scheme) && text.len() > scheme.len());
        is_address.then(|| Hidden(text.to_owned()))
    });
    kind.secret()
}

/// An address of a mailbox.
pub fn email() -> Kind<Email> {
    parsed("an e-mail address such as ana@example.org")
}

/// A role.
pub fn role() -> Kind<Role> {
    parsed("admin, creator, reviewer or viewer")
}

/// Which value is which role.
pub fn role_map() -> Kind<Vec<(String, Role)>> {
    let allowed = "values and roles as value=role; roles are admin, creator, reviewer, viewer";
    Kind::new(Form::List, allowed, |raw| {
        let pairs = raw.list()?.into_iter().map(|pair| {
            let (value, role) = pair.rsplit_once('=')?;
            Some((value.to_owned(), role.parse().ok()?)).filter(|(value, _)| !value.is_empty())
        });
        pairs.collect()
    })
}

/// A currency by its code in ISO 4217.
pub fn currency() -> Kind<String> {
    Kind::new(Form::Text, "three capital letters, as in ISO 4217: EUR", |raw| {
        let text = raw.text()?;
        (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| text.to_owned())
    })
}

/// A share from 0 to 1.
pub fn share() -> Kind<f64> {
    Kind::new(Form::Bare, "a number from 0 to 1", |raw| {
        let share: f64 = raw.number()?.parse().ok()?;
        (0.0..=1.0).contains(&share).then_some(share)
    })
}

/// Money, exactly: millionths of the currency's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    /// Millionths of a unit.
    pub micros: u64,
}

/// A price per minute.
pub fn price() -> Kind<Price> {
    Kind::new(Form::Bare, "a price from 0 to 1000000 with at most six decimals", |raw| {
        let text = raw.number()?;
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let is_sound = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_sound(whole) || !is_sound(part) || part.len() > 6 {
            return None;
        }
        let units: u64 = whole.parse().ok().filter(|units| *units <= 1_000_000)?;
        Some(Price { micros: units * 1_000_000 + format!("{part:0<6}").parse::<u64>().ok()? })
    })
}

/// Origins that browsers may call from; never all of them.
pub fn origins() -> Kind<Vec<String>> {
    Kind::new(Form::List, "origins such as https://app.example.org, without a path; * is not one", |raw| {
        let all = raw.list()?;
        all.iter().all(|origin| is_origin(origin)).then_some(all)
    })
}

/// What a node does.
pub fn roles() -> Kind<Vec<NodeRole>> {
    Kind::new(Form::List, "one or more of api, flow and project", |raw| NodeRole::of_names(&raw.list()?))
}

/// Stages that workers do.
pub fn stages() -> Kind<Vec<Stage>> {
    Kind::new(Form::List, format!("stages that workers do: {}", names_of_stages()), |raw| {
        raw.list()?.iter().map(|name| of_workers(name)).collect()
    })
}

/// Bytes for stages, as `stage=size`.
pub fn stage_sizes() -> Kind<Vec<(Stage, u64)>> {
    let allowed = format!("stages and sizes as transcribe=2GiB; stages are {}", names_of_stages());
    Kind::new(Form::List, allowed, |raw| {
        let pairs = raw.list()?.into_iter().map(|pair| {
            let (stage, size) = pair.split_once('=')?;
            Some((of_workers(stage)?, read_bytes(size)?))
        });
        pairs.collect()
    })
}

/// Files are let go of by the server, which knows who begins to use them.
fn of_workers(name: &str) -> Option<Stage> {
    name.trim().parse().ok().filter(|stage| *stage != Stage::Clean)
}

fn names_of_stages() -> String {
    let names = TABLE.iter().map(|row| row.stage).filter(|stage| *stage != Stage::Clean).map(Stage::name);
    names.collect::<Vec<_>>().join(", ")
}

/// HTTP headers as `name=value`.
pub fn headers() -> Kind<Vec<(String, String)>> {
    let allowed = "headers as name=value; names of letters, digits and '-'";
    let kind = Kind::new(Form::List, allowed, |raw| {
        let pairs = raw.list()?.into_iter().map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let name_is_sound =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let is_sound = name_is_sound && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            is_sound.then(|| (name.to_lowercase(), value.to_owned()))
        });
        pairs.collect()
    });
    kind.secret()
}

impl Raw {
    /// A text, whether it was written as one or is one by nature.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Loose(text) => text.to_str(),
            Self::Number(_) | Self::Flag(_) | Self::List(_) | Self::Other(_) => None,
        }
    }

    /// The digits of a number, without the underscores that TOML allows between them.
    fn number(&self) -> Option<String> {
        match self {
            Self::Number(text) => Some(text.replace('_', "")),
            Self::Loose(text) => text.to_str().map(str::to_owned),
            Self::Text(_) | Self::Flag(_) | Self::List(_) | Self::Other(_) => None,
        }
    }

    /// A list; a variable's is separated by commas.
    fn list(&self) -> Option<Vec<String>> {
        match self {
            Self::List(list) => Some(list.clone()),
            Self::Loose(text) => {
                let parts = text.to_str()?.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(str::to_owned).collect())
            }
            Self::Text(_) | Self::Number(_) | Self::Flag(_) | Self::Other(_) => None,
        }
    }

    /// As the listing shows it.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(list) => list.join(","),
            Self::Loose(text) => text.to_string_lossy().into_owned(),
            Self::Other(name) => (*name).to_owned(),
        }
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Loose(text) => write!(f, "{:?}", text.to_string_lossy()),
            Self::List(list) => write!(f, "{list:?}"),
            Self::Other(name) => write!(f, "a {name}"),
            Self::Number(_) | Self::Flag(_) => f.write_str(&self.plain()),
        }
    }
}

fn within<T: PartialOrd>(value: T, read: impl Fn(&str) -> Option<T>, min: &str, max: &str) -> Option<T> {
    (read(min)? <= value && value <= read(max)?).then_some(value)
}

/// `90s`, `1h30m`: numbers with units, added up.
fn read_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let unit = match unit {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _other => return None,
        };
        sum = sum.checked_add(unit.checked_mul(u32::try_from(number).ok()?)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// `5GiB`, `5 GiB`, `100B`.
fn read_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let shift = match unit.trim_start() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _other => return None,
    };
    number.checked_mul(1 << shift)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let (digits, rest) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit())?)?;
    Some((digits.parse().ok()?, rest))
}

/// As the header `Origin` says it: scheme, host, and a port that is not the usual one.
fn is_origin(text: &str) -> bool {
    let Some(host) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte))
}
