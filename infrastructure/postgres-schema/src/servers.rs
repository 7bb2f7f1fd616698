//! The servers that an address names, and which of them takes writes.
//!
//! An address may name several, with commas between: `postgres://user@one:5432,two:5432/database`. The first that takes
//! writes is used; when it does so no more, the next one is looked for. So a replica that was promoted is found.

use crate::{
    connect::{connect, connect_options},
    error::ConnectError,
};
use sqlx::{PgConnection, postgres::PgConnectOptions};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Servers, one of which takes writes.
#[derive(Debug)]
pub struct Servers {
    all: Vec<PgConnectOptions>,
    /// Which took writes last.
    current: AtomicUsize,
}

impl Servers {
    /// Those of an address.
    pub fn of(url: &str) -> Result<Self, ConnectError> {
        Self::with(url, &[])
    }

    /// The same, with these settings on every session.
    pub fn with(url: &str, settings: &[(&str, &str)]) -> Result<Self, ConnectError> {
        let options = |url: &String| Ok(connect_options(url)?.options(settings.iter().copied()));
        let all = each(url).iter().map(options).collect::<Result<Vec<_>, ConnectError>>()?;
        Ok(Self { all, current: AtomicUsize::new(0) })
    }

    /// Whether there is more than one.
    pub fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// How to reach the one that took writes last.
    pub fn current(&self) -> Option<&PgConnectOptions> {
        self.all.get(self.current.load(Ordering::Relaxed))
    }

    /// A connection to one that takes writes, or the one sentence that says why there is none.
    pub async fn primary(&self) -> Result<PgConnection, ConnectError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut refusal = ConnectError::OnlyReplicas;
        for place in (first..self.all.len()).chain(0..first) {
            let Some(options) = self.all.get(place) else { continue };
            match writable(options).await {
                Ok(Some(connection)) => {
                    self.current.store(place, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(None) => {}
                // What the first one says is what matters, where there is but one.
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }
}

async fn writable(options: &PgConnectOptions) -> Result<Option<PgConnection>, ConnectError> {
    let mut connection = connect(options).await?;
    let only_reads = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut connection).await;
    let only_reads: bool = only_reads.map_err(|error| ConnectError::of(options, error))?;
    Ok(Some(connection).filter(|_| !only_reads))
}

/// An address for each server that an address names.
fn each(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |end| rest.split_at(end));
    let (user, hosts) = authority.rfind('@').map_or(("", authority), |end| authority.split_at(end + 1));
    hosts.split(',').map(|host| format!("{scheme}://{user}{host}{path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn an_address_may_name_several_servers() {
        assert_eq!(each("postgres://one/films"), ["postgres://one/films"]);
        let both = each("postgres://me:a,b@one:5432,two:5433/films?sslmode=require");
        // A comma in a password has to be written %2C, as every sign that means something in an address.
        assert_eq!(
            both,
            ["postgres://me:a,b@one:5432/films?sslmode=require", "postgres://me:a,b@two:5433/films?sslmode=require"]
        );
        assert_eq!(each("postgres://one,two"), ["postgres://one", "postgres://two"]);
        assert_eq!(each("no address"), ["no address"]);
    }
}
