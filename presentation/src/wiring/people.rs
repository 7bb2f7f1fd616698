//! Adapters for who signs in, and for those who are told.

use super::store_failure;
use crate::{
    config::{Oidc, Smtp},
    exit::{Exit, Failure},
    home::Home,
};
use application::{
    identity::IdentityKeys,
    ports::{
        clock::Ids,
        credentials::CredentialStore,
        delivery_store::DeliveryStore,
        key_vault::{Key, KeyVault},
        mailer::Mailer,
        outbound::{Outbound, Reach},
        outside_issuer::OutsideIssuer,
    },
};
use host::SystemClock;
use http_outbound::HttpOutbound;
use identity::{OidcConfig, OidcIssuer};
use mail_smtp::{SmtpConfig, SmtpMailer};
use read_store::{SqliteCredentialStore, SqliteDeliveryStore};
use std::sync::Arc;

/// Whose keys seal credentials and make digests: the installation's.
const CREDENTIALS: uuid::Uuid = uuid::Uuid::from_u128(0x93e1_0b5c_4a7d_4f28_a6d0_2c9e_71f4_835b);
const DIGESTS: uuid::Uuid = uuid::Uuid::from_u128(0xc4f7_8d21_5e0a_4b93_8172_f6a3_0d9c_1e45);

/// Where what lets people in is kept, and the key of digests in it.
pub async fn credential_store(
    home: &Home,
    vault: &dyn KeyVault,
) -> Result<(Arc<dyn CredentialStore>, IdentityKeys), Failure> {
    let (seal, digests) = (installation_key(vault, CREDENTIALS)?, installation_key(vault, DIGESTS)?);
    let store = SqliteCredentialStore::open(&home.credentials(), seal).await;
    let store = store.map_err(|error| store_failure(&home.credentials(), &error))?;
    Ok((Arc::new(store), IdentityKeys::new(*digests.expose())))
}

/// A key of the installation, made at its first use.
pub(super) fn installation_key(vault: &dyn KeyVault, owner: uuid::Uuid) -> Result<Key, Failure> {
    vault.ensure(owner).map_err(|error| Failure::internal(&error))?;
    let key = vault.key(owner).map_err(|error| Failure::internal(&error))?;
    key.ok_or_else(|| {
        Failure::new(Exit::Internal, "a key of this installation was destroyed; bring it back from a backup")
    })
}

/// Where deliveries to webhooks are kept.
pub async fn delivery_store(home: &Home) -> Result<Arc<dyn DeliveryStore>, Failure> {
    let store = SqliteDeliveryStore::open(&home.deliveries()).await;
    Ok(Arc::new(store.map_err(|error| store_failure(&home.deliveries(), &error))?))
}

/// Who asks servers of others.
pub fn outbound() -> Result<Arc<dyn Outbound>, Failure> {
    let name = concat!("dragoman/", env!("CARGO_PKG_VERSION"));
    let outbound = HttpOutbound::try_new(name).map_err(|error| Failure::internal(&error))?;
    Ok(Arc::new(outbound))
}

/// Who sends mail, if anybody does.
pub fn mailer(config: &Smtp, ids: Arc<dyn Ids>) -> Result<Option<Arc<dyn Mailer>>, Failure> {
    let (Some(host), Some(from)) = (&config.host, &config.from) else { return Ok(None) };
    let smtp = SmtpConfig {
        host: host.clone(),
        port: u16::try_from(config.port).unwrap_or(u16::MAX),
        security: config.security,
        user: config.user.clone(),
        password: config.password.as_ref().map(|password| password.expose().to_owned()),
        from: from.clone(),
    };
    let mailer = SmtpMailer::try_new(&smtp, Arc::new(SystemClock), ids);
    let mailer = mailer.map_err(|error| Failure::usage(format!("smtp.from: {error}")))?;
    Ok(Some(Arc::new(mailer)))
}

/// Whose tokens are taken besides our own.
pub fn outside_issuer(config: &Oidc, outbound: &Arc<dyn Outbound>) -> Option<Arc<dyn OutsideIssuer>> {
    let (Some(issuer), Some(audience)) = (&config.issuer, &config.audience) else { return None };
    let config = OidcConfig {
        issuer: issuer.clone(),
        audience: audience.clone(),
        role_claim: config.role_claim.clone(),
        role_map: config.role_map.clone(),
        default_role: config.default_role,
        reach: if config.private { Reach::Anywhere } else { Reach::Public },
    };
    Some(Arc::new(OidcIssuer::new(config, Arc::clone(outbound))))
}
