//! Passwords with Argon2id.

mod turns;
mod weakness;

#[cfg(test)]
mod tests;

use self::turns::Turns;
use application::ports::{
    clock::Ids,
    passwords::{PasswordError, PasswordHash, Passwords, Verdict},
};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, SaltString},
};
use async_trait::async_trait;
use std::sync::Arc;

/// Figures of the OWASP Password Storage Cheat Sheet for Argon2id: 19 MiB, two passes, one lane.
/// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id>
pub const MEMORY_KIB: u32 = 19 * 1024;
/// See [`MEMORY_KIB`].
pub const PASSES: u32 = 2;
/// See [`MEMORY_KIB`].
pub const LANES: u32 = 1;

/// Bytes of a salt: what RFC 9106, section 3.1, recommends for passwords.
const SALT_BYTES: usize = 16;

/// Hashes with Argon2id on threads of their own, a few at a time.
pub struct Argon2Passwords {
    turns: Turns,
    ids: Arc<dyn Ids>,
}

impl Argon2Passwords {
    /// At most `at_once` hashes are made at the same time (at least one, each takes 19 MiB and a core for some tens of
    /// milliseconds); at most `waiting_max` more may wait, whoever comes then hears [`PasswordError::Busy`] at once.
    pub fn new(at_once: usize, waiting_max: usize, ids: Arc<dyn Ids>) -> Self {
        Self { turns: Turns::new(at_once, waiting_max), ids }
    }

    fn salt(&self) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        salt.iter_mut().zip(self.ids.secret()).for_each(|(byte, random)| *byte = random);
        salt
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        let (password, salt) = (password.to_owned(), self.salt());
        self.turns.run(move || hashed(&password, &salt)).await?
    }

    async fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<Verdict, PasswordError> {
        let password = password.to_owned();
        match hash.cloned() {
            Some(hash) => self.turns.run(move || verdict(&password, &hash)).await?,
            None => {
                // To verify is to hash and to compare: this takes as long.
                let salt = self.salt();
                self.turns.run(move || hashed(&password, &salt)).await?.map(|_| Verdict::Wrong)
            }
        }
    }

    fn weakness(&self, password: &str, about: &[&str]) -> Option<String> {
        weakness::weakness(password, about).map(str::to_owned)
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hashed(password: &str, salt: &[u8]) -> Result<PasswordHash, PasswordError> {
    let salt = SaltString::encode_b64(salt).map_err(|error| failed(&error))?;
    let hash = argon2()?.hash_password(password.as_bytes(), &salt).map_err(|error| failed(&error))?;
    Ok(PasswordHash::new(hash.to_string()))
}

fn verdict(password: &str, hash: &PasswordHash) -> Result<Verdict, PasswordError> {
    let argon2 = argon2()?;
    let hash = password_hash::PasswordHash::new(hash.expose()).map_err(|error| failed(&error))?;
    // The library says of such a hash, at once, that the password is wrong.
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(failed(&"the stored hash is cut off"));
    }
    match argon2.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(Verdict::Right { needs_rehash: needs_rehash(&hash)? }),
        Err(password_hash::Error::Password) => Ok(Verdict::Wrong),
        Err(error) => Err(failed(&error)),
    }
}

/// Whether the hash was made otherwise than hashes are made now.
fn needs_rehash(hash: &password_hash::PasswordHash<'_>) -> Result<bool, PasswordError> {
    let params = Params::try_from(hash).map_err(|error| failed(&error))?;
    let is_ours = hash.algorithm == argon2::ARGON2ID_IDENT
        && hash.version == Some(Version::V0x13.into())
        && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES);
    Ok(!is_ours)
}

/// The errors of these crates are no `std` errors here; their messages hold neither password nor hash.
fn failed(error: &dyn std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string().into())
}
