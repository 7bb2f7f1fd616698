//! What webhooks sign with, among the credentials.
//!
//! The name of a secret says since when it signs, and which command drew it. So a rotation is one write, and a command
//! that is repeated finds what it drew. A secret signs until [`OVERLAP_MS`] after the next one began; of those before
//! it nothing is left. Deliberately absent: who may see secrets, and when.

use super::signature::{SignatureVersion, SigningSecret};
use crate::ports::{
    clock::{Clock, Ids},
    credentials::CredentialStore,
    webhooks::{WebhookSecrets, WebhooksError},
};
use async_trait::async_trait;
use domain::value::WebhookId;
use std::sync::Arc;
use uuid::Uuid;

/// How long a secret signs beside the one that replaces it, in milliseconds: a day.
pub const OVERLAP_MS: u64 = 24 * 60 * 60 * 1_000;

/// Draws the secrets of webhooks, and keeps them.
pub struct SigningSecrets {
    credentials: Arc<dyn CredentialStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

/// A secret as it is kept.
struct Kept {
    since_ms: u64,
    command: Uuid,
    secret: SigningSecret,
}

impl Kept {
    fn name(since_ms: u64, command: Uuid) -> String {
        // Of one length, so that names are in the order of time.
        format!("{since_ms:016}.{}", command.simple())
    }

    fn read(name: &str, plain: &[u8]) -> Option<Self> {
        let (since, command) = name.split_once('.')?;
        let secret = SigningSecret::parse(std::str::from_utf8(plain).ok()?).ok()?;
        Some(Self { since_ms: since.parse().ok()?, command: command.parse().ok()?, secret })
    }
}

impl SigningSecrets {
    /// Among these credentials.
    pub fn new(credentials: Arc<dyn CredentialStore>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { credentials, clock, ids }
    }

    /// The secret that signs from now on: the one that this command drew, or a new one of the version that is asked
    /// for, or that the webhook has. The one before signs beside it for a while.
    pub async fn draw(
        &self,
        webhook: WebhookId,
        command: Uuid,
        version: Option<SignatureVersion>,
    ) -> Result<SigningSecret, WebhooksError> {
        let mut kept = self.kept(webhook).await?;
        if let Some(known) = kept.iter().find(|known| known.command == command) {
            return Ok(known.secret.clone());
        }
        let (now, last) = (self.clock.now().unix_ms(), kept.pop());
        let since_ms = last.as_ref().map_or(now, |last| now.max(last.since_ms + 1));
        let version = version.or(last.map(|last| last.secret.version())).unwrap_or_default();
        let secret = SigningSecret::drawn(version, self.ids.secret());
        let (name, text) = (Kept::name(since_ms, command), secret.expose());
        self.credentials.put_secret(webhook.0, &name, text.as_bytes()).await.map_err(failed)?;
        for old in kept {
            let name = Kept::name(old.since_ms, old.command);
            self.credentials.remove_secret(webhook.0, &name).await.map_err(failed)?;
        }
        Ok(secret)
    }

    /// The secret that a webhook signs with, apart from one that is on its way out.
    pub async fn newest(&self, webhook: WebhookId) -> Result<Option<SigningSecret>, WebhooksError> {
        Ok(self.kept(webhook).await?.pop().map(|kept| kept.secret))
    }

    /// Oldest first.
    async fn kept(&self, webhook: WebhookId) -> Result<Vec<Kept>, WebhooksError> {
        let found = self.credentials.secrets(webhook.0).await.map_err(failed)?;
        let kept = found.iter().map(|(name, secret)| {
            // One that cannot be read is a failure: whoever verifies with it waits for its signatures.
            Kept::read(name, secret.expose()).ok_or_else(|| WebhooksError("a secret of a webhook is none".into()))
        });
        kept.collect()
    }
}

#[async_trait]
impl WebhookSecrets for SigningSecrets {
    async fn secrets(&self, webhook: WebhookId) -> Result<Vec<SigningSecret>, WebhooksError> {
        let mut kept = self.kept(webhook).await?;
        let Some(newest) = kept.pop() else { return Ok(vec![]) };
        let end_ms = newest.since_ms.saturating_add(OVERLAP_MS);
        let before = kept.pop().filter(|_| self.clock.now().unix_ms() < end_ms);
        Ok([Some(newest), before].into_iter().flatten().map(|kept| kept.secret).collect())
    }

    async fn forget(&self, webhook: WebhookId) -> Result<(), WebhooksError> {
        self.credentials.remove_secrets(webhook.0).await.map_err(failed)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> WebhooksError {
    WebhooksError(Box::new(error))
}
