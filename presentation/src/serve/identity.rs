//! Who is who: the parts of signing in, the first start, and what sees to both beside the requests.

use super::secrets::Secrets;
use crate::{
    config::{Auth, Config},
    exit::{Exit, Failure},
    wiring::{App, mailer, outbound, outside_issuer},
};
use application::{
    aggregates::sha256,
    causes::with_causes,
    crew::Beside,
    identity::{FirstAdmin, Identity, IdentityError, IdentityParts, IdentitySettings, SecurityTrail},
    ports::{access_tokens::KeyPolicy, event_log::Tenant},
};
use domain::security::SecurityEvent;
use host::SystemClock;
use identity::{Argon2Passwords, JwtAccessTokens, TotpSecondFactor};
use projections::account_index::AccountRows;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use uuid::Uuid;

/// Between two looks at the keys of tokens.
const KEYS_EVERY: Duration = Duration::from_secs(3_600);
/// People whose passwords may wait to be checked. At some 30 ms each, whoever is last waits as long as an answer may take.
const PASSWORDS_WAITING_MAX: usize = 512;
/// Whose secret it is which configuration was seen last: the installation's.
const SEEN: Uuid = Uuid::from_u128(0x1d72_4c9a_ee05_4b36_92f8_50b7_a3c1_6e8d);

/// Puts the parts together, and makes what the first start makes.
pub async fn identity(
    app: &App,
    config: &Config,
    secrets: &Secrets,
    public_url: String,
) -> Result<Arc<Identity>, Failure> {
    let (credentials, keys) = app.kept.credentials(&*app.vault).await?;
    let settings = settings(&config.auth, public_url);
    let (issuer, policy) = (settings.public_url.clone(), settings.keys);
    let outside = outside_issuer(&config.oidc, &outbound()?).map(|issuer| (issuer, Tenant::default()));
    let trail = SecurityTrail::new(Arc::clone(&app.aggregates), Arc::new(SystemClock), Arc::clone(&app.ids));
    let identity = Identity::new(IdentityParts {
        aggregates: Arc::clone(&app.aggregates),
        index: Arc::new(AccountRows::new(Arc::clone(&app.read_store))),
        credentials,
        passwords: Arc::new(Argon2Passwords::new(
            at_once(&config.auth, app.cores),
            PASSWORDS_WAITING_MAX,
            Arc::clone(&app.ids),
        )),
        tokens: Arc::new(JwtAccessTokens::new(issuer.clone(), issuer, policy, vec![])),
        second_factor: Arc::new(TotpSecondFactor::new(Arc::clone(&app.ids))),
        outside,
        mailer: mailer(&config.smtp, Arc::clone(&app.ids))?,
        trail: Arc::new(trail),
        clock: Arc::new(SystemClock),
        ids: Arc::clone(&app.ids),
        keys,
        operator: Some(*sha256(secrets.token.as_bytes()).as_bytes()),
        settings,
    });
    identity.look_after_keys().await.map_err(|error| Failure::internal(&error))?;
    Ok(Arc::new(identity))
}

/// The first tenant and its admin, where there is none. What is to be told to who runs the server: with which link the
/// admin chooses a password.
pub async fn first_start(identity: &Identity, config: &Auth) -> Result<Option<String>, Failure> {
    let admin = FirstAdmin {
        email: config.admin_email.clone(),
        password: config.admin_password.as_ref().map(|password| password.expose().to_owned()),
    };
    match identity.first_start(&admin).await {
        Ok(None) => Ok(None),
        Ok(Some((email, link))) => Ok(Some(format!("choose a password for {}: {link}", email.as_str()))),
        Err(IdentityError::Weak(why)) => Err(Failure::usage(format!("auth.admin_password: {why}"))),
        Err(error) => Err(Failure::internal(&error)),
    }
}

/// Tells the trail when the server runs with another configuration than the last time: which keys, never which values.
pub async fn tell_configuration(identity: &Identity, values: &[(&'static str, String)]) -> Result<(), Failure> {
    let fail = |error: &(dyn std::error::Error + 'static)| Failure::internal(error);
    let now: BTreeMap<&str, String> =
        values.iter().map(|(key, value)| (*key, sha256(value.as_bytes()).to_string())).collect();
    let text = serde_json::to_string(&now).map_err(|error| fail(&error))?;
    let credentials = identity.credentials();
    let seen = credentials.secret(SEEN, "configuration").await.map_err(|error| fail(&error))?;
    if seen.as_ref().is_some_and(|seen| seen.expose() == text.as_bytes()) {
        return Ok(());
    }
    let before: BTreeMap<String, String> =
        seen.and_then(|seen| serde_json::from_slice(seen.expose()).ok()).unwrap_or_default();
    let differs = |key: &str| before.get(key) != now.get(key);
    let names = now.keys().copied().chain(before.keys().map(String::as_str));
    let mut keys: Vec<String> = names.filter(|key| differs(key)).map(str::to_owned).collect();
    keys.sort_unstable();
    keys.dedup();
    let event = SecurityEvent::ConfigurationChanged { keys, digest: sha256(text.as_bytes()) };
    identity.trail().record(&Tenant::default(), event).await.map_err(|error| fail(&error))?;
    credentials.put_secret(SEEN, "configuration", text.as_bytes()).await.map_err(|error| fail(&error))
}

/// What runs beside the crew: the trail is written, what other nodes end is over here, keys of tokens come and go.
pub fn beside(identity: &Arc<Identity>) -> [Beside; 3] {
    let trail = Arc::clone(identity.trail());
    let writing = Beside::new("security trail", move || {
        let trail = Arc::clone(&trail);
        async move { with_causes(&trail.keep_on().await) }
    });
    let heeding = Arc::clone(identity);
    let heeding = Beside::new("what ends elsewhere", move || {
        let identity = Arc::clone(&heeding);
        async move { with_causes(&identity.heed_the_log().await) }
    });
    let identity = Arc::clone(identity);
    let rotating = Beside::new("keys of tokens", move || {
        let identity = Arc::clone(&identity);
        async move {
            loop {
                tokio::time::sleep(KEYS_EVERY).await;
                if let Err(error) = identity.look_after_keys().await {
                    return with_causes(&error);
                }
            }
        }
    });
    [writing, heeding, rotating]
}

fn settings(config: &Auth, public_url: String) -> IdentitySettings {
    let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    IdentitySettings {
        keys: KeyPolicy { token_ms: ms(config.access_token_lifetime), ..KeyPolicy::default() },
        session_idle_ms: ms(config.session_idle),
        session_max_ms: ms(config.session_max),
        admins_need_second_factor: config.second_factor_for_admins,
        public_url,
        ..IdentitySettings::default()
    }
}

/// Passwords that are checked at a time: engines need the cores, too.
fn at_once(config: &Auth, cores: usize) -> usize {
    match config.passwords_at_once {
        0 => (cores / 2).max(1),
        chosen => usize::try_from(chosen).unwrap_or(1),
    }
}

/// Where the server is found, unless it is configured.
pub fn public_url(configured: Option<&str>, scheme: &str, address: std::net::SocketAddr) -> String {
    configured.map_or_else(|| format!("{scheme}://{address}"), str::to_owned)
}

/// The outside issuer must not be ourselves.
pub fn check_issuer(config: &Config, public_url: &str) -> Result<(), Failure> {
    if config.oidc.issuer.as_deref() == Some(public_url) {
        let what = "oidc.issuer: it is this server's own address; name the issuer whose tokens are to be taken";
        return Err(Failure::new(Exit::Usage, what));
    }
    Ok(())
}
