//! Tells people by e-mail that what they ordered is finished, or cannot be done.
//!
//! Follows the log. How far it has come stands among the secrets of the credential store, which is durable and beside
//! the log; it moves on after each letter, so that a crash repeats one at worst. Where there is no such place yet, it
//! begins with what happens from now on. Ids and a link only: the names of films are nobody else's business.
//! Deliberately absent: letters to who has no account, and more than a few tries with a mail server that does not want
//! one.

use crate::{
    aggregates::Aggregates,
    causes::with_causes,
    ports::{
        clock::Clock,
        credentials::{CredentialError, CredentialStore},
        event_log::{EventLog, ReadError, Recorded},
        mailer::{Mail, Mailer},
    },
    principal::Principal,
    public_events::{PublicEventType, public},
};
use domain::value::{AccountId, DubbingId, Personal};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Owner of the place among the secrets; drawn once at random, fixed for ever.
const OWNER: Uuid = Uuid::from_u128(0x5b1d_93ce_0a47_4f86_9e2c_71d0_38fa_b6e5);
/// Name of the place.
const PLACE: &str = "finished-letters.position";
/// Events read in one go.
const PAGE: usize = 256;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_secs(2);
/// Pauses between tries to send a letter; it is given up after the last one.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(1_800)];
/// After so many positions without a letter the place is written down all the same: less is to be read after a start.
const STRIDE: u64 = 10_000;
/// What ended longer ago than this, in milliseconds, is no news: mail may have been off for a while. Three days.
const NEWS_MS: u64 = 3 * 24 * 60 * 60 * 1_000;

/// What letters about finished jobs are written with.
pub struct FinishedParts {
    /// Where events are.
    pub log: Arc<dyn EventLog>,
    /// Accounts.
    pub aggregates: Arc<Aggregates>,
    /// Where the place is kept.
    pub credentials: Arc<dyn CredentialStore>,
    /// Sends them.
    pub mailer: Arc<dyn Mailer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where people reach the server: `https://dub.example.org`.
    pub public_url: String,
}

/// Writes letters about finished jobs. One at a time may run for a log.
#[derive(Clone)]
pub struct FinishedLetters {
    parts: Arc<FinishedParts>,
}

