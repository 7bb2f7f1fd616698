//! Adapters for who signs in, and for those who are told.

use crate::{
    config::{Oidc, Smtp},
    exit::Failure,
};
use application::ports::{
    clock::Ids,
    mailer::Mailer,
    outbound::{Outbound, Reach},
    outside_issuer::OutsideIssuer,
};
use host::SystemClock;
use http_outbound::HttpOutbound;
use identity::{OidcConfig, OidcIssuer};
use mail_smtp::{SmtpConfig, SmtpMailer};
use std::sync::Arc;

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
