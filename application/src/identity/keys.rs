//! Keys for programs: `dgk_`, the key's id, `_`, its secret. Of the secret only a digest is kept: it is drawn from 256 random
//! bits, so that nobody can guess it and hashing it slowly would gain nothing.

use super::{Identity, IdentityError, digest, stream};
use crate::{
    aggregates::CommandMeta,
    ports::{
        credentials::{KeyState, NewKey as KeptKey},
        event_log::Appended,
    },
    principal::Principal,
};
use domain::{
    account::{Account, AccountCommand, NewKey},
    value::{AccountId, KeyId, Personal, Scope, Sha256, Timestamp},
};
use uuid::Uuid;

/// A key to be.
#[derive(Clone, Debug)]
pub struct KeyOrder {
    /// Its id.
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// From when on it is not valid any more.
    pub expires_at: Option<Timestamp>,
}

/// A key that was made, with its secret: it is shown once.
pub struct MadeKey {
    /// The key, as it is shown to the server.
    pub token: String,
    /// Where the log holds it; `None` when it was made before.
    pub appended: Option<Appended>,
}

/// A key, as it is shown to the server.
pub(super) struct KeyToken {
    pub id: KeyId,
    pub secret_hash: Sha256,
}

impl KeyToken {
    /// Takes the text apart.
    pub fn read(token: &str) -> Option<Self> {
        let (id, secret) = token.strip_prefix(digest::KEY)?.split_once('_')?;
        let is_sound = id.len() == 32 && secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = KeyId(Uuid::try_parse(id).ok().filter(|_| is_sound)?);
        Some(Self { id, secret_hash: digest::kept(secret) })
    }
}

impl Identity {
    /// Makes a key of an account. Whoever makes it needs each scope that it is to have.
    pub async fn make_key(
        &self,
        account: AccountId,
        by: &Principal,
        order: KeyOrder,
        meta: &CommandMeta,
    ) -> Result<MadeKey, IdentityError> {
        if by.scopes.as_ref().is_some_and(|own| order.scopes.iter().any(|scope| !own.contains(scope))) {
            return Err(IdentityError::TooMuchScope);
        }
        let loaded = self.parts.aggregates.account(account).await?;
        let tenant = loaded.tenant.filter(|tenant| *tenant == by.tenant).ok_or(IdentityError::NotFound)?;
        let secret = Sha256::new(self.parts.ids.secret()).to_string();
        let KeyOrder { id, name, scopes, expires_at } = order;
        let kept = KeptKey {
            id,
            account,
            tenant,
            secret_hash: digest::kept(&secret),
            scopes: scopes.clone(),
            expires_at,
            now: self.parts.clock.now(),
        };
        if !self.parts.credentials.put_key(kept).await? {
            // Whoever repeats this has not got the secret: the key is worth nothing to them, and is made under another id.
            return Err(IdentityError::NotFound);
        }
        let command = AccountCommand::CreateKey(NewKey { key: id, name: Personal::new(name), scopes, expires_at });
        let appended = self.parts.aggregates.execute::<Account>(&stream(account), command, meta).await?;
        Ok(MadeKey { token: format!("{}{}_{secret}", digest::KEY, id.0.simple()), appended })
    }

    /// Revokes a key of an account. It ends at once, also for who listens with it.
    pub async fn revoke_key(
        &self,
        account: AccountId,
        key: KeyId,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, IdentityError> {
        self.parts.credentials.revoke_key(key).await?;
        self.verified.take_back(account);
        let command = AccountCommand::RevokeKey(key);
        let revoked = self.parts.aggregates.execute::<Account>(&stream(account), command, meta).await?;
        self.verified.take_back(account);
        Ok(revoked)
    }

    /// When the keys of an account were used, newest key first.
    pub async fn key_uses(&self, account: AccountId) -> Result<Vec<KeyState>, IdentityError> {
        Ok(self.parts.credentials.keys(account).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_nothing_else_is_one() {
        let (id, secret) = (Uuid::from_u128(7), "ab".repeat(32));
        let token = format!("dgk_{}_{secret}", id.simple());
        let read = KeyToken::read(&token).expect("a key");
        assert_eq!((read.id, read.secret_hash), (KeyId(id), digest::kept(&secret)));
        for other in [
            "",
            "dgk_",
            "dgk__",
            &token[1..],
            &token[..token.len() - 1],
            &format!("{token}0"),
            &token.replace('b', "g"),
        ] {
            assert!(KeyToken::read(other).is_none(), "{other}");
        }
    }
}
