//! The keys that sign access tokens: made, published, used, retired, without logging anybody out.

use super::{Identity, IdentityError};
use crate::ports::access_tokens::{SigningKey, rotation};
use domain::value::Timestamp;
use uuid::Uuid;

/// Whose secrets they are: the installation's.
const OWNER: Uuid = Uuid::from_u128(0x5a9d_03e7_6b18_4cf2_9b45_e07d_8c21_f6a3);

impl Identity {
    /// Loads the keys, makes one where one is due, retires those that have nothing left to verify. To be called before the
    /// first token is asked for, and now and then.
    pub async fn look_after_keys(&self) -> Result<(), IdentityError> {
        let now = self.parts.clock.now();
        let mut keys = Vec::new();
        for (name, secret) in self.parts.credentials.secrets(OWNER).await? {
            if let (Some((made_at, kid)), Ok(seed)) = (parse(&name), secret.expose().try_into()) {
                keys.push(SigningKey::new(kid, seed, made_at));
            }
        }
        let owed = rotation(&keys, now, &self.parts.settings.keys);
        if owed.make {
            let key = self.parts.tokens.make_key(self.parts.ids.secret(), now);
            self.parts.credentials.put_secret(OWNER, &name(&key), key.expose()).await?;
            keys.push(key);
        }
        for key in keys.extract_if(.., |key| owed.retire.contains(&key.kid)) {
            self.parts.credentials.remove_secret(OWNER, &name(&key)).await?;
        }
        self.parts.tokens.set_keys(keys);
        Ok(())
    }
}

/// The name of a key's secret: when it was made, and its id.
fn name(key: &SigningKey) -> String {
    format!("{} {}", key.made_at, key.kid)
}

fn parse(name: &str) -> Option<(Timestamp, String)> {
    let (made_at, kid) = name.split_once(' ')?;
    Some((made_at.parse().ok()?, kid.to_owned()))
}
