//! The port, method by method: what is read, what is written.

use super::{
    CredentialsIn, Keeper, accounts, addresses, keys,
    rotation::{self, Exchange},
    secrets,
    sessions::{self, End},
    tickets,
};
use application::ports::{
    credentials::{
        Claim, CredentialError, CredentialStore, KeyState, NewKey, NewSession, Redeemed, Rotation, Secret,
        SessionState, TicketPurpose, Used,
    },
    passwords::PasswordHash,
};
use async_trait::async_trait;
use domain::value::{AccountId, KeyId, SessionId, Sha256, Timestamp};
use uuid::Uuid;

#[async_trait]
impl<K: Keeper> CredentialStore for CredentialsIn<K> {
    async fn claim_email(&self, digest: &Sha256, account: AccountId) -> Result<Claim, CredentialError> {
        self.keeper
            .write((*digest, account), |file, (digest, account)| Box::pin(accounts::claim(file, *digest, *account)))
            .await
    }

    async fn take_over_email(&self, digest: &Sha256, from: AccountId, to: AccountId) -> Result<bool, CredentialError> {
        self.keeper
            .write((*digest, from, to), |file, (digest, from, to)| {
                Box::pin(accounts::take_over(file, *digest, *from, *to))
            })
            .await
    }

    async fn account_of(&self, digest: &Sha256) -> Result<Option<AccountId>, CredentialError> {
        self.keeper.read(*digest, |file, digest| Box::pin(accounts::owner(file, *digest))).await
    }

    async fn release_emails(&self, account: AccountId) -> Result<(), CredentialError> {
        self.keeper.write(account, |file, account| Box::pin(accounts::release(file, *account))).await
    }

    async fn password(&self, account: AccountId) -> Result<Option<PasswordHash>, CredentialError> {
        self.keeper.read(account, |file, account| Box::pin(accounts::password(file, *account))).await
    }

    async fn set_password(&self, account: AccountId, hash: &PasswordHash) -> Result<(), CredentialError> {
        self.keeper
            .write((account, hash.clone()), |file, (account, hash)| {
                Box::pin(accounts::set_password(file, *account, hash))
            })
            .await
    }

    async fn remove_password(&self, account: AccountId) -> Result<(), CredentialError> {
        self.keeper.write(account, |file, account| Box::pin(accounts::remove_password(file, *account))).await
    }

    async fn put_ticket(
        &self,
        hash: &Sha256,
        account: AccountId,
        purpose: TicketPurpose,
        expires_at: Timestamp,
    ) -> Result<(), CredentialError> {
        self.keeper
            .write((*hash, account, purpose, expires_at), |file, (hash, account, purpose, expires_at)| {
                Box::pin(tickets::put(file, *hash, *account, *purpose, *expires_at))
            })
            .await
    }

    async fn ticket(
        &self,
        hash: &Sha256,
        now: Timestamp,
    ) -> Result<Option<(AccountId, TicketPurpose)>, CredentialError> {
        self.keeper.read((*hash, now), |file, (hash, now)| Box::pin(tickets::find(file, *hash, *now))).await
    }

