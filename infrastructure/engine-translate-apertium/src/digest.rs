//! Names the linguistic data: a digest over the modes and the files that they use, so that a result
//! remembered under an older dictionary is not taken for one of the newer.

use domain::value::Sha256;
use sha2::Digest;
use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::modes::Mode;

/// Digest over name and content of each mode, and of each file that a mode names in quotes, sorted.
/// Files are read in pieces. Data that is named but missing counts as empty: the run will say so.
pub fn of_data(data_folder: &Path, modes: &[Mode]) -> io::Result<Sha256> {
    let mut digest = sha2::Sha256::new();
    let mut files = BTreeSet::new();
    for mode in modes {
        let text = std::fs::read_to_string(data_folder.join("modes").join(format!("{}.mode", mode.name)))?;
        add(&mut digest, mode.name.as_bytes(), &mut text.as_bytes())?;
        files.extend(quoted_paths(&text));
    }
    for path in files {
        match std::fs::File::open(&path) {
            Ok(mut file) => add(&mut digest, path.as_os_str().as_encoded_bytes(), &mut file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                add(&mut digest, path.as_os_str().as_encoded_bytes(), &mut io::empty())?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Sha256::new(digest.finalize().into()))
}

/// Adds a name and a content, each closed by its length, so that neither can pass for the other.
fn add(digest: &mut sha2::Sha256, name: &[u8], content: &mut dyn Read) -> io::Result<()> {
    digest.update(name);
    digest.update((name.len() as u64).to_le_bytes());
    let mut buffer = vec![0; 64 << 10];
    let mut length = 0_u64;
    loop {
        let read = content.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        length += read as u64;
    }
    digest.update(length.to_le_bytes());
    Ok(())
}

/// The absolute paths that a mode file names between single quotes.
fn quoted_paths(mode: &str) -> impl Iterator<Item = PathBuf> {
    mode.split('\'').skip(1).step_by(2).filter(|path| path.starts_with('/')).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_the_data() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("a.bin");
        std::fs::create_dir(folder.path().join("modes")).expect("made");
        std::fs::write(folder.path().join("modes/eng-spa.mode"), format!("lt-proc '{}'", data.display()))
            .expect("written");
        let modes = [Mode::parse("eng-spa").expect("a mode")];
        let digest = || of_data(folder.path(), &modes).expect("a digest");

        let missing = digest();
        std::fs::write(&data, "one").expect("written");
        let first = digest();
        std::fs::write(&data, "two").expect("written");
        let second = digest();

        assert_ne!(missing, first);
        assert_ne!(first, second);
        std::fs::write(&data, "one").expect("written");
        assert_eq!(digest(), first);
    }
}
