//! From a name to the addresses that are connected to.

use crate::reach::is_public;
use application::ports::outbound::Reach;
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use thiserror::Error;

/// Tells the addresses of a name.
#[async_trait]
pub(crate) trait Lookup: Send + Sync {
    /// All of them.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the operating system.
pub(crate) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Why a name gives nothing to connect to.
#[derive(Debug, Error)]
pub(crate) enum LookupError {
    /// It has no address.
    #[error("the name cannot be resolved")]
    Unresolved,
    /// One of its addresses is not public.
    #[error("the name has an address that is not public")]
    Forbidden,
}

/// Looks names up for connections, and refuses those that lead where they may not.
pub(crate) struct CheckedResolver {
    /// Who knows the addresses.
    pub lookup: Arc<dyn Lookup>,
    /// Which of them are allowed.
    pub reach: Reach,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, reach) = (Arc::clone(&self.lookup), self.reach);
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await.map_err(|_| LookupError::Unresolved)?;
            let checked = checked(found, reach)?;
            let addresses: Addrs = Box::new(checked.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// The addresses, if each of them is allowed: a name with both kinds is up to no good.
pub(crate) fn checked(found: Vec<IpAddr>, reach: Reach) -> Result<Vec<IpAddr>, LookupError> {
    if found.is_empty() {
        return Err(LookupError::Unresolved);
    }
    let is_allowed = match reach {
        Reach::Public => found.iter().all(|address| is_public(*address)),
        Reach::Anywhere => true,
    };
    if is_allowed { Ok(found) } else { Err(LookupError::Forbidden) }
}