    async fn redeem_ticket(
        &self,
        hash: &Sha256,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<Option<Redeemed>, CredentialError> {
        self.keeper
            .write((*hash, password.clone(), now), |file, (hash, password, now)| {
                Box::pin(tickets::redeem(file, *hash, password, *now))
            })
            .await
    }

    async fn start_session(&self, session: NewSession) -> Result<(), CredentialError> {
        self.keeper.write(session, |file, session| Box::pin(sessions::start(file, session))).await
    }

    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<SessionState>, CredentialError> {
        self.keeper.read((id, now), |file, (id, now)| Box::pin(sessions::find(file, *id, *now))).await
    }

    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<SessionState>, CredentialError> {
        self.keeper.read((account, now), |file, (account, now)| Box::pin(sessions::live(file, *account, *now))).await
    }

    async fn rotate(
        &self,
        refresh_hash: &Sha256,
        successor_hash: &Sha256,
        now: Timestamp,
        grace_ms: u64,
    ) -> Result<Rotation, CredentialError> {
        let asked = Exchange { token: *refresh_hash, successor: *successor_hash, now, grace_ms };
        self.keeper.write(asked, |file, asked| Box::pin(rotation::exchange(file, asked))).await
    }

    async fn end_session(&self, id: SessionId) -> Result<bool, CredentialError> {
        self.keeper.write(id, |file, id| Box::pin(sessions::end(file, *id, End::Wished))).await
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, CredentialError> {
        self.keeper
            .write((account, except), |file, (account, except)| Box::pin(sessions::end_all(file, *account, *except)))
            .await
    }

    async fn end_by_refresh(&self, refresh_hash: &Sha256) -> Result<Option<(SessionId, AccountId)>, CredentialError> {
        self.keeper.write(*refresh_hash, |file, token| Box::pin(sessions::end_by_token(file, *token))).await
    }

    async fn put_key(&self, key: NewKey) -> Result<bool, CredentialError> {
        self.keeper.write(key, |file, key| Box::pin(keys::put(file, key))).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<KeyState>, CredentialError> {
        self.keeper.read(id, |file, id| Box::pin(keys::find(file, *id))).await
    }

    async fn keys(&self, account: AccountId) -> Result<Vec<KeyState>, CredentialError> {
        self.keeper.read(account, |file, account| Box::pin(keys::of_account(file, *account))).await
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, CredentialError> {
        self.keeper.write(id, |file, id| Box::pin(keys::revoke(file, *id))).await
    }

    async fn revoke_keys(&self, account: AccountId) -> Result<Vec<KeyId>, CredentialError> {
        self.keeper.write(account, |file, account| Box::pin(keys::revoke_all(file, *account))).await
    }

    async fn note_use(&self, used: Used) -> Result<bool, CredentialError> {
        if self.keeper.read(used, |file, used| Box::pin(addresses::is_old_news(file, used))).await? {
            return Ok(false);
        }
        self.keeper.write(used, |file, used| Box::pin(addresses::note_use(file, used))).await
    }

    async fn note_sign_in(
        &self,
        account: AccountId,
        address_digest: &Sha256,
        now: Timestamp,
    ) -> Result<bool, CredentialError> {
        self.keeper
            .write((account, *address_digest, now), |file, (account, address, now)| {
                Box::pin(addresses::note_sign_in(file, *account, *address, *now))
            })
            .await
    }

    async fn knows_address(&self, account: AccountId, address_digest: &Sha256) -> Result<bool, CredentialError> {
        self.keeper
            .read((account, *address_digest), |file, (account, address)| {
                Box::pin(addresses::knows(file, account.0, *address))
            })
            .await
    }

    async fn put_secret(&self, owner: Uuid, name: &str, plain: &[u8]) -> Result<(), CredentialError> {
        let sealed = secrets::sealed(&self.seal, owner, name, plain)?;
        self.keeper
            .write((owner, name.to_owned(), sealed), |file, (owner, name, sealed)| {
                Box::pin(secrets::put(file, *owner, name, sealed))
            })
            .await
    }

    async fn secret(&self, owner: Uuid, name: &str) -> Result<Option<Secret>, CredentialError> {
        let found = self
            .keeper
            .read((owner, name.to_owned()), |file, (owner, name)| Box::pin(secrets::find(file, *owner, name)))
            .await?;
        found.map(|sealed| secrets::opened(&self.seal, owner, name, &sealed)).transpose()
    }

    async fn secrets(&self, owner: Uuid) -> Result<Vec<(String, Secret)>, CredentialError> {
        let found = self.keeper.read(owner, |file, owner| Box::pin(secrets::of_owner(file, *owner))).await?;
        let opened = found.into_iter().map(|(name, sealed)| {
            let secret = secrets::opened(&self.seal, owner, &name, &sealed)?;
            Ok((name, secret))
        });
        opened.collect()
    }

    async fn remove_secret(&self, owner: Uuid, name: &str) -> Result<bool, CredentialError> {
        self.keeper
            .write((owner, name.to_owned()), |file, (owner, name)| Box::pin(secrets::remove(file, *owner, name)))
            .await
    }

    async fn remove_secrets(&self, owner: Uuid) -> Result<(), CredentialError> {
        self.keeper.write(owner, |file, owner| Box::pin(secrets::remove_all(file, *owner))).await
    }

    async fn use_step(&self, account: AccountId, step: u64) -> Result<bool, CredentialError> {
        self.keeper
            .write((account, step), |file, (account, step)| Box::pin(accounts::use_step(file, *account, *step)))
            .await
    }

    async fn forget(&self, account: AccountId) -> Result<(), CredentialError> {
        self.keeper.write(account, |file, account| Box::pin(accounts::forget(file, *account))).await
    }
}
