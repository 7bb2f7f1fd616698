//! Which problem it is that nothing became of a webhook.

use super::{Code, Fault, Problem};
use application::{
    ports::{delivery_store::DeliveryStoreError, webhooks::WebhooksError},
    webhooks::desk::WebhookDeskError,
};

/// When to come again after something of ours failed, in seconds.
const RETRY_SECONDS: u32 = 5;

impl From<WebhookDeskError> for Problem {
    fn from(error: WebhookDeskError) -> Self {
        let invalid = |pointer: String| {
            let fault = Fault::at(pointer, "invalid-value", error.to_string());
            Problem::new(Code::InvalidRequest).fault(fault)
        };
        match error {
            WebhookDeskError::NotFound => Problem::new(Code::NotFound),
            WebhookDeskError::Target(_) => {
                let fault = Fault::at("/url".to_owned(), "invalid-value", error.to_string());
                Problem::new(Code::WebhookTarget).fault(fault)
            }
            WebhookDeskError::Description => invalid("/description".to_owned()),
            WebhookDeskError::UnknownEvent { index } => invalid(format!("/events/{index}")),
            WebhookDeskError::TooManyEvents => invalid("/events".to_owned()),
            WebhookDeskError::TooMany => Problem::new(Code::WebhookLimit).detail(error.to_string()),
            WebhookDeskError::Command(error) => error.into(),
            WebhookDeskError::Read(error) => error.into(),
            WebhookDeskError::Webhooks(error) => error.into(),
            WebhookDeskError::Deliveries(error) => error.into(),
        }
    }
}

impl From<WebhooksError> for Problem {
    fn from(error: WebhooksError) -> Self {
        Problem::new(Code::Unavailable).retry_after(RETRY_SECONDS).caused_by(error)
    }
}

impl From<DeliveryStoreError> for Problem {
    fn from(error: DeliveryStoreError) -> Self {
        match error {
            DeliveryStoreError::OutOfRoom => Problem::new(Code::OutOfRoom).caused_by(error),
            DeliveryStoreError::Moved | DeliveryStoreError::Unavailable(_) => {
                Problem::new(Code::Unavailable).retry_after(RETRY_SECONDS).caused_by(error)
            }
        }
    }
}