/// Why letters cannot be written any more.
#[derive(Debug, Error)]
pub enum LetterFault {
    /// The log could not be followed.
    #[error("the log could not be followed for letters")]
    Log(#[from] ReadError),
    /// The place could not be read or kept.
    #[error("how far letters were written could not be read or kept")]
    Place(#[from] CredentialError),
    /// The place says nothing.
    #[error("how far letters were written is not known any more")]
    Unreadable,
}

/// How a job ended.
enum Ending {
    Completed { needs_attention: bool },
    Failed,
}

impl FinishedLetters {
    /// With these parts.
    pub fn new(parts: FinishedParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Writes letters until it is dropped, and returns only what made that impossible.
    pub async fn run(&self) -> LetterFault {
        match self.follow().await {
            Ok(never) => match never {},
            Err(fault) => fault,
        }
    }

    async fn follow(&self) -> Result<std::convert::Infallible, LetterFault> {
        let mut wakeups = self.parts.log.wakeups();
        let (mut at, mut kept) = (self.begin().await?, 0);
        loop {
            wakeups.mark_unchanged();
            let reached = self.step(at).await?;
            if reached > at {
                at = reached;
                if at - kept >= STRIDE {
                    self.keep(at).await?;
                    kept = at;
                }
                continue;
            }
            let hint = async {
                // The channel is closed when nobody of this process appends any more: others may.
                if wakeups.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            // Whatever it was, or time that passed: look again.
            let _hint = timeout(POLL, hint).await;
        }
    }

    /// Where letters go on. The first time that is the end of the log, and stands written down from then on.
    pub async fn begin(&self) -> Result<u64, LetterFault> {
        if let Some(place) = self.parts.credentials.secret(OWNER, PLACE).await? {
            let bytes = place.expose().try_into().map_err(|_| LetterFault::Unreadable)?;
            return Ok(u64::from_be_bytes(bytes));
        }
        let head = self.parts.log.head().await?;
        self.keep(head).await?;
        Ok(head)
    }

    /// Writes the letters of the next page of the log. How far it has come.
    async fn step(&self, from: u64) -> Result<u64, LetterFault> {
        let page = self.parts.log.read_log(from, PAGE).await?;
        for recorded in &page.events {
            if let Some((dubbing, ending)) = finished(recorded) {
                self.write(recorded, dubbing, &ending).await?;
                self.keep(recorded.position).await?;
            }
        }
        Ok(page.scanned_to.max(from))
    }

    async fn keep(&self, position: u64) -> Result<(), LetterFault> {
        Ok(self.parts.credentials.put_secret(OWNER, PLACE, &position.to_be_bytes()).await?)
    }

    async fn write(&self, recorded: &Recorded, dubbing: DubbingId, ending: &Ending) -> Result<(), LetterFault> {
        if self.parts.clock.now().since_ms(recorded.recorded_at) > NEWS_MS {
            return Ok(());
        }
        let Some((tenant, actor)) = self.parts.log.owner_of(&recorded.stream).await? else { return Ok(()) };
        let Some(maker) = Principal::account_of(&actor) else { return Ok(()) };
        let account = self.parts.aggregates.account(maker).await?;
        let standing = account.state.standing.as_ref().filter(|standing| standing.is_active && account.is_of(&tenant));
        let Some(to) = standing.map(|standing| standing.email.clone()).filter(is_given) else { return Ok(()) };
        let mail = letter(to, &self.parts.public_url, dubbing, ending);
        self.send(mail, maker, dubbing).await;
        Ok(())
    }

    /// Sends a letter, as often as it takes; not for ever, because others wait behind it.
    async fn send(&self, mail: Mail, account: AccountId, dubbing: DubbingId) {
        let mut pauses = PAUSES.iter();
        while let Err(error) = self.parts.mailer.send(mail.clone()).await {
            let pause = pauses.next().filter(|_| error.is_transient());
            let cause = with_causes(&error);
            let Some(pause) = pause else {
                tracing::warn!(%account, %dubbing, cause, "a letter about a finished job was given up");
                return;
            };
            tracing::info!(%account, %dubbing, cause, "a letter about a finished job is tried again");
            sleep(*pause).await;
        }
    }
}

/// How a job ended, if this event tells so.
fn finished(recorded: &Recorded) -> Option<(DubbingId, Ending)> {
    let dubbing = recorded.stream.dubbing()?;
    let event = public(recorded)?;
    if event.kind == PublicEventType::DubbingCompleted {
        let needs_attention = event.data.get("needs_attention") == Some(&true.into());
        Some((dubbing, Ending::Completed { needs_attention }))
    } else if event.kind == PublicEventType::DubbingFailed {
        Some((dubbing, Ending::Failed))
    } else {
        None
    }
}

fn is_given(email: &Personal<String>) -> bool {
    email.reveal().is_some_and(|email| !email.is_empty())
}

fn letter(to: Personal<String>, public_url: &str, dubbing: DubbingId, ending: &Ending) -> Mail {
    let (subject, says) = match ending {
        Ending::Completed { needs_attention: false } => {
            ("A dubbing is finished", "is finished: its results can be fetched.")
        }
        Ending::Completed { needs_attention: true } => {
            ("A dubbing is finished", "is finished. Some of its lines need somebody's attention.")
        }
        Ending::Failed => ("A dubbing could not be done", "could not be done; its page says why."),
    };
    let link = format!("{}/v1/dubbings/{dubbing}", public_url.trim_end_matches('/'));
    let text = format!("The dubbing {dubbing} that you ordered {says}\n\n{link}\n");
    Mail { to, subject: subject.to_owned(), text }
}
