//! Who listens to notices: hints that the log has come further, for processes that do not hear of it otherwise.
//!
//! A notice that is lost is no loss: whoever follows the log looks at it now and then anyhow, and after each new
//! connection the last notice is fetched.

use crate::{
    error::NatsBusError,
    last_of,
    message::Noticed,
    streams::{A_NOTICE, PURPOSE, notices_name, notices_subjects},
};
use application::ports::event_log::wake;
use futures::StreamExt;
use nats_connection::{Link, NatsError, Prefix, Servers};
use std::time::Duration;
use tokio::{sync::watch, task::JoinSet, time::timeout};

/// How often it is looked whether there is a new connection.
const LOOK: Duration = Duration::from_secs(2);

/// There is no such stream: nobody has said anything yet.
const NO_STREAM: u64 = 10_059;

/// The notices of one installation. They end with this value.
#[derive(Debug)]
pub struct NatsNotices {
    positions: watch::Receiver<u64>,
    _ear: JoinSet<()>,
}

impl NatsNotices {
    /// Connects, to hear what is said under this prefix. To be called in a Tokio runtime, which then listens. Nobody need
    /// have said anything yet.
    pub async fn connect(servers: &Servers, prefix: &str) -> Result<Self, NatsBusError> {
        let prefix = Prefix::try_new(prefix)?;
        let link = Link::connect(servers, &prefix, PURPOSE).await?;
        Self::over(link, prefix).await
    }

    /// The same over a connection that there is.
    pub(crate) async fn over(link: Link, prefix: Prefix) -> Result<Self, NatsBusError> {
        let mut heard = link.listen(notices_subjects(&prefix)).await?;
        let (said, positions) = watch::channel(0);
        // What the server forbids it says beside the answers, so one is waited for.
        match catch_up(&link, &prefix, &said).await {
            Ok(()) | Err(NatsError::Refused { code: NO_STREAM, .. }) => {}
            Err(error) => return Err(link.explain(error).into()),
        }
        link.allowed()?;
        let mut ear = JoinSet::new();
        ear.spawn(async move {
            let mut connects = 0;
            loop {
                let now = link.connects();
                if connects != now && catch_up(&link, &prefix, &said).await.is_ok() {
                    connects = now;
                }
                match timeout(LOOK, heard.next()).await {
                    Ok(Some(message)) => {
                        // Whoever may publish here may say anything: it is a hint.
                        if let Ok(Noticed { position, .. }) = serde_json::from_slice(&message.payload) {
                            wake(&said, position);
                        }
                    }
                    Ok(None) => return,
                    Err(_nothing_was_said) => {}
                }
            }
        });
        Ok(Self { positions, _ear: ear })
    }

    /// How far the log has come, as far as anybody said; 0 at first. It only grows. A hint: whoever follows the log also
    /// looks at it now and then.
    pub fn positions(&self) -> watch::Receiver<u64> {
        self.positions.clone()
    }
}

/// Fetches what was said while there was no connection.
async fn catch_up(link: &Link, prefix: &Prefix, said: &watch::Sender<u64>) -> Result<(), NatsError> {
    let last = last_of(link, A_NOTICE, &notices_name(prefix), notices_subjects(prefix)).await?;
    if let Some(mark) = last.and_then(|last| last.mark) {
        wake(said, mark.position);
    }
    Ok(())
}
