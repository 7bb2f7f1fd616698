//! What can be chosen, each a value that is checked when it is made.

use std::{fmt, str::FromStr};
use thiserror::Error;
use tracing_subscriber::EnvFilter;

/// How logs are written and where traces go.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// One line per event, for people or for machines.
    pub log_format: LogFormat,
    /// Which events.
    pub log_filter: LogFilter,
    /// Where spans go; none are kept otherwise. Ids of traces are made and passed on in either case.
    pub endpoint: Option<Endpoint>,
    /// Sent with every batch, such as a collector's token. Names and values of HTTP headers.
    pub headers: Vec<(String, String)>,
    /// As what this process appears among others.
    pub service_name: String,
    /// Its version.
    pub service_version: String,
    /// Which traces that begin here are sent; those that come from elsewhere are as their sender decided.
    pub sampling: Sampling,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Which events are logged: a level or directives such as `warn,application=debug`; `off` for none.
///
/// The grammar is that of `tracing_subscriber::EnvFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

/// The text is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("neither a level (off, error, warn, info, debug, trace) nor directives such as warn,application=debug")]
pub struct InvalidFilter;

impl LogFilter {
    /// Whatever is of interest to who runs a server: beginnings, ends, warnings and failures.
    pub fn info() -> Self {
        Self("info".to_owned())
    }

    pub(crate) fn build(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }

    /// Whether it names a library.
    pub(crate) fn names(&self, library: &str) -> bool {
        self.0.contains(library)
    }
}

impl Default for LogFilter {
    /// Nothing.
    fn default() -> Self {
        Self("off".to_owned())
    }
}

impl FromStr for LogFilter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, InvalidFilter> {
        // A bare word is read as a target, so that a misspelt level would silence everything without a word.
        let is_level = |word: &str| !word.is_empty() && word.parse::<tracing::level_filters::LevelFilter>().is_ok();
        let bare = text.split(',').map(str::trim).filter(|part| !part.contains(['=', '[', ':']));
        let is_sound = !text.trim().is_empty() && bare.into_iter().all(is_level);
        let is_read = EnvFilter::builder().parse(text).is_ok();
        (is_sound && is_read).then(|| Self(text.to_owned())).ok_or(InvalidFilter)
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A collector that speaks OTLP over HTTP: `http://127.0.0.1:4318`.
///
/// Plain HTTP only: what batches, encrypts and keeps spans for a while is a collector beside this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) uri: http::Uri,
}

/// The text names no collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an http address such as http://127.0.0.1:4318, without user and password")]
pub struct InvalidEndpoint;

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let uri: http::Uri = text.parse().map_err(|_| InvalidEndpoint)?;
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let is_sound = uri.scheme_str() == Some("http") && has_host && !has_user && uri.query().is_none();
        if !is_sound {
            return Err(InvalidEndpoint);
        }
        // The path of traces, as OTLP defines it, unless another one is given.
        let uri = match uri.path() {
            "" | "/" => format!("{}/v1/traces", text.trim_end_matches('/')).parse().map_err(|_| InvalidEndpoint)?,
            _ => uri,
        };
        Ok(Self { uri })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

/// The share of traces that are sent, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling(f64);

impl Sampling {
    /// All of them.
    pub const ALL: Self = Self(1.0);

    /// A share; `None` when it is none.
    pub fn try_new(ratio: f64) -> Option<Self> {
        (0.0..=1.0).contains(&ratio).then_some(Self(ratio))
    }

    /// The share.
    pub fn ratio(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_levels_or_directives() {
        let check = |text: &str, is_sound: bool| assert_eq!(text.parse::<LogFilter>().is_ok(), is_sound, "{text}");
        for good in ["off", "warn", "INFO", "warn,application=debug", "application::worker=trace, error", "[job]=debug"]
        {
            check(good, true);
        }
        for bad in ["", " ", "verbose", "wran", "application=loud", "warn,,info", "a=b=c"] {
            check(bad, false);
        }
    }

    #[test]
    fn endpoints_are_addresses_of_collectors() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(text.parse::<Endpoint>().ok().map(|e| e.to_string()).as_deref(), expected, "{text}");
        };
        check("http://127.0.0.1:4318", Some("http://127.0.0.1:4318/v1/traces"));
        check("http://[::1]:4318/", Some("http://[::1]:4318/v1/traces"));
        check("http://collector/otlp/traces", Some("http://collector/otlp/traces"));
        for bad in
            ["", "127.0.0.1:4318", "https://a:4318", "http://", "http://ann:secret@a", "http://a?b=c", "grpc://a"]
        {
            check(bad, None);
        }
    }

    #[test]
    fn a_share_is_between_none_and_all() {
        assert_eq!(
            [0.0, 0.25, 1.0].map(|share| Sampling::try_new(share).map(Sampling::ratio)),
            [Some(0.0), Some(0.25), Some(1.0)]
        );
        assert_eq!([-0.1, 1.1, f64::NAN].map(Sampling::try_new), [None; 3]);
    }
}
