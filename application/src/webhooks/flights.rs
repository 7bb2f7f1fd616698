//! Deliveries that are on their way.

use crate::ports::delivery_store::Delivery;
use domain::value::WebhookId;
use std::{collections::HashMap, future::Future};
use tokio::task::{self, JoinError, JoinSet};
use uuid::Uuid;

/// What is on its way, each in a task of its own: one that panics takes nothing else along.
#[derive(Default)]
pub(super) struct Flights {
    tasks: JoinSet<()>,
    known: HashMap<task::Id, Flight>,
}

/// A delivery on its way.
struct Flight {
    webhook: WebhookId,
    subject: Uuid,
}

impl Flights {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many there are to a webhook.
    pub fn to(&self, webhook: WebhookId) -> usize {
        self.known.values().filter(|flight| flight.webhook == webhook).count()
    }

    /// Whether one of the delivery's line is: the same webhook and subject. Perhaps it is the delivery itself.
    pub fn has_line_of(&self, delivery: &Delivery) -> bool {
        let line = (delivery.what.webhook, delivery.what.subject);
        self.known.values().any(|flight| (flight.webhook, flight.subject) == line)
    }

    /// Sends one off.
    pub fn start(&mut self, delivery: &Delivery, work: impl Future<Output = ()> + Send + 'static) {
        let flight = Flight { webhook: delivery.what.webhook, subject: delivery.what.subject };
        let task = self.tasks.spawn(work);
        self.known.insert(task.id(), flight);
    }

    /// Returns when one has come to its end; never when there is none.
    pub async fn landed(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => {
                let task = ended.as_ref().map_or_else(JoinError::id, |(task, ())| *task);
                self.known.remove(&task);
            }
            None => std::future::pending().await,
        }
    }
}
