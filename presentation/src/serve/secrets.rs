//! The secrets of this installation's API: made at the first start, readable for their owner only.

use crate::{
    exit::{Exit, Failure},
    home::{Home, make_once},
};
use application::ports::clock::Ids;
use host::RandomIds;
use std::{fs, io::ErrorKind, path::Path};

/// What opens the API, and what signs its links.
pub struct Secrets {
    /// The bearer token: 64 hexadecimal digits.
    pub token: String,
    /// The key of signed links.
    pub link_key: [u8; 32],
}

impl Secrets {
    /// Those of this data folder. The caller owns it.
    pub fn of(home: &Home) -> Result<Self, Failure> {
        let token = secret(&home.api_token())?;
        Ok(Self { token: hex::encode(token), link_key: secret(&home.link_key())? })
    }
}

/// Reads 32 bytes, written as hexadecimal digits, or makes them.
fn secret(file: &Path) -> Result<[u8; 32], Failure> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let drawn = format!("{}\n", hex::encode(RandomIds.secret()));
            make_once(file, drawn.as_bytes()).and_then(|()| fs::read_to_string(file))
        }
        read => read,
    };
    let mut bytes = [0; 32];
    let text = text.map_err(|error| unusable(file, &error))?;
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| damaged(file))?;
    Ok(bytes)
}

fn damaged(file: &Path) -> Failure {
    let file = file.display();
    Failure::new(Exit::Internal, format!("{file} is damaged; delete it, and a new secret is made at the next start"))
}

fn unusable(file: &Path, error: &std::io::Error) -> Failure {
    if application::ports::engine::is_out_of_room(error) {
        return Failure::out_of_room();
    }
    Failure::new(
        Exit::Internal,
        format!("{} cannot be used ({}); check the folder that it is in", file.display(), error.kind()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn secrets_are_made_once_and_are_their_owners_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::locate(Some(folder.path().to_owned())).expect("a home");
        let made = Secrets::of(&home).map_err(|failure| failure.message).expect("made");
        let again = Secrets::of(&home).map_err(|failure| failure.message).expect("read");
        assert_eq!((&made.token, made.link_key), (&again.token, again.link_key));
        assert_eq!(made.token.len(), 64);
        assert_ne!(made.token, hex::encode(made.link_key));
        for file in [home.api_token(), home.link_key()] {
            let mode = fs::metadata(file).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(home.api_token(), "short").expect("written");
        assert!(Secrets::of(&home).err().expect("refused").message.contains("delete it"));
    }
}
