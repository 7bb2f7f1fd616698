//! The API without a server: for commands that ask it in their own process while nobody serves the data folder. Nothing is
//! worked on meanwhile.

use super::{
    identity,
    parts::{self, Standing},
    secrets::Secrets,
};
use crate::{
    config::Config,
    exit::Failure,
    home::Home,
    wiring::{App, Engines, Kept, Signing, source_limits},
};
use application::{cluster::Holdings, identity::SecurityTrail};
use axum::Router;
use http_api::router;
use projections::Runner;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The API of a data folder that this process owns.
pub struct Quiet {
    /// What answers.
    pub router: Router,
    /// The folder's token.
    pub token: String,
    projections: Runner,
    kept: Kept,
    trail: Arc<SecurityTrail>,
}

impl Quiet {
    /// Opens the folder, which the caller owns, and brings the read models up to date.
    pub async fn open(home: &Home, config: &Config) -> Result<Self, Failure> {
        let secrets = Secrets::of(home)?;
        let app = App::open(home, Engines::new(home, Signing::default())?, source_limits(&config.limits)).await?;
        // It tells no cache what changed: each command reads before it writes.
        let (projections, kept) = (app.projections.clone(), app.kept.clone());
        projections.catch_up().await.map_err(|error| Failure::internal(&error))?;
        let is_tls = config.http.tls_cert.is_some();
        let scheme = if is_tls { "https" } else { "http" };
        let public_url = identity::public_url(config.http.public_url.as_deref(), scheme, config.http.listen);
        let (holdings, stop) = (Holdings::everything(), CancellationToken::new());
        let standing = Standing { tls: is_tls, public_url, holdings, bus: None, slots: 0, stop };
        let served = parts::serve(app, home, config, &secrets, standing).await?;
        let trail = Arc::clone(&served.api.trail);
        Ok(Self { router: router(served.api), token: secrets.token, projections, kept, trail })
    }

    /// Brings the read models up to date with what was written.
    pub async fn catch_up(&self) -> Result<(), Failure> {
        self.projections.catch_up().await.map(drop).map_err(|error| Failure::internal(&error))
    }

    /// Writes down what the trail still holds.
    pub async fn close(self) -> Result<(), Failure> {
        self.trail.flush().await.map_err(|error| Failure::internal(&error))?;
        self.catch_up().await?;
        self.kept.leave().await;
        Ok(())
    }
}
