//! The model's files: whether they are there, and the digest over them and the settings they are used with.

use crate::command::SETTINGS;
use application::ports::engine::EngineError;
use domain::value;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The acoustic model's folder.
pub(crate) const HMM: &str = "en-us";
/// The language model.
pub(crate) const LANGUAGE_MODEL: &str = "en-us.lm.bin";
/// The pronunciations.
pub(crate) const DICTIONARY: &str = "cmudict-en-us.dict";

/// Refuses a folder in which a part of the model is missing.
pub(crate) fn require(model: &Path) -> Result<(), EngineError> {
    let whole = model.join(HMM).join("mdef").is_file()
        && model.join(LANGUAGE_MODEL).is_file()
        && model.join(DICTIONARY).is_file();
    if whole { Ok(()) } else { Err(missing()) }
}

/// SHA-256 over the settings and every file of the model, each with its name and length before its bytes.
pub(crate) fn digest(model: &Path) -> Result<value::Sha256, EngineError> {
    digest_files(model).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing(),
        _ => EngineError::from_io("read the speech model", &error),
    })
}

fn digest_files(model: &Path) -> io::Result<value::Sha256> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(model.join(HMM))? {
        files.push(Path::new(HMM).join(entry?.file_name()));
    }
    files.sort();
    files.extend([PathBuf::from(LANGUAGE_MODEL), PathBuf::from(DICTIONARY)]);
    let mut hash = Sha256::new();
    hash.update(SETTINGS.join(" "));
    let mut buffer = vec![0; 64 << 10];
    for name in files {
        let mut file = File::open(model.join(&name))?;
        hash.update(format!("\n{} {}\n", name.display(), file.metadata()?.len()));
        loop {
            let filled = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..filled).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
        }
    }
    Ok(value::Sha256::new(hash.finalize().into()))
}

fn missing() -> EngineError {
    EngineError::Missing { engine: "the speech model en-us".to_owned(), package: "pocketsphinx-en-us".to_owned() }
}
