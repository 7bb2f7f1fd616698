//! The webhook: where a tenant wants to hear of its events. Stream `webhook-<id>`.
//!
//! The secrets that sign deliveries, and the deliveries themselves, are deliberately absent: they live outside the log.

use crate::{decider::Decider, value::Personal};
use serde::{Deserialize, Serialize};
use std::fmt;

#[cfg(test)]
mod tests;

/// What is known of a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// What it is to be; `None` before it was made, and after it was removed.
    pub content: Option<WebhookContent>,
    /// Why nothing is delivered; `None` while it is.
    pub disabled: Option<WhyDisabled>,
    /// It was removed.
    pub is_removed: bool,
}

/// What a webhook is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookContent {
    /// Where to. An address may hold what nobody else should know.
    pub url: Personal<String>,
    /// What its owner calls it.
    pub description: Personal<String>,
    /// Which events: their types, or the beginnings of types before a `*`; all when empty.
    pub events: Vec<String>,
}

/// Why nothing is delivered to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyDisabled {
    /// Its owner said so.
    Owner,
    /// It answered 410: it is gone for good.
    Gone,
}

/// What can be asked of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookCommand {
    /// Make it.
    Create(WebhookContent),
    /// Make it something else.
    Change(WebhookContent),
    /// Deliver nothing any more.
    Disable(WhyDisabled),
    /// Deliver again.
    Enable,
    /// A new secret signs from now on, the one before for a while beside it.
    NoteRotation,
    /// Deliver everything anew from a position of the log on.
    Replay {
        /// The position.
        from: u64,
    },
    /// Remove it.
    Remove,
}

/// What has happened to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// It was made.
    WebhookCreated(WebhookContent),
    /// It is something else.
    WebhookChanged(WebhookContent),
    /// Nothing is delivered any more.
    WebhookDisabled {
        /// Why.
        why: WhyDisabled,
    },
    /// Deliveries go on.
    WebhookEnabled,
    /// A new secret signs from now on.
    WebhookSecretRotated,
    /// Everything is delivered anew from a position of the log on.
    WebhookReplayed {
        /// The position.
        from: u64,
    },
    /// It was removed.
    WebhookRemoved,
}

/// Which rule a command to a webhook broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookRejection {
    /// There is none.
    Unknown,
    /// It was made already, in another way.
    AlreadyCreated,
    /// It is disabled.
    Disabled,
}

impl fmt::Display for WebhookRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WebhookRejection::Unknown => "there is no such webhook",
            WebhookRejection::AlreadyCreated => "the webhook was made already, in another way",
            WebhookRejection::Disabled => "the webhook is disabled; enable it first",
        })
    }
}

impl std::error::Error for WebhookRejection {}

impl Decider for Webhook {
    type State = Webhook;
    type Command = WebhookCommand;
    type Event = WebhookEvent;
    type Rejection = WebhookRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(webhook: &Webhook, command: WebhookCommand) -> Result<Vec<WebhookEvent>, WebhookRejection> {
        match (&webhook.content, command) {
            (None, WebhookCommand::Create(content)) if !webhook.is_removed => {
                Ok(vec![WebhookEvent::WebhookCreated(content)])
            }
            (None, WebhookCommand::Remove) if webhook.is_removed => Ok(vec![]),
            (None, _) => Err(WebhookRejection::Unknown),
            (Some(known), WebhookCommand::Create(content) | WebhookCommand::Change(content)) if *known == content => {
                Ok(vec![])
            }
            (Some(_), WebhookCommand::Create(_)) => Err(WebhookRejection::AlreadyCreated),
            (Some(_), WebhookCommand::Change(content)) => Ok(vec![WebhookEvent::WebhookChanged(content)]),
            (Some(_), WebhookCommand::Disable(_)) if webhook.disabled.is_some() => Ok(vec![]),
            (Some(_), WebhookCommand::Disable(why)) => Ok(vec![WebhookEvent::WebhookDisabled { why }]),
            (Some(_), WebhookCommand::Enable) if webhook.disabled.is_none() => Ok(vec![]),
            (Some(_), WebhookCommand::Enable) => Ok(vec![WebhookEvent::WebhookEnabled]),
            (Some(_), WebhookCommand::NoteRotation) => Ok(vec![WebhookEvent::WebhookSecretRotated]),
            (Some(_), WebhookCommand::Replay { .. }) if webhook.disabled.is_some() => Err(WebhookRejection::Disabled),
            (Some(_), WebhookCommand::Replay { from }) => Ok(vec![WebhookEvent::WebhookReplayed { from }]),
            (Some(_), WebhookCommand::Remove) => Ok(vec![WebhookEvent::WebhookRemoved]),
        }
    }

    fn evolve(webhook: &mut Webhook, event: &WebhookEvent) {
        match event {
            WebhookEvent::WebhookCreated(content) | WebhookEvent::WebhookChanged(content) => {
                webhook.content = Some(content.clone());
            }
            WebhookEvent::WebhookDisabled { why } => webhook.disabled = Some(*why),
            WebhookEvent::WebhookEnabled => webhook.disabled = None,
            WebhookEvent::WebhookSecretRotated | WebhookEvent::WebhookReplayed { .. } => {}
            WebhookEvent::WebhookRemoved => *webhook = Self { content: None, disabled: None, is_removed: true },
        }
    }
}
