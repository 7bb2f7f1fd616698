//! What is kept beside the log and cannot be folded from it: credentials, requests, deliveries, and memos. In files of the data
//! folder, or, where the log is on PostgreSQL, in its database, so that several processes may share it.

use super::{
    store_failure,
    stores::{shared_store_failure, shared_store_failure_at},
};
use crate::{
    exit::{Exit, Failure},
    home::{Home, LogPlace},
};
use application::{
    identity::IdentityKeys,
    ports::{
        clock::Ids,
        credentials::CredentialStore,
        delivery_store::DeliveryStore,
        key_vault::{Key, KeyVault},
        memo_store::MemoStore,
        request_store::RequestStore,
    },
};
use host::SystemClock;
use read_store::{
    KeptCopyError, KeptFiles, PostgresCredentialStore, PostgresDeliveryStore, PostgresMemoStore, PostgresRequestStore,
    SharedDatabase, SqliteCredentialStore, SqliteDeliveryStore, SqliteMemoStore, SqliteRequestStore,
};
use std::sync::Arc;
use uuid::Uuid;

/// Whose keys seal credentials, make digests and seal the answers kept for repeated requests: the installation's.
const CREDENTIALS: Uuid = Uuid::from_u128(0x93e1_0b5c_4a7d_4f28_a6d0_2c9e_71f4_835b);
const DIGESTS: Uuid = Uuid::from_u128(0xc4f7_8d21_5e0a_4b93_8172_f6a3_0d9c_1e45);
const REQUESTS: Uuid = Uuid::from_u128(0x4d1c_77a0_52f9_4c36_9b0e_6a85_13d2_f04b);

/// Where it is kept.
#[derive(Clone)]
pub struct Kept {
    home: Home,
    /// The database, if it is not in files of the data folder.
    database: Option<SharedDatabase>,
}

impl Kept {
    /// Where the configuration says. What an installation had in its data folder before goes along to the database.
    pub async fn open(home: &Home, ids: &dyn Ids) -> Result<Self, Failure> {
        let LogPlace::Postgres { url, .. } = home.log_place() else {
            return Ok(Self { home: home.clone(), database: None });
        };
        let database = SharedDatabase::connect(url.expose(), ids.next()).await;
        let database = database.map_err(|error| shared_store_failure(&error))?;
        let taken = database.take_over(&files(home)).await.map_err(|error| kept_failure("log.url", home, &error))?;
        if let Some(taken) = taken {
            let (accounts, deliveries) = (taken.accounts, taken.deliveries);
            tracing::info!(
                accounts,
                deliveries,
                "accounts and deliveries were brought from the data folder to the log's database; credentials.db and \
                 webhooks.db are not used any more"
            );
        }
        Ok(Self { home: home.clone(), database: Some(database) })
    }

    /// What lets people in, and the key of digests in it.
    pub async fn credentials(&self, vault: &dyn KeyVault) -> Result<(Arc<dyn CredentialStore>, IdentityKeys), Failure> {
        let (seal, digests) = (installation_key(vault, CREDENTIALS)?, installation_key(vault, DIGESTS)?);
        let keys = IdentityKeys::new(*digests.expose());
        if let Some(database) = self.database.clone() {
            return Ok((Arc::new(PostgresCredentialStore::new(database, seal)), keys));
        }
        let path = self.home.credentials();
        let store = SqliteCredentialStore::open(&path, seal).await;
        Ok((Arc::new(store.map_err(|error| store_failure(&path, &error))?), keys))
    }

    /// Deliveries to webhooks.
    pub async fn deliveries(&self) -> Result<Arc<dyn DeliveryStore>, Failure> {
        if let Some(database) = self.database.clone() {
            return Ok(Arc::new(PostgresDeliveryStore::new(database)));
        }
        let path = self.home.deliveries();
        let store = SqliteDeliveryStore::open(&path).await;
        Ok(Arc::new(store.map_err(|error| store_failure(&path, &error))?))
    }

    /// Requests by their idempotency keys.
    pub async fn requests(&self, vault: &dyn KeyVault, ids: Arc<dyn Ids>) -> Result<Arc<dyn RequestStore>, Failure> {
        let (seal, clock) = (installation_key(vault, REQUESTS)?, Arc::new(SystemClock));
        if let Some(database) = self.database.clone() {
            return Ok(Arc::new(PostgresRequestStore::new(database, clock, ids, seal)));
        }
        let path = self.home.requests();
        let store = SqliteRequestStore::open(&path, clock, ids, seal).await;
        Ok(Arc::new(store.map_err(|error| store_failure(&path, &error))?))
    }

    /// Results by what they depend on.
    pub async fn memos(&self, vault: Arc<dyn KeyVault>) -> Result<Arc<dyn MemoStore>, Failure> {
        if let Some(database) = self.database.clone() {
            return Ok(Arc::new(PostgresMemoStore::new(database, vault)));
        }
        let path = self.home.memos();
        let store = SqliteMemoStore::open(&path, vault).await;
        Ok(Arc::new(store.map_err(|error| store_failure(&path, &error))?))
    }

    /// Says that this process is at work no more. Without that, what it had in hand is taken up a while later.
    pub async fn leave(&self) {
        if let Some(database) = &self.database {
            database.close().await;
        }
    }
}

/// Where a data folder keeps accounts and deliveries.
pub(super) fn files(home: &Home) -> KeptFiles {
    KeptFiles { credentials: home.credentials(), deliveries: home.deliveries() }
}

/// Why accounts and deliveries could not be copied to the place that this key or option names.
pub(super) fn kept_failure(key: &str, home: &Home, error: &KeptCopyError) -> Failure {
    match error {
        KeptCopyError::File(error) => store_failure(home.root(), error),
        KeptCopyError::Database(error) => shared_store_failure_at(key, error),
        KeptCopyError::InUse { .. } => Failure::usage(format!("{key}: {error}")),
    }
}

/// A key of the installation, made at its first use.
fn installation_key(vault: &dyn KeyVault, owner: Uuid) -> Result<Key, Failure> {
    vault.ensure(owner).map_err(|error| Failure::internal(&error))?;
    let key = vault.key(owner).map_err(|error| Failure::internal(&error))?;
    key.ok_or_else(|| {
        Failure::new(Exit::Internal, "a key of this installation was destroyed; bring it back from a backup")
    })
}
