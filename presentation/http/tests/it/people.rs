//! People who sign in: what tests need of them.

use crate::kit::Server;
use application::{
    aggregates::{Aggregates, CommandMeta},
    identity::{Identity, IdentityKeys, IdentityParts, IdentitySettings, NewAccount, SecurityTrail, SignIn, Whence},
    ports::{
        clock::Ids, event_log::Tenant, key_vault::Key, mailer::Mailer, outside_issuer::OutsideIssuer,
        read_store::ReadStore,
    },
    testing::ManualClock,
};
use domain::value::{AccountId, Role};
use host::RandomIds;
use identity::{Argon2Passwords, JwtAccessTokens, TotpSecondFactor};
use projections::account_index::AccountRows;
use read_store::SqliteCredentialStore;
use std::{path::Path, sync::Arc};

pub const ISSUER: &str = "https://dub.example";
pub const PASSWORD: &str = "seven crates of lemons";
/// The tenant that is not the first one.
pub const OTHER: &str = "01980000-0000-7000-8000-00000000ffff";

/// What is different about signing in, in a test.
#[derive(Clone, Default)]
pub struct People {
    pub settings: IdentitySettings,
    pub mailer: Option<Arc<dyn Mailer>>,
    pub outside: Option<Arc<dyn OutsideIssuer>>,
}

impl People {
    pub async fn identity(
        &self,
        folder: &Path,
        aggregates: Arc<Aggregates>,
        read_store: Arc<dyn ReadStore>,
        clock: Arc<ManualClock>,
    ) -> Arc<Identity> {
        let file = folder.join("credentials.db");
        let credentials = SqliteCredentialStore::open(&file, Key::new([3; 32]));
        let ids = Arc::new(RandomIds);
        let trail = SecurityTrail::new(aggregates.clone(), clock.clone(), ids.clone());
        let identity = Identity::new(IdentityParts {
            aggregates,
            index: Arc::new(AccountRows::new(read_store)),
            credentials: Arc::new(credentials.await.expect("a store of credentials")),
            passwords: Arc::new(Argon2Passwords::new(2, 1_000, ids.clone())),
            tokens: Arc::new(JwtAccessTokens::new(ISSUER.to_owned(), ISSUER.to_owned(), self.settings.keys, vec![])),
            second_factor: Arc::new(TotpSecondFactor::new(ids.clone())),
            outside: self.outside.clone().map(|issuer| (issuer, Tenant::default())),
            mailer: self.mailer.clone(),
            trail: Arc::new(trail),
            clock,
            ids,
            keys: IdentityKeys::new([4; 32]),
            operator: None,
            settings: self.settings.clone(),
        });
        identity.look_after_keys().await.expect("a key");
        Arc::new(identity)
    }
}

/// Somebody who has an account, and a password that is [`PASSWORD`].
#[derive(Clone)]
pub struct Person {
    pub id: AccountId,
    pub email: String,
}

impl Server {
    /// Somebody with this role, in this tenant.
    pub async fn person(&self, tenant: &str, role: Role) -> Person {
        let id = AccountId(self.api.ids.next());
        let email = format!("{role}.{}@example.org", id.0.simple());
        let new = NewAccount { id, email: email.parse().expect("an address"), name: "Ana".to_owned(), role };
        let meta = CommandMeta::given(Tenant(tenant.to_owned()), "api", RandomIds.next());
        let invited = self.api.identity.invite(new, &meta).await.expect("invited");
        let link = invited.link.expect("a link");
        let ticket = link.split_once('#').expect("a ticket").1;
        self.api.identity.redeem(ticket, PASSWORD).await.expect("a password");
        self.catch_up().await;
        Person { id, email }
    }

    /// An access token of somebody.
    pub async fn sign_in(&self, person: &Person) -> String {
        let email = person.email.parse().expect("an address");
        let sign_in = SignIn { email, password: PASSWORD.to_owned(), code: None, client: None };
        self.api.identity.sign_in(&sign_in, &Whence::default()).await.expect("signed in").access_token
    }

    /// An access token of somebody new with this role, in this tenant.
    pub async fn token(&self, tenant: &str, role: Role) -> String {
        self.sign_in(&self.person(tenant, role).await).await
    }
}
