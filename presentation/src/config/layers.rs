//! Where values come from: the file, the environment, the flags, in this order of strength.

use super::{Fault, Key, kinds::Raw, suggest::nearest};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};
use toml::de::{DeTable, DeValue};

/// A configuration file is not larger.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Where the file lies for the whole machine.
const SYSTEM_FILE: &str = "/etc/dragoman/dragoman.toml";
/// All variables of ours begin so.
const PREFIX: &str = "DRAGOMAN_";
/// Variables by shorter names.
const ALIASES: [(&str, &str); 5] = [
    ("DRAGOMAN_ADMIN_EMAIL", "auth.admin_email"),
    ("DRAGOMAN_ADMIN_PASSWORD", "auth.admin_password"),
    ("DRAGOMAN_LOG", "telemetry.log_filter"),
    ("DRAGOMAN_SIGNING_CERT", "signing.cert"),
    ("DRAGOMAN_SIGNING_KEY", "signing.key"),
];

/// All that a configuration is made from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The file that was asked for.
    pub file: Option<PathBuf>,
    /// The environment.
    pub variables: BTreeMap<OsString, OsString>,
    /// The flags that were given.
    pub flags: Vec<Flag>,
}

/// A flag that sets a key.
#[derive(Clone, Debug)]
pub struct Flag {
    /// `data_dir`.
    pub key: &'static str,
    /// `--data-dir`.
    pub name: &'static str,
    /// Its value.
    pub value: OsString,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody gave one.
    Default,
    /// A file, and the line in it, from 1.
    File(PathBuf, usize),
    /// The whole of a file.
    WholeFile(PathBuf),
    /// A variable.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{}:{line}", file.display()),
            Self::WholeFile(file) => write!(f, "{}", file.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Inputs {
    /// Of this process.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        Self { file, variables: std::env::vars_os().collect(), flags }
    }

    /// The file asked for, else the user's, else the machine's.
    fn find_file(&self) -> Option<PathBuf> {
        let variable = |name: &str| self.variables.get(&OsString::from(name)).map(PathBuf::from);
        let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
        let user = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let user = user.map(|folder| folder.join("dragoman/dragoman.toml"));
        let usual = user.into_iter().chain([PathBuf::from(SYSTEM_FILE)]).find(|file| file.exists());
        self.file.clone().or(usual)
    }
}

/// What was given, the strongest for each key, and what was given in vain.
pub struct Layers {
    /// By key.
    pub given: BTreeMap<&'static str, (Raw, Source)>,
    /// Names that are no keys.
    pub faults: Vec<Fault>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

impl Layers {
    /// Reads all layers. A file that cannot be read or is not TOML is the only fault told.
    pub fn read(inputs: &Inputs, keys: &[Key]) -> Result<Self, Vec<Fault>> {
        let mut layers = Self { given: BTreeMap::new(), faults: Vec::new(), file: inputs.find_file() };
        if let Some(file) = layers.file.clone() {
            layers.file(&file, keys).map_err(|fault| vec![fault])?;
        }
        layers.variables(inputs, keys);
        for flag in &inputs.flags {
            layers.given.insert(flag.key, (Raw::Loose(flag.value.clone()), Source::Flag(flag.name)));
        }
        Ok(layers)
    }

    fn file(&mut self, file: &Path, keys: &[Key]) -> Result<(), Fault> {
        let whole = |what: String| Fault { key: String::new(), source: Source::WholeFile(file.to_owned()), what };
        let text = read_text(file).map_err(|error| whole(format!("it cannot be read ({error})")))?;
        let document = DeTable::parse(&text).map_err(|error| {
            let source = Source::File(file.to_owned(), line(&text, error.span().map_or(0, |span| span.start)));
            Fault { key: String::new(), source, what: format!("it is not TOML: {}", error.message()) }
        })?;
        self.table("", document.get_ref(), &|at| Source::File(file.to_owned(), line(&text, at)), keys);
        Ok(())
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>, source: &dyn Fn(usize) -> Source, keys: &[Key]) {
        for (name, value) in table {
            let asked = format!("{prefix}{}", name.get_ref());
            let at = source(name.span().start);
            let section = format!("{asked}.");
            let is_section = keys.iter().any(|key| key.path.starts_with(&section));
            match (keys.iter().find(|key| key.path == asked), value.get_ref()) {
                (Some(key), value) => {
                    self.given.insert(key.path, (raw(value), at));
                }
                (None, DeValue::Table(inner)) if is_section => self.table(&section, inner, source, keys),
                (None, _) if is_section => {
                    self.faults.push(Fault {
                        what: format!("it is a section: write [{asked}]"),
                        key: asked,
                        source: at,
                    });
                }
                (None, _) => self.unknown(asked, at, keys.iter().map(|key| key.path)),
            }
        }
    }

    fn variables(&mut self, inputs: &Inputs, keys: &[Key]) {
        let known: Vec<(String, &'static str)> = {
            let aliases = ALIASES.iter().map(|(name, key)| ((*name).to_owned(), *key));
            aliases.chain(keys.iter().map(|key| (variable(key.path), key.path))).collect()
        };
        // Short names first, so that the long one wins where both are set.
        for (name, key) in &known {
            let value = inputs.variables.get(&OsString::from(name)).filter(|value| !value.is_empty());
            if let Some(value) = value {
                self.given.insert(key, (Raw::Loose(value.clone()), Source::Variable(name.clone())));
            }
        }
        for name in inputs.variables.keys().filter_map(|name| name.to_str()) {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if known.iter().any(|(known, _)| known == name) {
                continue;
            }
            // Other software names variables after services (`DRAGOMAN_PORT`), and so do our tests: only what is
            // written like a key, or nearly one, is refused.
            let near = nearest(name, known.iter().map(|(known, _)| known.as_str()))
                .is_some_and(|near| near.len().abs_diff(name.len()) <= 2 && !rest.contains("__") && !is_service(rest));
            if rest.contains("__") || near {
                let source = Source::Variable(name.to_owned());
                self.unknown(name.to_owned(), source, known.iter().map(|(known, _)| known.as_str()));
            }
        }
    }

    fn unknown<'a>(&mut self, asked: String, source: Source, names: impl Iterator<Item = &'a str>) {
        let advice = match nearest(&asked, names) {
            Some(name) => format!("did you mean {name}?"),
            None => "`dragoman config show` lists all keys".to_owned(),
        };
        self.faults.push(Fault { key: asked, source, what: format!("there is no such key; {advice}") });
    }
}

/// The variable of a key: `http.listen` is `DRAGOMAN_HTTP__LISTEN`.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// What container platforms set for a service that is called like this program.
fn is_service(rest: &str) -> bool {
    rest.contains("SERVICE_") || rest.contains("PORT")
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Raw::Number(number.as_str().to_owned()),
        DeValue::Float(number) => Raw::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Array(list) => {
            let texts = list.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map_or(Raw::Other("list of other things than strings"), Raw::List)
        }
        DeValue::Integer(_) => Raw::Other("number that is not decimal"),
        DeValue::Datetime(_) => Raw::Other("date"),
        DeValue::Table(_) => Raw::Other("table"),
    }
}

fn read_text(file: &Path) -> io::Result<String> {
    let meta = fs::metadata(file)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    fs::read_to_string(file)
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
