//! What can be configured, in one typed value that is checked before anything starts.
//!
//! Weakest first: defaults, `dragoman.toml`, `DRAGOMAN_*` variables, flags. A fault names the key, where its value
//! came from and what is allowed; all faults are told at once. There are deliberately no secrets of ours in it, and
//! no file that it names is opened here.

mod example;
mod kinds;
mod layers;
mod roles;
mod sections;
mod suggest;

pub use kinds::Hidden;
pub use layers::{Flag, Inputs, Source};
pub use roles::NodeRole;
pub use sections::{
    Auth, Blobs, Config, Costs, Http, Jobs, Keeping, Limits, Node, Oidc, Queue, Rates, Scan, Signing, Smtp, Uploads,
};
pub use suggest::nearest;

use kinds::{Kind, Raw};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// A configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The same, key by key, in the order of the example.
    pub effective: Vec<Effective>,
    /// The file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// What was given, secrets too.
    plain: BTreeMap<&'static str, Raw>,
}

impl Loaded {
    /// Keys and the texts that tell whether their values are the same as at another time. Never to be shown: those of
    /// secrets are among them.
    pub fn digestible(&self) -> Vec<(&'static str, String)> {
        self.plain.iter().map(|(key, raw)| (*key, raw.plain())).collect()
    }
}

/// One key's value as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// `http.listen`.
    pub key: &'static str,
    /// As text, `(set)` for a secret; `None` when the key is unset.
    pub value: Option<String>,
    /// Where from.
    pub source: Source,
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, or the name that should have been one; empty when the whole file is at fault.
    pub key: String,
    /// Where it was given.
    pub source: Source,
    /// What is wrong, and what is allowed.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{} ", self.key)?;
        }
        write!(f, "({}): {}", self.source, self.what)
    }
}

/// A key, as the example and the listing need it.
pub(crate) struct Key {
    path: &'static str,
    about: &'static [&'static str],
    default: Option<&'static str>,
    allowed: String,
    form: kinds::Form,
    is_secret: bool,
}

/// Reads, layers and checks.
pub fn load(inputs: &Inputs) -> Result<Loaded, Vec<Fault>> {
    let keys = sections::keys();
    let mut layers = layers::Layers::read(inputs, &keys)?;
    let mut reader = Reader { given: std::mem::take(&mut layers.given), faults: layers.faults };
    let config = Config::read(&mut reader);
    let Some(config) = config.filter(|_| reader.faults.is_empty()) else { return Err(reader.faults) };
    let faults = config.contradictions(|key| reader.source(key));
    if !faults.is_empty() {
        return Err(faults);
    }
    let effective = keys.iter().map(|key| reader.effective(key)).collect();
    let plain = reader.given.into_iter().map(|(key, (raw, _))| (key, raw)).collect();
    Ok(Loaded { config, effective, file: layers.file, plain })
}

/// An example file with every key, its meaning, what is allowed and its default.
pub fn example() -> String {
    example::text(&sections::about(), &sections::keys())
}

/// Turns given values into typed ones, and collects what is wrong with them.
pub(crate) struct Reader {
    given: BTreeMap<&'static str, (Raw, Source)>,
    faults: Vec<Fault>,
}

impl Reader {
    /// The value of a key; `None` when it is wrong, which is noted.
    fn take<T>(&mut self, key: &'static str, default: Option<&'static str>, kind: Kind<T>) -> Option<T> {
        let given = match self.given.get(key) {
            Some((raw, _)) => Some(raw.clone()),
            None => default.map(|text| Raw::Loose(text.into())),
        };
        match (kind.read)(given.as_ref()) {
            Ok(value) => Some(value),
            Err(why) => {
                let said = match given {
                    Some(raw) if !kind.is_secret => format!("{raw} "),
                    Some(_) | None => String::new(),
                };
                let what = format!("{said}is not allowed{why}; allowed: {}", kind.allowed);
                self.faults.push(Fault { key: key.to_owned(), source: self.source(key), what });
                None
            }
        }
    }

    fn source(&self, key: &str) -> Source {
        self.given.get(key).map_or(Source::Default, |(_, source)| source.clone())
    }

    fn effective(&self, key: &Key) -> Effective {
        let value = match self.given.get(key.path) {
            Some(_) if key.is_secret => Some("(set)".to_owned()),
            Some((raw, _)) => Some(raw.plain()),
            None => key.default.map(str::to_owned),
        };
        Effective { key: key.path, value, source: self.source(key.path) }
    }
}

#[cfg(test)]
mod tests;
